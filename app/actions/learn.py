"""What the Learning curve page and `whyrank learn` do: show what a curve would be made from, start one, read it."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from app.actions.jobs import told
from app.actions.options import Option, options
from app.actions.people import require
from data.errors import SettingsError, misfits
from data.people import Person, Role
from data.records import Collection, Job
from engine.evaluation import PRIMARY
from engine.workbench import Workbench
from training import jobs, learning
from training.learning import TRAIN, LearnConfig, Preview
from training.recipes import nested

RECIPE = str(TRAIN["recipe"])
DOING = "draw a learning curve"
KIND = jobs.LEARN
Curve = Mapping[str, Any]
"""What the learning-curve job tells: the points, the levels they make, and what they were measured with."""

MEND = (
    "A correction only counts when it stays: give more of them, over more queries; train gentler (a lower learning "
    "rate, fewer epochs); start from the champion rather than from the base; replay more of what the model knew."
)
"""What may be done where a point is worse than the champion."""
_OWN = ("recipe", "seed", "general")
"""Options of a training job that a curve sets by itself."""


def numbers(text: str, what: str) -> tuple[int, ...]:
    """Whole numbers from words like "0, 25 100"; raises SettingsError."""
    try:
        return tuple(int(word) for word in text.replace(",", " ").split())
    except ValueError:
        raise SettingsError(f"{what} are whole numbers, not {text!r}.", mend="Write them as 0,25,100.") from None


def config(values: Mapping[str, object]) -> LearnConfig:
    """A curve's config from its own options and, by their full names (`epochs`, `score.group_size`), those of the
    training. Raises SettingsError with what does not fit."""
    own = {name: value for name, value in values.items() if name in LearnConfig.model_fields and name != "train"}
    train = {**TRAIN, **{name: value for name, value in values.items() if name not in own}}
    try:
        return LearnConfig.model_validate({**own, "train": nested(train)})
    except ValidationError as error:
        fields = [*(name for name in LearnConfig.model_fields if name != "train"), *train_options(str(train["recipe"]))]
        what = f"An option does not fit: {misfits(error)}."
        raise SettingsError(what, mend=f"Options are: {', '.join(fields)}.") from None


def train_options(recipe: str) -> dict[str, Option]:
    """Name -> option of how every point is trained, with what a curve starts from."""
    found = [option for option in options(recipe) if option.name not in _OWN]
    return {option.name: replace(option, default=TRAIN.get(option.name, option.default)) for option in found}


def preview(workbench: Workbench, collection: Collection, wanted: LearnConfig) -> Preview:
    """What a curve would be made from if it started now."""
    return learning.preview(workbench, collection, wanted)


def start(workbench: Workbench, collection: Collection, wanted: LearnConfig, by: Person) -> Job:
    """Write the job's row; raises where there is nothing to correct or to measure with."""
    require(by, Role.LEAD, DOING)
    return jobs.submit_learning(workbench, collection, wanted, by.name)


def curve(workbench: Workbench, job: Job) -> Curve | None:
    """A job's curve: its result, or as far as it is; None before its first point."""
    return told(job, jobs.curve_path(workbench.settings, job.job_id))


def title(job: Job, found: Curve | None) -> str:
    """A curve in a list of choices."""
    counts = [str(level["count"]) for level in found["levels"]] if found else []
    return (
        f"{job.created_at.astimezone():%Y-%m-%d %H:%M:%S}, {job.state.value}"
        f"{': ' + ', '.join(counts) + ' corrections' if counts else ''} ({job.job_id[:8]})"
    )


def rows(found: Curve) -> list[dict[str, Any]]:
    """A line per number of corrections."""
    return [
        {
            "Corrections": level["count"],
            PRIMARY: level["ndcg"],
            "95 % interval": _interval(level["low"], level["high"], ""),
            "vs champion": None if level["verdict"] == "champion" else level["difference"],
            "its interval": _interval(level["difference_low"], level["difference_high"], "+")
            if level["verdict"] != "champion"
            else "-",
            "p": None if level["verdict"] == "champion" else level["p_value"],
            "Beyond chance": "-" if level["verdict"] == "champion" else level["verdict"],
            "Kappa": level["kappa"],
            "Unreadable": level["unreadable"],
            "Seeds": len(level["seeds"]),
            "Assumed": level["assumed"],
        }
        for level in found["levels"]
    ]


def points(found: Curve) -> list[dict[str, Any]]:
    """A line per point: every number of corrections with every seed."""
    return [
        {
            "corrections": point["count"],
            "seed": point["seed"],
            PRIMARY: sum(point["per_query"].values()) / len(point["per_query"]),
            "bm25": point["bm25"],
            "kappa": point["kappa"],
            "unreadable": point["unreadable"],
            "corrected_queries": point["corrected_queries"],
            "grades": " ".join(f"{grade}:{count}" for grade, count in point["by_grade"].items()),
            "assumed": point["assumed"],
            "examples": point["examples"],
            "steps": point["steps"],
            "train_seconds": round(point["train_seconds"], 1),
            "measure_seconds": round(point["measure_seconds"], 1),
            "snapshot_sha256": point["snapshot_sha256"],
        }
        for point in found["points"]
    ]


def as_csv(found: Curve) -> str:
    """The points as CSV."""
    lines = points(found)
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def verdicts(found: Curve) -> dict[str, list[int]]:
    """Verdict -> the numbers of corrections it was given to."""
    given: dict[str, list[int]] = {}
    for level in found["levels"]:
        given.setdefault(level["verdict"], []).append(level["count"])
    return given


def conclusion(found: Curve) -> tuple[str, str]:
    """(`better`, `worse` or `open`, what the curve says in a sentence or two)."""
    given = verdicts(found)
    worse, better = given.get("worse", []), given.get("better", [])
    if worse:
        return "worse", (
            f"With {_listed(worse)} corrections the retrained model is worse than the champion beyond chance. Nothing "
            f"of it is in use: points never become versions, and the gate refuses a version like these. {MEND}"
        )
    if better:
        return "better", f"Corrections made it better: beyond chance with {_listed(better)} of them, and never worse."
    if given.get("too few queries"):
        return (
            "open",
            "Too few held-out queries have labels to tell better from worse: judge documents of more of them.",
        )
    if len(found["levels"]) == 1:
        return "open", "So far only the champion is measured."
    if not found["whole"]:
        return "open", "So far no point differs from the champion beyond chance."
    return (
        "open",
        "No point differs from the champion beyond chance: give more corrections, or measure on more queries.",
    )


def _interval(low: float, high: float, sign: str) -> str:
    return f"{low:{sign}.4f} to {high:{sign}.4f}"


def _listed(counts: Sequence[int]) -> str:
    words = [str(count) for count in counts]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
