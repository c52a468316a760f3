from app.actions.options import options
from training.recipes import TrainConfig


def test_every_field_has_an_option_whose_default_fits():
    found = {option.name: option for option in options()}
    assert set(found) == set(TrainConfig.model_fields) - {"recipe"}
    for option in found.values():
        assert option.help, option.name
        if option.choices:
            assert option.default in option.choices
        else:
            assert option.low is not None and option.high is not None
            assert option.low <= option.default <= option.high


def test_the_form_s_defaults_are_the_config_s():
    assert TrainConfig(**{option.name: option.default for option in options()}) == TrainConfig()
