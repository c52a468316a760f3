"""Chromium, a scratch home, and the app on it. A test that fails leaves a screenshot in test-results/."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests import synthetic
from tests.e2e.browser import SIZE, App, chromium
from tests.e2e.served import Served

RESULTS = Path(__file__).parents[2] / "test-results"
_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Keep whether the test's own call failed, for the fixture that takes the screenshot."""
    report = yield
    if report.when == "call":
        item.stash[_FAILED] = report.failed
    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tiny model that can learn the synthetic collection."""
    return synthetic.learnable_model(tmp_path_factory.mktemp("model"), synthetic.synthetic())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[Served]:
    """The app on an empty home, started; a test module shares it."""
    home = tmp_path_factory.mktemp("served") / "home"
    app = Served(home, model)
    app.start()
    yield app
    app.stop()


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest, served: Served) -> Iterator[Page]:
    """A tab of a browser nobody used."""
    context = browser.new_context(viewport=SIZE)
    opened = context.new_page()
    yield opened
    if request.node.stash.get(_FAILED, True):
        RESULTS.mkdir(exist_ok=True)
        opened.screenshot(path=RESULTS / f"{request.node.name}.png", full_page=True)
        for log in (served.settings.home / "logs").glob("*.log"):
            shutil.copy(log, RESULTS / f"{request.node.name}.{log.name}")
    context.close()


@pytest.fixture
def app(page: Page, served: Served) -> App:
    """The tab, as the tests speak of it."""
    return App(page, served.url)
