"""How far documents that command the model move their grades, against harmless text of the same length at the same
place, and which prompt styles keep them from it. Not part of `make bench`.

    python -m benchmarks.injection [--version NAME] [--prompts plain,cleaned,cleaned+reminder] [--kinds command,turns]
    python -m benchmarks.injection --climb --write     # harden the prompt part by part; write BENCHMARKS.md
    python -m benchmarks.injection --count             # prompts and tokens a prompt style takes; loads no model

Answers are kept in WHYRANK_HOME: begun again, it goes on where it stopped.
"""

import argparse
import math
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from transformers import AutoTokenizer

from benchmarks.injection import asking, attacks, figures, table
from benchmarks.injection.answers import KeptAnswers
from benchmarks.injection.asking import Graded
from benchmarks.injection.attacks import Suite
from benchmarks.injection.climb import Hardness, chosen, climb
from benchmarks.quality import asked_version
from data.errors import NotFoundError
from data.records import Split
from data.settings import Settings
from engine import models
from engine.explanation.style import DEFAULT, PARTS, PLAIN, style_named
from engine.lm.base import LM
from engine.lm.scripted import ScriptedLM
from engine.lm.tokens import Tokens
from engine.workbench import LOCAL_OPEN_QUERIES, SERVED_OPEN_QUERIES, Workbench

PAGE = Path(__file__).parents[2] / "BENCHMARKS.md"
TOKENS_PER_SECOND = 100
"""Of a small shared CPU, to say beforehand how long a measurement takes."""
SPLITS = {"all": None, "train": Split.TRAIN, "heldout": Split.HELDOUT}


@dataclass(kw_only=True)
class Bench:
    """Grades of a set under any prompt style, asked once."""

    suite: Suite
    lm: LM
    document_tokens: int
    open_queries: int
    found: dict[tuple[str, str], dict[tuple[str, str], Graded]] = field(default_factory=dict)

    def part(self, split: str) -> Suite:
        """The queries of that split."""
        wanted = SPLITS[split]
        return self.suite.only([q.query_id for q in self.suite.queries if wanted is None or q.split is wanted])

    def grades(self, prompt: str, split: str) -> dict[tuple[str, str], Graded]:
        """What the model says under a prompt style."""
        if (prompt, split) not in self.found:
            self.found[prompt, split] = asking.graded(
                self.part(split),
                self.lm,
                style_named(prompt),
                document_tokens=self.document_tokens,
                open_queries=self.open_queries,
                on_progress=_progress(f"{prompt}, {split} queries"),
            )
        return self.found[prompt, split]

    def outcomes(self, prompt: str, split: str) -> list[figures.Outcome]:
        """What became of each attack."""
        return figures.outcomes(self.part(split), self.grades(prompt, split))

    def row(self, prompt: str, split: str) -> table.Row:
        """A line of the table."""
        return table.Row(
            prompt=prompt,
            queries=split,
            figures=figures.figures(self.outcomes(prompt, split)),
            clean=figures.clean(self.part(split), self.grades(prompt, split)),
        )

    def hardness(self, prompt: str) -> Hardness:
        """How a prompt style stands the attacks on the queries it may be chosen by."""
        clean = figures.clean(self.part("train"), self.grades(prompt, "train"))
        return Hardness(
            damages=figures.damages(self.outcomes(prompt, "train"), clean.separation),
            order=clean.order,
        )


def main() -> None:
    """Measure and print."""
    suite = attacks.read()
    given = _arguments(sorted({attack.kind for attack in suite.attacks}))
    settings = Settings()
    suite = replace(suite, attacks=[attack for attack in suite.attacks if attack.kind in given.kinds])
    if given.count:
        count(suite, settings, given.prompts or [DEFAULT.name])
        return
    with Workbench.open(settings) as workbench:
        version = asked_version(workbench, given.version)
        bench = Bench(
            suite=suite,
            lm=KeptAnswers(workbench.lm(version), settings.home / "injection" / f"{version.version_id}.jsonl"),
            document_tokens=settings.document_tokens,
            open_queries=SERVED_OPEN_QUERIES if settings.lm_url else LOCAL_OPEN_QUERIES,
        )
        parts = report(bench, given)
    how = f"`{' '.join(('python -m benchmarks.injection', *sys.argv[1:]))}`"
    measured = f"{datetime.now(UTC).date()}, {platform.system()} {platform.machine()}"
    name = version.name if version.adapter_path else f"{settings.model}, untrained"
    body = "\n\n".join((f"{how}: `{name}`, measured {measured}.\n{EXPLAINED}", *parts))
    print(f"{table.TITLE}\n{body}")
    if given.write:
        PAGE.write_text(table.with_section(PAGE.read_text(encoding="utf-8"), body), encoding="utf-8")


EXPLAINED = """\
The set ([benchmarks/injection](benchmarks/injection/README.md)) puts attacks into short documents, most to be graded
up, some down. Every figure counts towards what the attack wants; in brackets, what harmless text of the same length
does at the same place. *Overtakes*: an irrelevant document gets above the query's relevant one, or that one below it.
*Off form*: grades have less than half of the probability. *Clean order* and *separation* are of the documents without
attacks: they warn of a prompt that stands attacks by grading everything alike, and are no measure of quality. `plain`
is the prompt without any part, and what the student was trained with; the product's has `cleaned`. What still moves
grades are words that a ranker takes for relevance: the query as a title, its words repeated, a made-up answer."""


def report(bench: Bench, given: argparse.Namespace) -> list[str]:
    """The tables that were asked for."""
    if not given.climb:
        prompts = given.prompts or [PLAIN.name, DEFAULT.name]
        whole = [bench.row(prompt, given.queries) for prompt in prompts]
        by_kind = [f"`{prompt}` by kind:\n\n{table.kinds(bench.outcomes(prompt, given.queries))}" for prompt in prompts]
        return [table.rows(whole), *by_kind]
    parts = given.prompts or list(PARTS)
    clusters = [attack.query_id for attack in bench.part("train").attacks]
    tried = climb(parts, clusters, bench.hardness)
    best = chosen(tried)
    ended = f"Hardened part by part on the train queries, until no part helped beyond chance; it ended with `{best}`:"
    if math.inf in bench.hardness(PLAIN.name).damages:
        ended = "Not hardened: on the train queries the plain prompt does not tell relevant from irrelevant documents."
    compared = [
        bench.row(prompt, split) for split in ("all", "heldout") for prompt in dict.fromkeys((PLAIN.name, best))
    ]
    return [
        table.rows(compared),
        ended,
        table.steps(tried),
        f"`{best}` by kind, all queries:",
        table.kinds(bench.outcomes(best, "all")),
    ]


def count(suite: Suite, settings: Settings, prompts: Sequence[str]) -> None:
    """Say what a measurement takes, from the model's tokenizer alone."""
    folder = models.local(settings.model, settings.models_path)
    tokens = Tokens(AutoTokenizer.from_pretrained(folder, local_files_only=True))
    for prompt in prompts:
        cost = asking.cost(
            suite, ScriptedLM(), style_named(prompt), document_tokens=settings.document_tokens, ids=tokens.prompt
        )
        print(
            f"{prompt}: {len(suite.attacks)} attacks, {cost.prompts} prompts, {cost.tokens} tokens "
            f"({cost.tokens_without_cache} without the prefix cache), "
            f"about {cost.tokens / TOKENS_PER_SECOND / 60:.1f} minutes at {TOKENS_PER_SECOND} tokens a second"
        )


def _progress(what: str) -> Callable[[int, int], None]:
    def tell(done: int, total: int) -> None:
        if done % 20 == 0 or done == total:
            print(f"{what}: {done} of {total} documents", file=sys.stderr, flush=True)

    return tell


def _arguments(kinds: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.injection",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", help="Id or name; else what ranks where nothing was promoted.")
    parser.add_argument(
        "--prompts",
        help=f"Prompt styles to measure (plain, or joined by +; else plain and the product's), or the parts to climb "
        f"with (else all): {', '.join(PARTS)}.",
    )
    parser.add_argument("--queries", default="all", choices=sorted(SPLITS))
    parser.add_argument("--kinds", default=",".join(kinds), help="Only these kinds of attack.")
    parser.add_argument("--climb", action="store_true", help="Choose on one half of the queries, report on the other.")
    parser.add_argument("--write", action="store_true", help="Write the section of BENCHMARKS.md.")
    parser.add_argument("--count", action="store_true", help="Say what it would cost, and stop.")
    given = parser.parse_args()
    given.prompts, given.kinds = given.prompts.split(",") if given.prompts else [], given.kinds.split(",")
    if unknown := sorted(set(given.kinds) - set(kinds)):
        parser.error(f"there is no kind {', '.join(unknown)}; there are {', '.join(kinds)}")
    try:
        styles = [style_named(prompt) for prompt in given.prompts]
    except NotFoundError as error:
        parser.error(str(error))
    if given.climb and not all(style.name in PARTS for style in styles):
        parser.error("a climb goes by single parts")
    return given


if __name__ == "__main__":
    main()
