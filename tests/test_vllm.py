"""A real vLLM gives what the same model gives in process, swaps adapters while it runs, and lets nobody else in."""

import threading

import httpx2
import pytest

from app.actions import serving
from data import sample
from data.errors import IncompatibleVersionError, LMError
from data.records import Alias, Version
from data.store import Store
from engine.lm.base import Adapter, Choose, Generate, Message
from engine.lm.local import LocalLM
from engine.workbench import Workbench
from tests import tiny
from tests.agreeing import WITHIN, asks, differ_by, pairs_in_another_order
from tests.vllm_server import HIDDEN, KEY
from training import versions

pytestmark = pytest.mark.vllm


@pytest.fixture(scope="module")
def local(vllm) -> LocalLM:
    return LocalLM.load(vllm.plan.model_path, device="cpu", threads=1, name="tested")


@pytest.fixture(scope="module")
def wanted(vllm, local):
    """What the model answers in process: without an adapter, and with each."""
    return [local.adapted(adapter).choose(asks()) for adapter in (None, *vllm.adapters)]


@pytest.mark.parametrize("which", [0, 1, 2], ids=["base", "v1", "v2"])
def test_grades_and_order_are_those_of_the_model_in_process(vllm, wanted, which):
    adapter = (None, *vllm.adapters)[which]
    answers = vllm.lm().adapted(adapter).choose(asks())
    assert differ_by(answers, wanted[which]) < WITHIN
    assert pairs_in_another_order(wanted[which], answers) == []
    assert [a.prompt_tokens for a in answers] == [a.prompt_tokens for a in wanted[which]], "the same prompt"
    others = [w for i, w in enumerate(wanted) if i != which]
    assert all(differ_by(answers, other) > 10 * WITHIN for other in others), "adapters do differ"


def ask_all_at_once(vllm, adapters, *, rounds: int = 2, asked=None):
    """Every view's answers, asked side by side: their requests share batches."""
    answers = {}

    def ask(number: int, adapter: Adapter | None) -> None:
        for _ in range(rounds):
            answers[number] = vllm.lm(max_concurrent=20).adapted(adapter).choose(asked or asks())

    threads = [threading.Thread(target=ask, args=(i, adapter)) for i, adapter in enumerate(adapters)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answers[i] for i in range(len(adapters))]


def test_base_and_adapters_in_one_batch_do_not_mix(vllm, wanted):
    for mixed, alone in zip(ask_all_at_once(vllm, (None, *vllm.adapters)), wanted, strict=True):
        assert differ_by(mixed, alone) < WITHIN


def test_labels_that_are_not_among_the_likeliest_have_their_probability(vllm, local):
    letters = Choose(
        messages=(Message(role="user", content="Which?"), Message(role="assistant", content="Letter:\n")),
        choices=tuple("ABCDEFGHIJKL"),
    )
    body = {
        "model": "tested",
        "messages": [{"role": m.role, "content": m.content} for m in letters.messages],
        "continue_final_message": True,
        "add_generation_prompt": False,
        "max_tokens": 1,
        "logprobs": True,
        "top_logprobs": 20,
    }
    answer = httpx2.post(
        f"{vllm.plan.url}/chat/completions", json=body, headers={"Authorization": f"Bearer {KEY}"}, timeout=60.0
    ).json()
    likeliest = [row["token"] for row in answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]]
    assert len(likeliest) == 20
    assert not set(letters.choices) <= set(likeliest), "some are less likely than the first twenty"
    (served,), (here,) = vllm.lm().choose([letters]), local.choose([letters])
    assert served.log_probabilities == pytest.approx(here.log_probabilities, abs=1e-3)


def test_greedy_texts_are_the_same(vllm, local):
    chat = (*asks(1)[0].messages[:-1], Message(role="assistant", content="Explanation:"))
    wanted_text = local.generate([Generate(messages=chat, max_tokens=16)])[0].text
    assert vllm.lm().generate([Generate(messages=chat, max_tokens=16)])[0].text == wanted_text


def test_nothing_but_its_health_is_told_without_the_key(vllm):
    root = vllm.plan.url.removesuffix("/v1")
    chat = {"model": "tested", "messages": [{"role": "user", "content": "x"}], "max_tokens": 1}
    adapter = {"name": "stolen", "src": str(vllm.adapters[0].path)}
    lora = {"lora_name": "stolen", "lora_path": str(vllm.adapters[0].path)}
    requests = [
        ("GET", "/metrics", None),
        ("GET", "/v1/models", None),
        ("GET", "/openapi.json", None),
        ("POST", "/tokenize", {"model": "tested", "prompt": "x"}),
        ("POST", "/v1/chat/completions", chat),
        ("POST", "/invocations", chat),
        ("POST", "/v1/load_lora_adapter", lora),
        ("POST", "/adapters", adapter),
        ("DELETE", "/adapters/v1", None),
    ]
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {KEY}"}):
        for method, path, body in requests:
            response = httpx2.request(method, root + path, json=body, headers=headers, timeout=30.0)
            assert response.status_code == 401, (method, path)
    assert httpx2.get(f"{root}/health", timeout=30.0).status_code == 200
    assert vllm.lm().adapted(vllm.adapters[0]).choose(asks(1)), "it is still there"


def test_its_figures_are_read(vllm):
    vllm.lm().choose(asks(4))
    vllm.lm().choose(asks(4))
    found = serving.figures(vllm.settings)
    assert (found.running, found.waiting) == (0, 0)
    assert found.prompt_tokens > 4000
    assert 0 < found.cache_hit_rate <= 1


def test_a_promoted_version_is_loaded_and_tried_before_anybody_is_sent_to_it(vllm, local, wanted, tmp_path):
    """The slots are four: v1 and v2 from the start, then two more; the one that must stay empty stays empty."""
    home = vllm.settings.home
    with Store.open(home / "whyrank.db") as store:
        collection = sample.install(store)
        workbench = Workbench(vllm.settings, store)

        def promote(name: str, base=vllm.plan.model_path) -> Version:
            tiny.adapt(base, home / "versions" / name, seed=sum(name.encode()))
            version = Version(
                version_id=name,
                name=name,
                base_model="tested",
                adapter_path=f"versions/{name}",
                collection_id=collection.collection_id,
            )
            store.versions.add(version)
            versions.promote(workbench, collection, version, actor="lead", override_reason="to see")
            return version

        def champion() -> str:
            return workbench.champion(collection).name

        first = promote("third")
        assert champion() == "third"
        served = workbench.lm(first).choose(asks())
        adapter = Adapter(name="third", path=home / "versions" / "third")
        assert differ_by(served, local.adapted(adapter).choose(asks())) < WITHIN

        # vLLM itself would take one trained on a narrower base, and answer nonsense.
        with pytest.raises(IncompatibleVersionError, match="trained on another base"):
            promote("alien", base=tiny.build(tmp_path / "other", hidden=HIDDEN // 2))
        assert champion() == "third"

        # Texts under way end on the version they began with.
        pieces, promoted = [], threading.Event()
        chat = Generate(messages=asks(1)[0].messages, max_tokens=60)
        before = workbench.lm(first).generate([chat])[0].text

        def swap(_: int, piece: str) -> None:
            pieces.append(piece)
            if not promoted.is_set():
                promoted.set()
                swapping.start()

        swapping = threading.Thread(target=promote, args=("fourth",))
        assert workbench.lm(first).generate([chat], on_text=swap)[0].text == before == "".join(pieces)
        swapping.join()
        assert champion() == "fourth"

        versions.rollback(workbench, collection, actor="lead")
        assert champion() == "third"
        assert workbench.lm(first).choose(asks(2))[1].probabilities == pytest.approx(
            served[1].probabilities, abs=WITHIN
        )

        with pytest.raises(LMError, match="as many as it has slots for"):
            promote("fifth")
        assert store.versions.alias(collection.collection_id, Alias.CHAMPION).name == "third"
    for mixed, alone in zip(ask_all_at_once(vllm, (None, *vllm.adapters)), wanted, strict=True):
        assert differ_by(mixed, alone) < WITHIN
