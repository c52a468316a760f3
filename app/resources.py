"""What lives as long as the app's process: one workbench with its store, model and indexes."""

import streamlit as st

from data.settings import Settings
from data.store import Store
from engine.workbench import Workbench

_given: list[Workbench] = []


def use(workbench: Workbench | None) -> None:
    """Serve the pages from this workbench instead of one opened from the settings (None: back to the settings)."""
    _given[:] = [workbench] if workbench is not None else []


def workbench() -> Workbench:
    """The workbench of this process."""
    return _given[0] if _given else _opened()


@st.cache_resource(show_spinner="Opening the store ...")
def _opened() -> Workbench:
    settings = Settings()
    return Workbench(settings, Store.open(settings.database_path))
