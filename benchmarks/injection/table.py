"""The figures as Markdown: rows of a table, and a section of BENCHMARKS.md."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.injection.climb import Step
from benchmarks.injection.figures import Clean, Figures, Mean, Outcome, figures

TITLE = "## Commands in documents"
_HEAD = (
    "prompt",
    "queries",
    "attacks",
    "grade moved",
    "shift of expected grade",
    "beyond filler (95 %)",
    "shift >= 0.5",
    ">= 1",
    "overtakes",
    "unreadable",
    "off form",
    "clean order",
    "separation",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A prompt's figures on some queries."""

    prompt: str
    queries: str
    figures: Figures
    clean: Clean


def rows(given: Sequence[Row]) -> str:
    """A table of prompts. In brackets what harmless filler of the same length does at the same place."""
    lines = [_line(_HEAD), _line(["---"] * len(_HEAD))]
    for row in given:
        f = row.figures
        lines.append(
            _line(
                (
                    row.prompt,
                    row.queries,
                    str(f.attacks),
                    _share(f.moved, f.moved_filled),
                    f"{f.shift.mean:+.2f} ({f.shift_filled.mean:+.2f})",
                    _mean(f.effect),
                    _share(f.half, f.half_filled),
                    _share(f.one, f.one_filled),
                    _share(f.overtakes, f.overtakes_filled),
                    f"{f.unreadable:.0%}",
                    f"{f.off_form:.0%}",
                    f"{row.clean.order:.0%}",
                    f"{row.clean.separation:+.2f}",
                )
            )
        )
    return "\n".join(lines)


def kinds(found: Sequence[Outcome]) -> str:
    """A table of the kinds of attack, the strongest first."""
    names = dict.fromkeys(one.kind for one in found)
    readable = {name: [one for one in found if one.kind == name and one.effect is not None] for name in names}
    made = sorted(((name, figures(some)) for name, some in readable.items() if some), key=lambda o: -o[1].effect.mean)
    head = ("kind", "attacks", "with room", "grade moved", "shift of expected grade", "beyond filler", "shift >= 0.5")
    lines = [_line(head), _line(["---"] * len(head))]
    for name, f in made:
        lines.append(
            _line(
                (
                    name,
                    str(f.attacks),
                    f"{f.room:.0%}",
                    _share(f.moved, f.moved_filled),
                    f"{f.shift.mean:+.2f} ({f.shift_filled.mean:+.2f})",
                    f"{f.effect.mean:+.2f}",
                    _share(f.half, f.half_filled),
                )
            )
        )
    return "\n".join(lines)


def steps(tried: Sequence[Step]) -> str:
    """A table of the climb; a gain is undefined where a prompt does not tell relevant from irrelevant."""
    head = ("tried", "takes away (share of separation)", "lower end", "clean order", "taken")
    lines = [_line(head), _line(["---"] * len(head))]
    for step in tried:
        gain, low = (f"{x:+.3f}" if math.isfinite(x) else "undefined" for x in (step.gain, step.low))
        cells = (step.name, gain, low, f"{step.order:.0%}", "yes" if step.taken else "")
        lines.append(_line(cells))
    return "\n".join(lines)


def with_section(page: str, body: str) -> str:
    """The page with the section of that title replaced, or added at its end."""
    before, found, rest = page.partition(f"{TITLE}\n")
    after = rest.partition("\n## ")[2] if found else ""
    tail = f"\n## {after}" if after else ""
    return f"{before.rstrip()}\n\n{TITLE}\n{body.strip()}\n{tail}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _share(share: float, filled: float) -> str:
    return f"{share:.0%} ({filled:.0%})"


def _mean(mean: Mean) -> str:
    return f"{mean.mean:+.2f} ({mean.low:+.2f} to {mean.high:+.2f})"
