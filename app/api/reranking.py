"""Given documents, ranked by the version that is asked for: the pipeline without a first stage. Nothing is stored."""

import threading
from collections.abc import Sequence
from dataclasses import replace

from app.api.form import CHAMPION, Reranked, Tokens, Wanted
from data.errors import ConflictError, NotFoundError
from data.records import Collection, Document, Query, RankedDocument, Version, new_id, utc_now
from data.scales import DEFAULT_SCALE
from engine.lm.base import LM, Adapter, Choose, Chosen, Clipped, Generate, Generated, OnChosen, OnText
from engine.pipeline import Listener, Pipeline, Plan
from engine.ranking import method_named
from engine.retrieval.base import Hit
from engine.workbench import Workbench

SCORING = "pointwise-score"
EXPLAINING = "pointwise-verdict-first"
REASONING = "pointwise-reason-first"
EXPLAINED = 10
"""Documents explained at most: each explanation takes as long as the grades of many documents."""


class LeftError(Exception):
    """The client has left: nobody waits for the rest."""


def rerank(workbench: Workbench, wanted: Wanted, *, collection: str | None, left: threading.Event) -> Reranked:
    """Rank the request's documents. `collection` is the service's own, for requests that name none.

    The champion is looked up here, so a promotion holds from the next request on. Raises NotFoundError with the names
    there are, IncompatibleVersionError, LMError, and LeftError soon after `left` is set.
    """
    place = _collection(workbench, wanted, collection)
    version = _version(workbench, wanted, place)
    method = _method(version, explain=wanted.explain)
    lm = Metered(workbench.lm(version))
    documents = {
        str(index): Document(doc_id=str(index), title=given.title, text=given.text)
        for index, given in enumerate(wanted.given)
    }
    pipeline = Pipeline(
        collection=place,
        documents=lambda doc_ids: {doc_id: documents[doc_id] for doc_id in doc_ids},
        retriever=None,
        lm=lm,
        version=version,
    )
    # The request's order is the first stage's: it breaks ties, and an unreadable answer leaves a document in its place.
    hits = [Hit(doc_id=doc_id, rank=rank, score=-float(rank)) for rank, doc_id in enumerate(documents, start=1)]
    query = Query(query_id=new_id(), text=wanted.query)
    plan = replace(
        Plan.of(workbench.settings),
        method=method,
        depth=len(hits),
        fusion_weight=0.0,
        explain_top=min(EXPLAINED, wanted.top_n or EXPLAINED),
    )
    (ranking,) = pipeline.rank([query], plan, run={query.query_id: hits}, listener=_listener(left))
    return Reranked(
        index_of={doc_id: index for index, doc_id in enumerate(documents)},
        documents=_explained(ranking.documents, wanted.explain),
        version=version.name,
        collection=place.name if place.collection_id else None,
        method=method,
        highest_grade=place.scale.highest,
        tokens=lm.tokens,
    )


class Metered:
    """A language model that counts the tokens it reads and writes."""

    def __init__(self, lm: LM) -> None:
        self._lm = lm
        self.tokens = Tokens()

    @property
    def name(self) -> str:
        """The model's own name."""
        return self._lm.name

    def choose(self, asks: Sequence[Choose], *, on_answer: OnChosen | None = None) -> list[Chosen]:
        """Answer each request, in the order of `asks`."""
        answers = self._lm.choose(asks, on_answer=on_answer)
        self._count(sum(answer.prompt_tokens for answer in answers), 0)
        return answers

    def generate(self, asks: Sequence[Generate], *, on_text: OnText | None = None) -> list[Generated]:
        """Answer each request, in the order of `asks`."""
        answers = self._lm.generate(asks, on_text=on_text)
        self._count(sum(a.prompt_tokens for a in answers), sum(a.completion_tokens for a in answers))
        return answers

    def clip(self, text: str, max_tokens: int) -> Clipped:
        """Cut `text` as the model does."""
        return self._lm.clip(text, max_tokens)

    def adapted(self, adapter: Adapter | None) -> LM:
        """The model with this adapter, not counted."""
        return self._lm.adapted(adapter)

    def _count(self, prompt: int, completion: int) -> None:
        self.tokens = Tokens(prompt=self.tokens.prompt + prompt, completion=self.tokens.completion + completion)


def _collection(workbench: Workbench, wanted: Wanted, own: str | None) -> Collection:
    """Whose scale and guidelines the prompt has: the named one, the service's, the only one; where there is none yet,
    the default scale."""
    if (name := wanted.collection or own) is not None:
        return workbench.store.collections.get(name)
    known = workbench.store.collections.list()
    if len(known) > 1:
        raise ConflictError(
            "There are several collections, and each has its own champion.",
            mend=f'Name one: "collection": one of {", ".join(each.name for each in known)}; '
            "or start the service with one: whyrank api --collection NAME",
        )
    return known[0] if known else _nowhere()


def _nowhere() -> Collection:
    return Collection(
        collection_id="",
        name="no collection",
        scale=DEFAULT_SCALE,
        guidelines="",
        guideline_version=1,
        documents=0,
        queries=0,
        source="",
        created_at=utc_now(),
    )


def _version(workbench: Workbench, wanted: Wanted, collection: Collection) -> Version:
    if wanted.model == CHAMPION:
        return workbench.champion(collection)
    workbench.base_version()
    versions = workbench.store.versions.list(collection.collection_id)
    found = [each for each in versions if wanted.model in (each.name, each.version_id)]
    if not found:
        names = dict.fromkeys((CHAMPION, *(each.name for each in versions)))
        raise NotFoundError(f"There is no model {wanted.model!r} here.", mend=f"Use one of: {', '.join(names)}.")
    return found[0]


def _method(version: Version, *, explain: bool) -> str:
    """A version that was trained to reason before it grades is asked in that way, whatever it takes."""
    if version.form is not None and method_named(version.form).form == method_named(REASONING).form:
        return REASONING
    return EXPLAINING if explain else SCORING


def _explained(documents: Sequence[RankedDocument], wanted: bool) -> tuple[RankedDocument, ...]:
    """Reasons that were made only to grade are not given to who did not ask for them."""
    return tuple(documents if wanted else (replace(document, explanation=None) for document in documents))


def _listener(left: threading.Event) -> Listener:
    def stop_if_left(*_: object) -> None:
        if left.is_set():
            raise LeftError

    return Listener(on_hits=stop_if_left, on_scored=stop_if_left, on_text=stop_if_left)
