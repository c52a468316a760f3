"""What a job that makes queries of documents is told, which documents it draws, and which of the queries it keeps.

InteRank's recipe (arXiv 2504.03947) from a collection's own documents: nobody has to type a query or judge a document.
What comes near a query of any evaluation is dropped, whichever collection that belongs to.
"""

import hashlib
import heapq
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydantic import Field, ValidationError

from data.errors import NotFoundError, SettingsError, WhyRankError, misfits
from data.records import AssessorKind, Collection, Document, Query, Split
from data.store import Store
from engine.explanation.prompt import Unreadable
from engine.lm.base import Generate
from engine.lm.served_tokens import clip_by_characters
from engine.workbench import Workbench
from training import asking, teaching
from training.asking import Asked, Refused
from training.budget import CHARACTERS_PER_TOKEN, Budget, prompt_text
from training.leaks import Texts
from training.options import Options
from training.splits import split_of
from training.teaching import Preview, TeachConfig

_ABOUT = ("split", "queries", "query_ids", "pairs")
"""What a teaching job is asked about; here it is the queries made."""
_WORD = re.compile(r"\w")


class MakeConfig(Options):
    """Everything a job that makes queries can be told. Never the key: that is in the settings alone."""

    documents: int = Field(default=50, ge=1, le=100_000, description="Most documents that a query is made of.")
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="Of the draw; more documents add to the same draw.")
    judge: bool = Field(default=True, description="Have the teacher judge BM25's documents of the queries made.")
    teaching: TeachConfig = Field(description="The teacher, how it is asked, and the budget of all of it.")


class Dropped(StrEnum):
    """Why a query that was made is not kept."""

    EVALUATION = "near an evaluation query"
    TWICE = "made twice"
    PRESENT = "in the collection already"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A query with the document it was made of."""

    query_id: str
    doc_id: str
    text: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sifted:
    """What is left, and how many were dropped for which reason."""

    made: tuple[Made, ...]
    dropped: Mapping[Dropped, int]


def preview(workbench: Workbench, collection: Collection, config: MakeConfig) -> Preview:
    """What would be asked, and why not; its queries are as many as there are documents to make one of, at most."""
    problem: WhyRankError | None = None
    try:
        _check(workbench, collection, config)
    except WhyRankError as error:
        problem = error
    told = config.teaching
    documents = min(config.documents, collection.documents)
    pairs = documents * min(told.depth, collection.documents) if config.judge else 0
    rules = prompt_text(question(Document(doc_id="", text=""), told))
    asked = len(rules) // CHARACTERS_PER_TOKEN + told.document_tokens
    prompts = documents * asked + pairs * teaching.prompt_tokens(collection, told)
    answers = (documents + pairs) * told.answer_tokens
    return Preview(
        queries=documents,
        pairs=pairs,
        tokens=prompts + answers,
        cost=told.budget.cost(prompts, answers),
        problem=problem,
        warnings=teaching.warnings(workbench.settings, told, ()),
    )


def _check(workbench: Workbench, collection: Collection, config: MakeConfig) -> None:
    """Raise what stands against starting."""
    teaching.teacher(workbench.settings, config.teaching)
    workbench.store.assessors.found_or_new(config.teaching.assessor, AssessorKind.TEACHER)
    if not collection.documents:
        raise NotFoundError(f"{collection.name} has no document.", mend="Import a collection that has some.")
    if config.judge:
        teaching.require_index(collection)


def drawn(documents: Iterable[Document], count: int, seed: int) -> list[str]:
    """Ids of `count` documents that have a word, drawn by the hash of id and seed: documents that are added move no
    other, and a larger count goes on from a smaller one."""
    there = (document.doc_id for document in documents if _WORD.search(document.text))
    lots = ((hashlib.sha256(f"{seed}\x00{doc_id}".encode()).digest(), doc_id) for doc_id in there)
    return [doc_id for _, doc_id in heapq.nsmallest(count, lots)]


def question(document: Document, config: TeachConfig) -> Generate:
    """What the teacher is asked of a document; its tag is the answer's key."""
    # By characters, whatever the server can do: the same document must make the same prompt, or it is asked twice.
    turns = asking.messages(document, clip_by_characters(document.text, config.document_tokens).text)
    return teaching.asked(turns, config)


def read(text: str, *, finished: bool, document: Document) -> Asked | Refused | Unreadable:
    """A teacher's answer about a document. One that was cut off is unreadable."""
    if not finished:
        return Unreadable(reason="the token limit cut the answer off", text=text)
    return asking.parse(teaching.without_thought(text), document)


def evaluation_queries(store: Store) -> list[str]:
    """The texts of every query of any collection that is not for training: evaluations take held-out queries alone,
    and development queries choose between versions."""
    return [
        query.text
        for collection in store.collections.list()
        for query in store.collections.queries(collection.collection_id)
        if split_of(query) is not Split.TRAIN
    ]


def sift(asked: Sequence[tuple[str, Asked]], *, evaluation: Iterable[str], present: Iterable[Query]) -> Sifted:
    """Keep of the queries made, each given with its doc_id, the first of those that ask nearly the same, and none that
    comes near an evaluation query or another of the collection (`present`). A query that is stored from before is
    kept: the same again gives the same."""
    ids = {asking.made_id(each.query) for _, each in asked}
    evaluated = Texts(evaluation)
    there = Texts(query.text for query in present if query.query_id not in ids)
    before = Texts()
    made: list[Made] = []
    dropped: Counter[Dropped] = Counter()
    for doc_id, each in asked:
        if evaluated.holds(each.query):
            dropped[Dropped.EVALUATION] += 1
        elif before.holds(each.query):
            dropped[Dropped.TWICE] += 1
        elif there.holds(each.query):
            dropped[Dropped.PRESENT] += 1
        else:
            before.add(each.query)
            query_id = asking.made_id(each.query)
            made.append(Made(query_id=query_id, doc_id=doc_id, text=each.query, summary=each.summary))
    return Sifted(made=tuple(made), dropped=dropped)


def config_of(values: Mapping[str, object]) -> MakeConfig:
    """The config of options by their names, the teacher's and the budget's among them. Raises SettingsError with what
    does not fit."""
    own = {name: value for name, value in values.items() if name in MakeConfig.model_fields and name != "teaching"}
    rest = {name: value for name, value in values.items() if name not in own}
    if unfit := [name for name in _ABOUT if name in rest]:
        fields = [*MakeConfig.model_fields, *TeachConfig.model_fields, *Budget.model_fields]
        known = ", ".join(name for name in fields if name not in (*_ABOUT, "teaching", "budget"))
        raise SettingsError(f"{unfit[0]} does not fit: the queries are those made.", mend=f"Options are: {known}.")
    told = teaching.config_of(rest)
    try:
        return MakeConfig.model_validate({**own, "teaching": told})
    except ValidationError as error:
        what = f"An option does not fit: {misfits(error)}."
        raise SettingsError(what, mend="See `whyrank teach queries --help`.") from None
