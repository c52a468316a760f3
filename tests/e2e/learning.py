"""How the Train page is told what to train, and asked how it goes."""

import re
from collections.abc import Mapping

from playwright.sync_api import expect

from tests import synthetic
from tests.e2e.browser import App

CONFIG = {
    "Epochs": synthetic.LEARNING["epochs"],
    "Learning rate": synthetic.LEARNING["learning_rate"],
    "Batch size (examples)": synthetic.LEARNING["batch_size"],
    "Depth (documents per query)": 8,
}
"""Label of the page's field -> value with which the tiny model learns the synthetic collection."""
DONE = 240_000
"""Milliseconds a training job may take on a slow machine."""


def start(app: App, config: Mapping[str, float]) -> None:
    """Type the options into the page's fields and press the button; returns when the job is in the list."""
    app.key("recipe").locator("label").filter(has_text=re.compile("^sft")).click()
    # The form of the recipe before stands there until the new one is drawn.
    app.rest()
    app.key("train_options").locator("summary").click()
    for label, value in config.items():
        field = app.page.get_by_role("spinbutton", name=label, exact=True)
        field.fill(str(value))
        field.press("Tab")
        expect(field).to_have_value(str(value))
    app.settle()
    app.press("start")
    expect(app.says("the worker takes it from there")).to_be_visible()
