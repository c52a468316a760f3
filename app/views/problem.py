"""How an error looks: what happened and the mend, never a stack trace."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from data import disk, logs
from data.errors import ImportRefusedError, PromotionRefusedError, WhyRankError


def show(error: WhyRankError) -> None:
    """Draw an error with its mend. Texts may hold words of files, so they are drawn as text, and not logged."""
    logs.write("problem shown", logs.of_error(error), level=logging.WARNING)
    with st.container(border=True):
        st.error("That did not work.", icon=":material/error:")
        st.text(error.what)
        if isinstance(error, PromotionRefusedError):
            for reason in error.reasons:
                if reason not in error.what:
                    st.text(f"- {reason}")
        if isinstance(error, ImportRefusedError):
            st.code("\n".join(str(row) for row in error.rows), language=None)
            if error.count > len(error.rows):
                st.text(f"... and {error.count - len(error.rows)} more")
        st.text(f"To mend it: {error.mend}")


@contextmanager
def shown() -> Iterator[None]:
    """Show a WhyRankError raised inside, or what the system says of a disk, instead of passing it on."""
    try:
        with disk.explained():
            yield
    except WhyRankError as error:
        show(error)
