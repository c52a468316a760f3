"""Does an explanation contradict its grade? A word check of our own: it finds plain contradictions, misses fine ones.

An explanation speaks *against* its document where a clause denies that the document answers (`does not mention`,
`nothing about`, `unrelated`), and *for* it where a clause says without denial that it does (`directly answers`, `gives
exactly`). Quotes are the document's words and do not count. A contradiction is the lowest grade with a reason that only
speaks for the document in strong words, or a grade of the upper third with a reason that only speaks against it; a
reason that does both (`answers ..., but does not name ...`) contradicts no grade. On the sample's reasons it calls less
than one in twenty contradictory, and finds about half of those for grade 0 that are put under grade 3 (a test).
"""

import re
from dataclasses import dataclass

from data.scales import Scale

UPPER = 2 / 3
"""Share of the best grade from which on a reason should not only speak against its document."""
_QUOTE = re.compile(r"\"[^\"\n]*\"|“[^”\n]*”")
_CLAUSE = re.compile(
    r"[.;!?]\s|,\s+(?:but|yet|though|although|while|whereas|so)\s|\s(?:but|however|although|yet)\s", re.IGNORECASE
)
_ANSWERS = (
    r"(?:answer|address|mention|explain|provide|state|define|describe|give|discuss|contain|relate|support|say|cover|"
    r"match|specify|specifie|identif|offer|help|name|include|deal|concern|touch|show|bear)\w*"
)
_AGAINST = re.compile(
    rf"\b(?:not|n't|never|neither|without|fails? to|nor)\b(?:\s+\w+){{0,3}}?\s+{_ANSWERS}|"
    r"\b(?:nothing|no (?:information|mention|answer|direct|connection|relation|evidence|link|bearing))\b|"
    r"\b(?:unrelated|irrelevant|off-topic|off topic|lacks?|not (?:\w+ )?(?:related|relevant))\b|\bonly shares\b",
    re.I,
)
_FOR = re.compile(rf"\b{_ANSWERS}\b|\b(?:relevant|match|answer)\b", re.I)
_STRONG = re.compile(r"\b(?:direct|exact|perfect|complete|full|precise|comprehensive|clear|explicit)(?:ly)?\b", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """What an explanation says of its document."""

    strongly_for: bool
    against: bool


def stance(explanation: str) -> Stance:
    """Read an explanation clause by clause."""
    strongly_for = against = False
    for clause in _CLAUSE.split(_QUOTE.sub(" ", explanation).replace("’", "'")):
        # The split of contractions keeps `doesn't` a denial.
        said = clause.replace("n't", " n't")
        if _AGAINST.search(said):
            against = True
        elif _FOR.search(said) and _STRONG.search(said):
            strongly_for = True
    return Stance(strongly_for=strongly_for, against=against)


def contradicts(explanation: str, grade: int, scale: Scale) -> bool:
    """Is the explanation plainly one for another grade?"""
    said = stance(explanation)
    if grade == 0:
        return said.strongly_for and not said.against
    return grade / scale.highest >= UPPER and said.against and not said.strongly_for
