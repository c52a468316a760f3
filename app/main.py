"""Entry point of the browser app: the frame and the list of pages."""

import streamlit as st

from app.views import frame

st.set_page_config(page_title="WhyRank", page_icon=":material/rule:", layout="wide")
page = st.navigation(
    [
        st.Page("pages/explore.py", title="Explore", icon=":material/search:", default=True),
        st.Page("pages/judge.py", title="Judge", icon=":material/gavel:"),
        st.Page("pages/compare.py", title="Compare", icon=":material/compare_arrows:"),
        st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
        st.Page("pages/evaluate.py", title="Evaluate", icon=":material/monitoring:"),
        st.Page("pages/collections.py", title="Collections", icon=":material/library_books:"),
    ],
    position="top",
)
if frame.draw(needs_collection=page.url_path != "collections"):
    page.run()
