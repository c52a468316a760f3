"""A small workbench for pages and their actions: a scripted model, a real store, a real index."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import resources
from data.records import AssessorKind, Collection, Document, Judgment, Query, new_id
from data.scales import DEFAULT_SCALE
from data.settings import Settings
from data.store import Store
from engine.lm.base import Choose, Generate
from engine.lm.scripted import ScriptedLM
from engine.workbench import Workbench

ROOT = Path(__file__).parents[2]
HOSTILE = "<script>alert(1)</script> ![x](http://evil.example/x.png) $a$ :red[x] [go](http://evil.example)"
DOCUMENTS = [
    Document(
        doc_id="d1", title="Soaking", text="Beans stay hard in hard water. Calcium binds the pectin of the beans."
    ),
    Document(doc_id="d2", title="Counting", text="Beans, beans, beans: how to count beans in a jar."),
    Document(doc_id="d3", title="Soda", text="A pinch of soda makes hard beans soft, useful where water is hard."),
    Document(doc_id="d4", title="Tomatoes", text="Tomatoes need sun."),
    Document(doc_id="d5", title=HOSTILE, text=f"Beans. {HOSTILE}"),
]
QUERIES = [
    Query(query_id="q1", text="Why do my beans stay hard?"),
    Query(query_id="q2", text="Why do tomatoes need sun?"),
]


def grade_of(ask: Choose) -> dict[str, float]:
    """Useful documents are perfectly relevant, all others are not."""
    useful = "useful" in ask.messages[1].content
    return {"0": 0.1, "1": 0.1, "2": 0.2, "3": 0.6} if useful else {"0": 0.7, "1": 0.1, "2": 0.1, "3": 0.1}


def reason_of(ask: Generate) -> str:
    """One quote that may stand in the document, one that never does, and markup."""
    return f'It says "hard beans soft" and "never written anywhere". {HOSTILE}'


@pytest.fixture
def lm() -> ScriptedLM:
    """Grades by one word."""
    return ScriptedLM(choose=grade_of, generate=reason_of)


@pytest.fixture
def workbench(tmp_path: Path, store: Store, lm: ScriptedLM) -> Iterator[Workbench]:
    """Serves the pages of this test."""
    settings = Settings(home=tmp_path / "home", model="scripted", retriever="bm25s", lm_url=None)
    bench = Workbench(settings, store, lm)
    resources.use(bench)
    yield bench
    resources.use(None)
    bench.close()


@pytest.fixture
def beans(workbench: Workbench) -> Collection:
    """Five documents and two queries, indexed; one document is full of markup."""
    added = workbench.store.collections.add(
        name="beans", scale=DEFAULT_SCALE, documents=DOCUMENTS, queries=QUERIES, guidelines="Be *fair*."
    )
    return workbench.build_index(added)


@pytest.fixture
def say(workbench: Workbench, beans: Collection):
    """Stores a judgment of somebody."""

    def store_judgment(
        who: str,
        kind: AssessorKind,
        query_id: str,
        doc_id: str,
        grade: int,
        explanation: str | None = None,
        *,
        authored: bool = False,
    ) -> Judgment:
        version = workbench.base_version() if kind is AssessorKind.STUDENT else None
        assessor = workbench.store.assessors.ensure(
            who, kind, authored=authored, version_id=version.version_id if version else None
        )
        judgment = Judgment(
            event_id=new_id(),
            collection_id=beans.collection_id,
            query_id=query_id,
            doc_id=doc_id,
            assessor_id=assessor.assessor_id,
            grade=grade,
            explanation=explanation,
        )
        workbench.store.judgments.add(judgment)
        return judgment

    return store_judgment


@pytest.fixture
def open_page():
    """Opens a page of the app, as a person would."""

    def opened(page: str, **query_params: str) -> AppTest:
        test = AppTest.from_file(str(ROOT / "app/main.py"), default_timeout=8)
        test.query_params["assessor_name"] = query_params.pop("assessor_name", "me")
        if page != "explore":
            test.run().switch_page(f"screens/{page}.py")
        for name, value in query_params.items():
            test.query_params[name] = value
        return test.run()

    return opened
