"""What a collection is judged by: guidelines and scale, edited with versions, and what became different in each."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest

from app.actions.people import require
from data.errors import SettingsError
from data.people import Person, Role
from data.records import Collection
from data.scales import SCALES, Level, Rules, Scale
from engine.explanation.changes import changes as word_changes
from engine.workbench import Workbench

DOING = "change the rules"
EDITED = ", edited"
"""Ends the name of a scale that has a preset's name but no longer its words."""

_MARKS = {"kept": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A version of the rules as the list shows it."""

    version: int
    who: str
    """Empty for the first one: it came with the collection."""
    when: datetime
    difference: str
    """To the version before it: `[-gone-]` and `{+new+}` among the words that stayed; of the first one, all words."""


def save(workbench: Workbench, collection: Collection, *, guidelines: str, scale: Scale, by: Person) -> Collection:
    """Store new guidelines and scale as the next version; the same again changes nothing. Raises ConflictError where a
    grade that was given is not on the scale, NotAllowedError."""
    require(by, Role.LEAD, DOING)
    present = collection.guidelines
    text = present if guidelines.strip() == present.strip() else guidelines.strip()
    return workbench.store.collections.set_rules(
        collection.collection_id, guidelines=text, scale=scale, changed_by=by.name
    )


def presets(workbench: Workbench, collection: Collection) -> list[Scale]:
    """Scales the collection could take without losing a grade that was ever given; its own is not among them."""
    highest = workbench.store.collections.highest_grade(collection.collection_id)
    fitting = [scale for scale in SCALES.values() if highest is None or scale.highest >= highest]
    return [scale for scale in fitting if scale != collection.scale]


def reworded(scale: Scale, *, names: Sequence[str], definitions: Sequence[str], relevant_from: int) -> Scale:
    """The scale with other words, grade by grade; raises SettingsError for empty ones. A preset's name stays only with
    a preset's words."""
    levels = tuple(
        Level(grade=level.grade, name=" ".join(name.split()), definition=" ".join(definition.split()))
        for level, name, definition in zip(scale.levels, names, definitions, strict=True)
    )
    if not all(level.name and level.definition for level in levels):
        raise SettingsError(
            "A grade has no name or no definition.", mend="Say of every grade how it is called and what it means."
        )
    if relevant_from not in scale.grades[1:]:
        raise SettingsError(f"Documents can't be relevant from {relevant_from} on.", mend="Use a grade above 0.")
    if (levels, relevant_from) == (scale.levels, scale.relevant_from):
        return scale
    own = scale.name.removesuffix(EDITED)
    preset = next((p for p in SCALES.values() if (p.levels, p.relevant_from) == (levels, relevant_from)), None)
    return preset or Scale(name=f"{own}{EDITED}", levels=levels, relevant_from=relevant_from)


def changes(workbench: Workbench, collection: Collection) -> list[Change]:
    """All versions, the newest first."""
    found = workbench.store.collections.rules(collection.collection_id)
    before = ["", *(words(rules) for rules in found)]
    return [
        Change(
            version=rules.version,
            who=rules.changed_by,
            when=rules.created_at,
            difference=difference(earlier, words(rules)) if earlier else words(rules),
        )
        for rules, earlier in reversed(list(zip(found, before, strict=False)))
    ]


def words(rules: Rules) -> str:
    """Guidelines and scale as one text."""
    scale = rules.scale
    levels = [f"{level.grade} = {level.name}: {level.definition}" for level in scale.levels]
    return "\n".join(
        [rules.guidelines, "", f"Scale {scale.name}, relevant from {scale.relevant_from} on:", *levels]
    ).strip()


def difference(before: str, after: str) -> str:
    """What became of the words, marked as `git diff --word-diff` does; lines that stayed are left out."""
    old, new = before.split("\n"), after.split("\n")
    opcodes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    pairs = [
        pair
        for what, i, j, k, m in opcodes
        if what != "equal"
        for pair in zip_longest(old[i:j], new[k:m], fillvalue="")
    ]
    return "\n".join(
        " ".join(_MARKS[change.fate].format(change.text) for change in word_changes(earlier, later))
        for earlier, later in pairs
        if earlier.split() != later.split()
    )
