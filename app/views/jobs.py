"""Jobs as a list and one of them from near; logs and errors as text."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from app import visitor
from app.actions.jobs import Watch, duration, watched
from app.actions.train import CANCELLING, cancel, worker_alive
from app.views import charts
from app.views.plain import plain
from data import disk
from data.people import Role
from data.records import Job, JobState
from engine.workbench import Workbench
from training.jobs import MAKE, TEACH

_STAGE = {
    "name": "Stage",
    "steps": "Steps",
    "examples": "Examples",
    "too_long": "Left out, too long",
    "loss": "Loss",
    "reward": "Reward",
    "unreadable": "Unreadable answers",
    "clipped": "Answers cut off",
    "completion_tokens": "Tokens per answer",
    "same_reward": "Groups that earn the same",
    "kept": "Answers kept per pair",
    "kl": "Distance (KL)",
    "seconds": "Seconds",
}
"""Columns of what a stage came to; those that no stage has are not drawn."""
_SHARES = ("unreadable", "clipped", "same_reward")
EVERY = "2s"
"""How often a running job is looked at; each look only reads."""


def under_way(workbench: Workbench, words: str, newest: Callable[[], Watch | None]) -> bool:
    """Draw the job started last, redrawn by itself while it runs, or why it failed. Is it still running?"""
    watch = newest()
    if watch is not None and not watch.job.state.ended:
        st.fragment(_follow, run_every=EVERY)(workbench, words, newest)
        return True
    if watch is not None and watch.job.state is JobState.FAILED:
        failure(watch)
    return False


def _follow(workbench: Workbench, words: str, newest: Callable[[], Watch | None]) -> None:
    watch = newest()
    if watch is None or watch.job.state.ended:
        st.rerun()
    hindrances(workbench)
    st.markdown(f"**{words}**")
    progress(watch)


def now(workbench: Workbench, job_id: str, *, live: bool) -> Watch:
    """The job as it is now. `live`: it is looked at again and again, until it has ended; then its progress is drawn
    with the button that cancels it."""
    watch = watched(workbench, job_id)
    if live:
        if watch.job.state.ended:
            st.rerun()
        hindrances(workbench)
        progress(watch)
        cancelling(workbench, watch)
    return watch


def cancelling(workbench: Workbench, watch: Watch) -> None:
    """The button that cancels a job which can still be cancelled."""
    if watch.job.state.ended or watch.job.cancel_requested:
        return
    may = visitor.only(Role.LEAD, CANCELLING)
    if st.button("Cancel this job", key="cancel", icon=":material/stop_circle:", **may):
        cancel(workbench, watch.job.job_id, visitor.person())
        st.rerun()


def hindrances(workbench: Workbench) -> None:
    """Why jobs wait, where they do."""
    if disk.is_full(workbench.settings.home):
        st.warning("The disk is full: jobs wait until there is room.", icon=":material/hard_drive:")
    if worker_alive(workbench):
        return
    with st.container(border=True):
        st.warning("No worker is running: jobs wait in the list until one is started.", icon=":material/power_off:")
        st.text("Start it:")
        st.code("whyrank worker", language="bash")


def table(watches: Sequence[Watch]) -> None:
    """All jobs, newest first."""
    st.dataframe(
        [
            {
                "Job": watch.job.job_id[:8],
                "Kind": watch.job.kind,
                "State": watch.words,
                "Progress": round(100 * watch.job.progress),
                "Started by": watch.job.created_by,
                "Created": watch.job.created_at,
                "Took": duration(watch.elapsed_seconds),
            }
            for watch in watches
        ],
        hide_index=True,
        key="jobs_table",
        column_config={
            "Progress": st.column_config.ProgressColumn(format="%d %%", min_value=0, max_value=100),
            "Created": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss"),
        },
    )


def title(job: Job) -> str:
    """A job in a list of choices."""
    return f"{job.kind} of {job.created_at.astimezone():%Y-%m-%d %H:%M:%S} ({job.job_id[:8]})"


def progress(watch: Watch) -> None:
    """Where a job is and how it goes."""
    job = watch.job
    st.progress(min(1.0, max(0.0, job.progress)), text=f"{plain(job.stage or watch.words)}: {job.progress:.0%}")
    with st.container(horizontal=True):
        st.metric("State", job.state.value, width=180)
        st.metric("Elapsed", duration(watch.elapsed_seconds), width=180)
        if not job.state.ended:
            left = duration(watch.remaining_seconds)
            st.metric("Left, about", left, width=180, help="From the share done so far; stages differ in pace.")
            silence = "-" if watch.heartbeat_seconds is None else f"{duration(watch.heartbeat_seconds)} ago"
            st.metric("Last sign of life", silence, width=200)
    if job.attempts > 1:
        st.info(f"This job was resumed from its checkpoint; it was started {job.attempts} times.")
    if watch.silent:
        st.warning("Its process gives no sign of life. A running worker takes it up again from its last checkpoint.")
    if job.cancel_requested and not job.state.ended:
        st.info("It is asked to stop, and stops at its next step.")


def failure(watch: Watch) -> None:
    """Why a job failed, and the mend."""
    job = watch.job
    if job.state is JobState.FAILED:
        with st.container(border=True):
            st.error("This job failed.", icon=":material/error:")
            st.text(job.error or "No reason was stored.")
            st.text(f"To mend it: {job.mend or 'read the log below, then start it again.'}")
    elif job.state is JobState.CANCELLED:
        # A teacher's answers are judgments as soon as they are read.
        left = "What was answered until then stays." if job.kind in (TEACH, MAKE) else "Nothing of it is used."
        st.info(f"This job was cancelled. {left}")


def curves(found: Mapping[str, Sequence[tuple[int, float]]], key: str) -> None:
    """Losses, rewards and shares of answers in a chart each; every other figure's newest value, and its curve if it is
    chosen."""
    if not found:
        st.caption("The curves appear with the first training step.")
        return
    charts_of = {
        "Loss": {name for name in found if "loss" in name},
        "Reward": {name for name in found if name.startswith("reward")},
        "Share of answers": found.keys() & set(_SHARES),
    }
    for y, names in charts_of.items():
        if names:
            drawn = {_word(name): points for name, points in found.items() if name in names}
            charts.lines(drawn, key=f"{key}_{y}", y=y)
    others = {name: points for name, points in found.items() if not any(name in names for names in charts_of.values())}
    if others:
        with st.expander("Other figures", key=f"{key}_more"):
            rows = [{"Figure": _word(name), "Last value": points[-1][1]} for name, points in others.items()]
            st.dataframe(rows, hide_index=True, key=f"{key}_others")
            chosen = st.selectbox("Draw", list(others), index=None, format_func=_word, key=f"{key}_drawn")
            if chosen is not None:
                charts.lines({_word(chosen): others[chosen]}, key=f"{key}_other", y=_word(chosen))


def _word(name: str) -> str:
    return _STAGE.get(name, name.replace("_", " ").capitalize())


def log(text: str) -> None:
    """The end of the log."""
    with st.expander("Log (its end)", expanded=False, icon=":material/terminal:", key="job_log"):
        if text:
            st.code(text, language=None, wrap_lines=True, height=260)
        else:
            st.caption("No log yet.")


def result(found: Mapping[str, object]) -> None:
    """What a job that went well left: a version, and the gate's word on it."""
    words = f"Version {found['version']}" if "version" in found else "Done"
    if "examples" in found:
        words += f", trained on {found['examples']} examples"
    if found.get("cut_documents"):
        words += f"; of {found['cut_documents']} documents the model saw only the beginning, as when it ranks"
    st.text(f"{words}.")
    stages(found.get("stages"))
    if found.get("promote"):
        st.success("The gate lets it pass: a person may promote it on the Evaluate page.", icon=":material/check:")
    elif "promote" in found:
        st.warning("The gate refuses to promote it:", icon=":material/block:")
        refusals = found.get("refusals")
        st.text("\n".join(f"- {reason}" for reason in refusals) if isinstance(refusals, list) else "-")
    with st.expander("All of the result", key="job_result"):
        rows = [
            {"Result": name.replace("_", " "), "Value": str(value)} for name, value in found.items() if name != "stages"
        ]
        st.dataframe(rows, hide_index=True, key="job_result_table")


def stages(found: object) -> None:
    """What every stage of a training came to, what was left out or cut off included."""
    if not isinstance(found, list) or not found:
        return
    names = [name for name in _STAGE if any(name in stage for stage in found)]
    rows = [{_STAGE[name]: stage.get(name) for name in names} for stage in found]
    shares = {_STAGE[name]: st.column_config.NumberColumn(format="percent") for name in _SHARES}
    plain_numbers = {
        _STAGE[name]: st.column_config.NumberColumn(format="%.3g")
        for name in ("loss", "reward", "completion_tokens", "kept", "kl", "seconds")
    }
    st.dataframe(rows, hide_index=True, key="job_stages", column_config={**shares, **plain_numbers})


def settings(config: Mapping[str, object]) -> None:
    """What the job was told."""
    with st.expander("Settings of this job", key="job_settings"):
        rows = [{"Setting": name, "Value": str(value)} for name, value in config.items()]
        st.dataframe(rows, hide_index=True, key="job_settings_table")
