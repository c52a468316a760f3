import pytest
from pydantic import ValidationError

from data.errors import NotFoundError
from training.recipes import RECIPES, TrainConfig, recipe_named


def test_the_config_is_short_documented_and_has_ranges():
    for name, field in TrainConfig.model_fields.items():
        assert field.description, name
        if field.annotation in (int, float):
            assert any(hasattr(part, "le") for part in field.metadata), name


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 0}, {"learning_rate": 0}, {"recipe": "magic"}, {"method": "magic"}, {"depht": 3}, {"start_from": "x"}],
)
def test_wrong_options_are_refused(wrong):
    with pytest.raises(ValidationError):
        TrainConfig(**wrong)


def test_the_config_survives_a_job_row():
    config = TrainConfig(epochs=3, method="pointwise-score")
    assert TrainConfig(**config.model_dump(mode="json")) == config


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_every_recipe_says_what_it_is(recipe):
    assert RECIPES[recipe.name] is recipe
    assert recipe.summary and recipe.source and recipe.stages


@pytest.mark.parametrize("stage", [s for r in RECIPES.values() for s in r.stages], ids=lambda s: s.name)
def test_every_stage_can_train(stage):
    assert callable(stage.train)


def test_an_unknown_recipe_lists_those_there_are():
    with pytest.raises(NotFoundError, match="sft"):
        recipe_named("magic")
