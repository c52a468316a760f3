"""Entry point of the browser app: the frame and the list of pages.

Their folder is not called `pages`: where one of that name lies beside the main script, Streamlit runs a page's file
alone, without this one, as long as no session has opened the first page.
"""

import streamlit as st

from app import trace
from app.views import frame, problem
from data.people import Role

st.set_page_config(page_title="WhyRank", page_icon="⚖️", layout="wide")
trace.begin()
who, why = frame.visit()
is_admin = who is not None and who.role.covers(Role.ADMIN)
page = st.navigation(
    {
        "": [
            st.Page("screens/explore.py", title="Explore", icon=":material/search:", default=True),
            st.Page("screens/judge.py", title="Judge", icon=":material/gavel:"),
            st.Page("screens/compare.py", title="Compare", icon=":material/compare_arrows:"),
            st.Page("screens/train.py", title="Train", icon=":material/model_training:"),
            st.Page("screens/teach.py", title="Teacher", icon=":material/school:"),
            st.Page("screens/evaluate.py", title="Evaluate", icon=":material/monitoring:"),
            st.Page("screens/learn.py", title="Learning curve", icon=":material/show_chart:"),
            st.Page("screens/collections.py", title="Collections", icon=":material/library_books:"),
        ],
        "Team": [
            st.Page("screens/agreement.py", title="Agreement", icon=":material/group:"),
            st.Page("screens/adjudication.py", title="Adjudication", icon=":material/balance:"),
            st.Page("screens/progress.py", title="Progress", icon=":material/trending_up:"),
            st.Page("screens/history.py", title="History", icon=":material/history:"),
            st.Page(
                "screens/people.py",
                title="People",
                icon=":material/badge:",
                visibility="visible" if is_admin else "hidden",
            ),
        ],
    },
    position="top" if who else "hidden",
)
with trace.run(page.title if who else "Entrance"):
    if who is None:
        frame.draw_entrance(why)
    elif frame.draw(who, needs_collection=page.url_path not in ("collections", "people")):
        with problem.shown():
            page.run()
