"""The name of who uses this browser, kept in it: a cookie, so that the server knows it before it draws anything.

It proves nothing and is asked of nobody who signs in; the server mends it like a name that was typed.
"""

import streamlit as st

COOKIE = "whyrank_name"
_SCRIPT = f"""
export default function ({{ data }}) {{
  const wanted = "{COOKIE}=" + encodeURIComponent(data.name);
  if (!document.cookie.split("; ").includes(wanted)) {{
    document.cookie = wanted + "; Path=/; Max-Age=31536000; SameSite=Strict";
  }}
}}
"""
_component = st.components.v2.component("whyrank_keepsake", js=_SCRIPT)


def draw(name: str) -> None:
    """Keep the name for a year. Nothing is to be seen."""
    _component(key="keepsake", data={"name": name})
