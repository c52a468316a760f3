"""Everything a query needs, opened once from the settings: the store, the base model, a retriever per collection.

The app, the command line and a job's process each hold one. Weights and indexes are opened when first used and
shared by all threads of the process.
"""

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from data import logs
from data.answers import Answers
from data.errors import IncompatibleVersionError, ModelError
from data.records import Alias, AssessorKind, Collection, Judgment, RankedDocument, Ranking, Status, Version, new_id
from data.runs import Runs
from data.settings import Settings, revealed
from data.store import Store
from engine import models
from engine.lm.base import LM, Adapter, Choose, Message
from engine.lm.local import LocalLM
from engine.lm.openai import OpenAILM
from engine.lm.tokens import Tokens
from engine.pipeline import Pipeline
from engine.ranking.base import Clip
from engine.retrieval import index
from engine.retrieval.base import Retriever, no_index
from engine.serving.swap import Swap

LOCAL_OPEN_QUERIES = 1
"""One query at a time in process: its documents fill the batch, and its result comes soonest."""
SERVED_OPEN_QUERIES = 16
_SMOKE = Choose(
    messages=(Message(role="user", content="Grade 1 or 0?"), Message(role="assistant", content="Grade: ")),
    choices=("0", "1"),
)


class Workbench:
    """Use `open`; a test may hand in its own store and language model."""

    def __init__(self, settings: Settings, store: Store, lm: LM | None = None) -> None:
        self.settings = settings
        self.store = store
        self.runs = Runs(settings.runs_path)
        self._given = lm
        self._lm = lm
        self._indexes = index.OpenIndexes()
        self._index_paths: dict[str, Path] = {}
        self._lock = threading.RLock()

    @classmethod
    @contextmanager
    def open(cls, settings: Settings, lm: LM | None = None) -> Iterator["Workbench"]:
        """Open the store of the settings' home, and close everything at the end."""
        with Store.open(settings.database_path, settings.database_url) as store:
            workbench = cls(settings, store, lm)
            try:
                yield workbench
            finally:
                workbench.close()

    def close(self) -> None:
        """Close the indexes; the store belongs to who opened it."""
        self._indexes.close()

    def base_lm(self) -> LM:
        """The base model, loaded once; raises ModelError with the mend where its weights are missing."""
        with self._lock:
            if self._lm is None:
                self._lm = self._load()
            return self._lm

    def clip(self) -> Clip:
        """How documents are cut for the base model. Its weights are not read for that."""
        if self._lm is not None or self.settings.lm_url:
            return self.base_lm().clip
        base = models.resolve(self.settings.model, self.settings.models_path)
        return Tokens(AutoTokenizer.from_pretrained(base, local_files_only=True)).clip

    def unload(self) -> None:
        """Give back the base model's memory; it is loaded again when next needed. A model handed in stays."""
        with self._lock:
            self._lm = self._given
        gc.collect()

    def _load(self) -> LM:
        settings = self.settings
        if settings.lm_url:
            return OpenAILM(
                settings.lm_url,
                settings.model,
                api_key=revealed(settings.lm_api_key),
                tokenizer_path=self._tokenizer_path(),
                load=Swap(settings.served_path).load,
            )
        return LocalLM.load(
            models.resolve(settings.model, settings.models_path),
            name=settings.model,
            device=settings.device,
            threads=settings.threads,
            batch_tokens=settings.batch_tokens,
        )

    def _tokenizer_path(self) -> Path | None:
        """The served model's folder where it is on this machine too: documents are then cut without asking the
        server."""
        try:
            return models.local(self.settings.model, self.settings.models_path)
        except ModelError:
            return None

    def base_version(self) -> Version:
        """The version that is the base model itself."""
        return self.store.versions.ensure_base(self.settings.model)

    def lm(self, version: Version) -> LM:
        """The base model with the version's adapter; refuses an adapter of another base."""
        if version.adapter_path is None:
            return self.base_lm().adapted(None)
        self.check_base(version)
        adapter = Adapter(name=version.version_id, path=self.settings.home / version.adapter_path)
        return self.base_lm().adapted(adapter)

    def try_out(self, version: Version) -> None:
        """Have a served model answer as this version, its adapter loaded where that is needed; in process nothing is
        to be tried. LMError where no answer comes: nobody may be sent to a version that can't be asked."""
        if self.settings.lm_url:
            self.lm(version).choose([_SMOKE])

    def check_base(self, version: Version) -> None:
        """Refuse a version whose adapter was trained on another base than the one in use."""
        if version.adapter_path is not None and version.base_model != self.settings.model:
            raise IncompatibleVersionError(
                f"Version {version.name} was trained on the base {version.base_model}, not {self.settings.model}.",
                mend=f"Start with WHYRANK_MODEL={version.base_model}, or choose another version.",
            )

    def retriever(self, collection: Collection) -> Retriever | None:
        """The collection's opened index; None where none was built yet. A rebuilt index replaces the old one."""
        if collection.index_path is None or collection.index_backend is None:
            return None
        path = self.settings.home / collection.index_path
        with self._lock:
            before = self._index_paths.get(collection.collection_id, path)
            self._index_paths[collection.collection_id] = path
        if before != path:
            self._indexes.forget(before)
        return self._indexes.get(path, collection.index_backend)

    def check_index(self, collection: Collection) -> None:
        """RetrievalError where the collection has no index in this home; nothing of it is opened."""
        if collection.index_path is None:
            raise no_index(collection.name)
        index.read_manifest(self.settings.home / collection.index_path)

    def pipeline(self, collection: Collection, version: Version) -> Pipeline:
        """The collection with this version, ready to rank."""
        served = bool(self.settings.lm_url)
        return Pipeline(
            collection=collection,
            documents=lambda doc_ids: self.store.collections.documents_by_id(collection.collection_id, doc_ids),
            retriever=self.retriever(collection),
            lm=self.lm(version),
            version=version,
            open_queries=SERVED_OPEN_QUERIES if served else LOCAL_OPEN_QUERIES,
        )

    def champion(self, collection: Collection) -> Version:
        """The version that ranks for this collection: the promoted one, else the default."""
        self.base_version()
        champion = self.store.versions.alias(collection.collection_id, Alias.CHAMPION)
        return champion or self.store.versions.default()

    def build_index(self, collection: Collection, on_progress: Callable[[int], None] | None = None) -> Collection:
        """Index the collection's documents beside the old index, swap, and discard the old one."""
        root = self.settings.indexes_path / collection.collection_id
        built = index.build_index(
            self.store.collections.documents(collection.collection_id),
            root,
            backend=self.settings.retriever,
            on_progress=on_progress,
        )
        old = collection.index_path
        fresh = self.store.collections.set_index(
            collection.collection_id, path=self._relative(built.path), backend=built.backend, note=built.note
        )
        if old is not None:
            self._discard(old)
        return fresh

    def delete(self, collection: Collection, *, by: str = "") -> None:
        """Delete a collection with all that hangs on it, its runs, teachers' answers and its indexes; `by` is who does
        it."""
        self.store.collections.delete(collection.collection_id, by=by)
        self.runs.delete_all(collection.collection_id)
        self.answers(collection).forget()
        if collection.index_path is not None:
            self._discard(collection.index_path)

    def answers(self, collection: Collection) -> Answers:
        """Teachers' answers about this collection, kept so that nothing is asked twice."""
        return Answers(self.settings.answers_path / collection.collection_id)

    def _discard(self, index_path: str) -> None:
        path = self.settings.home / index_path
        self._indexes.forget(path)
        index.discard(path)

    def record(self, ranking: Ranking) -> Ranking:
        """Store a ranking, and what the student said in it as the version's own judgments."""
        self.store.rankings.add(ranking)
        version = self.store.versions.get(ranking.version_id)
        student = self.store.assessors.ensure(version.name, AssessorKind.STUDENT, version_id=version.version_id)
        said = [_student_judgment(ranking, document, student.assessor_id) for document in ranking.documents]
        self.store.judgments.add_many(said)
        facts: dict[str, Any] = {"ranking_id": ranking.ranking_id, "version": version.name, "method": ranking.method}
        facts |= {"documents": len(said), "unreadable": sum(each.grade is None for each in said)}
        facts |= {f"{stage}_ms": round(1000 * seconds, 1) for stage, seconds in ranking.seconds.items()}
        logs.write("ranked", facts)
        return ranking

    def _relative(self, path: Path) -> str:
        return str(path.resolve().relative_to(self.settings.home.resolve()))


def _student_judgment(ranking: Ranking, document: RankedDocument, assessor_id: str) -> Judgment:
    judgment = Judgment(
        event_id=new_id(),
        collection_id=ranking.collection_id,
        query_id=ranking.query_id,
        doc_id=document.doc_id,
        assessor_id=assessor_id,
        grade=document.grade,
        explanation=document.explanation,
        evidence=document.evidence,
        ranking_id=ranking.ranking_id,
    )
    if document.grade is None:
        return replace(judgment, status=Status.UNREADABLE, note=document.unreadable)
    return judgment
