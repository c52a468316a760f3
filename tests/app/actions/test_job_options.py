import pytest

from app.actions.options import options
from training.recipes import RECIPES, TrainConfig, nested


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_field_has_an_option_whose_default_fits(recipe):
    found = {option.name: option for option in options(recipe)}
    own = {stage.options for stage in RECIPES[recipe].stages if stage.options}
    assert {name.partition(".")[0] for name in found} >= own
    assert {"epochs", "learning_rate", "seed", "general"} <= set(found)
    for option in found.values():
        assert option.help and option.label, option.name
        if option.choices:
            assert option.default in option.choices
        elif not isinstance(option.default, bool | str):
            assert option.low is not None and option.high is not None, option.name
            assert option.low <= option.default <= option.high


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_form_s_defaults_are_the_config_s(recipe):
    values = {option.name: option.default for option in options(recipe)}
    assert TrainConfig.model_validate(nested({"recipe": recipe, **values})) == TrainConfig(recipe=recipe)
