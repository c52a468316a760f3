"""What lives as long as the app's process: one workbench with its store, model and indexes."""

import streamlit as st

from app import trace
from app.actions import entrance as ways
from app.actions.entrance import Entrance
from data.settings import Settings
from data.store import Store
from engine.workbench import Workbench

_given: list[Workbench] = []


def use(workbench: Workbench | None) -> None:
    """Serve the pages from this workbench instead of one opened from the settings (None: back to the settings)."""
    _given[:] = [workbench] if workbench is not None else []


def entrance() -> Entrance:
    """How people come in. Raises SettingsError where that is configured wrongly, or not at all where it must be."""
    return ways.read(_given[0].settings) if _given else _opened_entrance()


def workbench() -> Workbench:
    """The workbench of this process."""
    return _given[0] if _given else _opened()


@st.cache_resource(show_spinner="Opening the store ...")
def _opened() -> Workbench:
    settings = Settings()
    trace.set_up(settings.log or "text")
    return Workbench(settings, Store.open(settings.database_path, settings.database_url))


@st.cache_resource(show_spinner=False)
def _opened_entrance() -> Entrance:
    # The address the server has, whoever started it and how.
    settings = Settings().model_copy(update={"address": st.get_option("server.address") or "0.0.0.0"})  # noqa: S104
    found = ways.read(settings)
    ways.check_address(settings, found)
    return found
