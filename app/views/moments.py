"""Moments as the reader's clock has them: the browser's time zone, else the app's own."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st


def zone() -> ZoneInfo | None:
    """The browser's time zone; None, which `astimezone` takes as the app's own, where it names none that is known."""
    try:
        return ZoneInfo(st.context.timezone) if st.context.timezone else None
    except (ZoneInfoNotFoundError, ValueError):
        return None


def moment(when: datetime) -> str:
    """Day and time, to the minute."""
    return f"{when.astimezone(zone()):%Y-%m-%d %H:%M}"
