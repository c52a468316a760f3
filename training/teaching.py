"""What a teacher is asked: a teaching job's options, the pairs it is about, and what stands against starting it."""

import asyncio
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, ValidationError

from data.answers import answer_key
from data.errors import NotFoundError, SettingsError, WhyRankError, misfits
from data.records import AssessorKind, Collection, Document, Query, Split
from data.scales import Scale
from data.settings import Settings, revealed
from data.settling import Pair
from engine.explanation import prompt
from engine.explanation.prompt import Unreadable
from engine.lm.base import Generate, Message
from engine.lm.openai import OpenAILM
from engine.lm.retrying import Sleep
from engine.lm.served_tokens import clip_by_characters
from engine.retrieval.base import no_index
from engine.workbench import Workbench
from training.budget import CHARACTERS_PER_TOKEN, Budget
from training.options import Options
from training.splits import split_of

MOST_CONCURRENT = 128
_THOUGHT = re.compile(r"\s*<think>.*?</think>\s*", re.DOTALL)
"""What some models write before they answer."""


class TeachConfig(Options):
    """Everything a teaching job can be told. Never the key: that is in the settings alone."""

    url: str = Field(min_length=1, max_length=500, description="Address of an OpenAI-compatible server, up to /v1.")
    model: str = Field(min_length=1, max_length=200, description="The teacher: a model of that server.")
    name: str = Field(
        default="", max_length=200, description="Name of the assessor whose judgments these become; empty: the model's."
    )
    split: Split | None = Field(
        default=Split.TRAIN, description="Queries of this split only: training queries train; none: every query."
    )
    queries: int | None = Field(default=None, ge=1, description="Most queries; a seeded sample where there are more.")
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="Of that sample.")
    query_ids: tuple[str, ...] = Field(default=(), description="These queries instead.")
    pairs: tuple[Pair, ...] = Field(default=(), description="These pairs (query_id, doc_id) instead of BM25's.")
    depth: int = Field(default=10, ge=1, le=1000, description="BM25's best documents per query.")
    form: Literal["reason-first", "verdict-first"] = Field(
        default="reason-first",
        description="Which comes first in the answer. Source: InteRank, arXiv 2504.03947: the reason.",
    )
    document_tokens: int = Field(
        default=320, ge=32, le=100_000, description="Beginning of a document the teacher sees, in tokens (about)."
    )
    answer_tokens: int = Field(
        default=400, ge=16, le=32_000, description="Most tokens of an answer; models that think before need thousands."
    )
    temperature: float = Field(default=0.0, ge=0, le=2, description="0: the likeliest answer, the same each time.")
    concurrency: int = Field(default=8, ge=1, le=MOST_CONCURRENT, description="Requests under way at once.")
    workers: int = Field(
        default=1, ge=1, le=256, description="Processes that ask, each so many at once; several need the extra `ray`."
    )
    timeout_seconds: float = Field(default=60.0, gt=0, le=3600, description="Longest silence of the server.")
    budget: Budget = Field(default=Budget(), description="Where to stop.")

    @property
    def assessor(self) -> str:
        """Name of the assessor."""
        return " ".join((self.name.strip() or self.model).split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a job would ask."""

    queries: int
    pairs: int
    """At most: a query may have fewer documents."""
    tokens: int
    """About, at most: documents and answers as long as they may be, four characters a token."""
    cost: float
    """Of these tokens."""
    problem: WhyRankError | None
    """Why it can't start; None: it can."""
    warnings: tuple[str, ...]


def teacher(settings: Settings, config: TeachConfig, *, sleep: Sleep = asyncio.sleep) -> OpenAILM:
    """The teacher, ready to be asked. Raises SettingsError for an address or key that can't be used.

    The key of the settings belongs to the address of the settings: no other is sent it.
    """
    key = settings.teacher_api_key if same_address(config.url, settings.teacher_url) else None
    return OpenAILM(
        config.url,
        config.model,
        api_key=revealed(key),
        max_concurrent=config.concurrency,
        timeout_seconds=config.timeout_seconds,
        variables="WHYRANK_TEACHER",
        sleep=sleep,
    )


def same_address(first: str, second: str | None) -> bool:
    """Are these one endpoint?"""
    return second is not None and first.strip().rstrip("/") == second.strip().rstrip("/")


def chosen_queries(workbench: Workbench, collection: Collection, config: TeachConfig) -> list[Query]:
    """The queries to ask about, by id. Raises NotFoundError for one that is not there."""
    queries = {query.query_id: query for query in workbench.store.collections.queries(collection.collection_id)}
    named = config.query_ids or tuple(query_id for query_id, _ in config.pairs)
    if named:
        if unknown := [query_id for query_id in named if query_id not in queries]:
            raise NotFoundError(
                f"The collection {collection.name} has no query {unknown[0]!r}.", mend="Choose some from its list."
            )
        return [queries[query_id] for query_id in sorted(set(named))]
    fit = [query for query in queries.values() if config.split in (None, split_of(query))]
    if config.queries is not None and config.queries < len(fit):
        fit = random.Random(config.seed).sample(fit, config.queries)
    return sorted(fit, key=lambda query: query.query_id)


def preview(workbench: Workbench, collection: Collection, config: TeachConfig) -> Preview:
    """What would be asked, and why not."""
    problem: WhyRankError | None = None
    queries: Sequence[Query] = ()
    try:
        queries = chosen_queries(workbench, collection, config)
        _check(workbench, collection, config, queries)
    except WhyRankError as error:
        problem = error
    pairs = len(set(config.pairs)) if config.pairs else len(queries) * min(config.depth, collection.documents)
    asked = prompt_tokens(collection, config)
    return Preview(
        queries=len(queries),
        pairs=pairs,
        tokens=pairs * (asked + config.answer_tokens),
        cost=config.budget.cost(pairs * asked, pairs * config.answer_tokens),
        problem=problem,
        warnings=warnings(workbench.settings, config, queries),
    )


def prompt_tokens(collection: Collection, config: TeachConfig) -> int:
    """About as many as the prompt of a pair has, at most."""
    system = prompt.system_text(collection.scale, collection.guidelines, config.form)
    return len(system) // CHARACTERS_PER_TOKEN + config.document_tokens + 60


def _check(workbench: Workbench, collection: Collection, config: TeachConfig, queries: Sequence[Query]) -> None:
    """Raise what stands against starting."""
    teacher(workbench.settings, config)
    workbench.store.assessors.found_or_new(config.assessor, AssessorKind.TEACHER)
    if not queries:
        raise NotFoundError(
            f"{collection.name} has no query{f' of the split {config.split}' if config.split else ''}.",
            mend="Import queries, or choose another split.",
        )
    if not config.pairs:
        require_index(collection)
    else:
        wanted = sorted({doc_id for _, doc_id in config.pairs})
        known = workbench.store.collections.documents_by_id(collection.collection_id, wanted)
        if unknown := [doc_id for doc_id in wanted if doc_id not in known]:
            raise NotFoundError(f"{collection.name} has no document {unknown[0]!r}.", mend="Look at the pairs again.")


def require_index(collection: Collection) -> None:
    """Raise RetrievalError where nothing can be retrieved from the collection."""
    if collection.index_path is None:
        raise no_index(collection.name)


def warnings(settings: Settings, config: TeachConfig, queries: Sequence[Query]) -> tuple[str, ...]:
    """What a person should know before money is spent."""
    said = []
    others = sum(split_of(query) is not Split.TRAIN for query in queries)
    if others:
        said.append(
            f"{others} of the queries are not training queries: a teacher's judgments of these train nothing and never "
            "evaluate; they can be looked at, compared and combined."
        )
    if settings.teacher_api_key is not None and not same_address(config.url, settings.teacher_url):
        said.append("The key of WHYRANK_TEACHER_API_KEY belongs to WHYRANK_TEACHER_URL: this address is not sent it.")
    return tuple(said)


def question(collection: Collection, query: Query, document: Document, config: TeachConfig) -> Generate:
    """What the teacher is asked of a pair; its tag is the answer's key."""
    system = prompt.system_text(collection.scale, collection.guidelines, config.form)
    # By characters, whatever the server can do: the same pair must make the same prompt, or it is asked twice.
    text = clip_by_characters(document.text, config.document_tokens).text
    return asked(prompt.messages(system=system, query=query.text, title=document.title, text=text), config)


def asked(turns: tuple[Message, ...], config: TeachConfig) -> Generate:
    """The request of these turns; its tag is the answer's key."""
    parameters = {"max_tokens": config.answer_tokens, "temperature": config.temperature}
    spoken = [{"role": turn.role, "content": turn.content} for turn in turns]
    key = answer_key(config.url, config.model, spoken, parameters)
    return Generate(messages=turns, max_tokens=config.answer_tokens, temperature=config.temperature, tag=key)


def read(text: str, *, finished: bool, scale: Scale, form: prompt.Form) -> prompt.Answer | Unreadable:
    """A teacher's answer. One that was cut off is unreadable: its end may be missing, whatever it looks like."""
    if not finished:
        return Unreadable(reason="the token limit cut the answer off", text=text)
    return prompt.parse(without_thought(text), scale=scale, form=form)


def without_thought(text: str) -> str:
    """An answer without what some models write before it."""
    return _THOUGHT.sub("", text, count=1) if _THOUGHT.match(text) else text


def config_of(values: Mapping[str, object]) -> TeachConfig:
    """The config of options by their names, those of the budget among them (`requests`, `money`, ...). Raises
    SettingsError with what does not fit."""
    budget = {name: value for name, value in values.items() if name in Budget.model_fields}
    own = {name: value for name, value in values.items() if name not in budget}
    try:
        return TeachConfig.model_validate({**own, "budget": budget})
    except ValidationError as error:
        fields = [*(name for name in TeachConfig.model_fields if name != "budget"), *Budget.model_fields]
        what = f"An option does not fit: {misfits(error)}."
        raise SettingsError(what, mend=f"Options are: {', '.join(fields)}.") from None
