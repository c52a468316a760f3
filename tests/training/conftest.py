"""A workbench on the synthetic collection, with a scripted language model: the base knows nothing, the version
"taught" reads the markers. And `bench`, with `model`, for jobs in processes of their own."""

import pytest

from data.records import Version
from data.settings import Settings
from engine.lm.scripted import ScriptedLM
from engine.workbench import Workbench
from tests import synthetic


def nothing(ask):
    return dict.fromkeys(ask.choices, 1.0)


def by_marker(ask):
    document = ask.messages[1].content
    grade = next(g for g, marker in enumerate(synthetic.MARKERS) if marker in document.split())
    return {choice: 0.97 if choice == str(grade) else 0.01 for choice in ask.choices}


@pytest.fixture
def made():
    return synthetic.synthetic(train=6, heldout=12, per_query=4)


@pytest.fixture
def workbench(tmp_path, store):
    settings = Settings(home=tmp_path / "home", retriever="bm25s")
    lm = ScriptedLM(nothing, adapters={"taught": ScriptedLM(by_marker), "same": ScriptedLM(nothing)})
    bench = Workbench(settings, store, lm)
    yield bench
    bench.close()


@pytest.fixture
def collection(workbench, made):
    return workbench.build_index(synthetic.install(workbench.store, made))


@pytest.fixture
def taught(workbench, collection):
    return version(workbench, collection, "taught")


@pytest.fixture(scope="session")
def learnable():
    return synthetic.synthetic(train=4, heldout=10, per_query=4)


@pytest.fixture(scope="session")
def model(tmp_path_factory, learnable):
    """Folder of a tiny model that can learn it."""
    return synthetic.learnable_model(tmp_path_factory.mktemp("model"), learnable)


@pytest.fixture
def bench(settings):
    """The workbench of a test's own `settings`, as a job's process opens it."""
    with Workbench.open(settings) as workbench:
        yield workbench


def version(workbench, collection, version_id):
    """A stored version whose answers the scripted model gives."""
    made = Version(
        version_id=version_id,
        name=version_id,
        base_model=workbench.settings.model,
        adapter_path=f"versions/{version_id}",
        scale_name=collection.scale.name,
        form="pointwise-verdict-first",
        collection_id=collection.collection_id,
    )
    workbench.base_version()
    workbench.store.versions.add(made)
    return made
