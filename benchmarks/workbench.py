"""What a person waits for in a store of 100,000 judgments over 20,000 documents: the next item, saving, pages, lists.

    python -m benchmarks.workbench --home SCRATCH    # fills it unless it is filled; without --home, a folder of its own

Pages are run by Streamlit's AppTest: a page's whole script with all its queries, up to the messages to the browser;
neither the network nor what the browser does with them is in it.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from streamlit.testing.v1 import AppTest

from app import resources
from app.actions import adjudication, agreement, collections, compare, desk, history, judge, people, systems
from app.actions.desk import Desk
from app.actions.judge import Sent
from app.actions.queue import Choice, Strategy
from benchmarks import filled_store, made_up
from benchmarks.timing import Watch, repeated
from data.history import Wanted
from data.pooling import Pool
from data.records import Collection, new_id
from data.settings import Settings
from engine.workbench import Workbench

MAIN = Path(__file__).parents[1] / "app" / "main.py"
PAGES = ("judge", "progress", "agreement", "adjudication", "history", "compare", "collections")
STEPS = 40
"""Items a person goes through in each queue."""
PAGE_SECONDS = 120


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the workbench at 100,000 judgments.")
    parser.add_argument("--home", type=Path, help="A scratch home, kept.")
    parser.add_argument("--small", action="store_true", help="600 documents and 3,000 judgments: to try this script.")
    given = parser.parse_args()
    home = given.home or Path(tempfile.mkdtemp())
    size = made_up.SMALL if given.small else made_up.Size()
    with Workbench.open(Settings().in_scratch(home)) as workbench:
        collection = filled_store.found_or_filled(workbench, size)
        said = f"{collection.documents:,} documents, {size.judgments:,} judgments"
        queues(workbench, collection, said)
        comparing(workbench, collection, said)
        lists(workbench, collection, said)
        pages(workbench, said)


def queues(workbench: Workbench, collection: Collection, said: str) -> None:
    """Sit down at each queue, then grade item after item: one message of the browser each."""
    save = Watch()
    for number, choice in enumerate(_choices(workbench, collection)):
        cold, warm = Watch(), Watch()
        for person in made_up.names(made_up.SMALL)[:3]:
            with cold:
                at = desk.sit_down(workbench, collection, person, choice)
                judge.data(workbench, collection, at, Sent(), {}, blind=True)
            desk.leave(workbench, at)
        at = desk.sit_down(workbench, collection, f"Newcomer {number}", choice)
        for place in range(STEPS):
            _step(workbench, collection, at, place, save, warm)
        desk.leave(workbench, at)
        name = choice.strategy.value
        cold.times.give(f"queue_laid_out_{name}", f"{said}; once a visit and every {desk.LAID_OUT} items")
        if at.at:
            warm.times.give(f"next_item_{name}", f"{said}; move on and paint, in the action", goal="< 150 ms")
    save.times.give("save_judgment", f"{said}; one stroke, on disk when it returns")


def _step(workbench: Workbench, collection: Collection, at: Desk, place: int, save: Watch, warm: Watch) -> None:
    """Grade the item that is painted, then go on to the next."""
    items = at.numbered(at.at, at.at + 1)
    if not items:
        return
    item = items[0][1]
    stroke = {"seq": place, "event_id": new_id(), "kind": "grade", "grade": place % 4, "seconds": 4.0}
    stroke |= {"query_id": item.query_id, "doc_id": item.doc_id}
    with save:
        answers = judge.take(
            workbench,
            collection,
            people.local(at.assessor_name),
            at,
            Sent(desk_id=at.desk_id, at=at.at, outbox=(stroke,)),
            {},
        )
    if not all(answer.saved for answer in answers.values()):
        raise RuntimeError(f"not saved: {answers}")
    sent = Sent(desk_id=at.desk_id, at=at.at + 1)
    with warm:
        judge.take(workbench, collection, people.local(at.assessor_name), at, sent, answers)
        judge.data(workbench, collection, at, sent, answers, blind=True)


def _choices(workbench: Workbench, collection: Collection) -> list[Choice]:
    """One of every strategy."""
    plain = [Choice(strategy=strategy) for strategy in Strategy if strategy not in (Strategy.POOL, Strategy.LIST)]
    return [*plain, Choice(strategy=Strategy.POOL, pool_id=_pool(workbench, collection).pool_id)]


def _pool(workbench: Workbench, collection: Collection) -> Pool:
    """A pool of everything that was ranked."""
    orders = workbench.store.rankings.orders(collection.collection_id)
    pool = Pool(
        pool_id=new_id(),
        collection_id=collection.collection_id,
        name=f"bench {new_id()}",
        depth=orders[0].depth,
        systems=(filled_store.VERSION,),
        pairs=tuple((order.query_id, place.doc_id) for order in orders for place in order.places),
        created_by=filled_store.NAME,
    )
    workbench.store.pools.add(pool)
    return pool


def comparing(workbench: Workbench, collection: Collection, said: str) -> None:
    """Compare over every ranked query."""
    stocked = systems.stocked(workbench, collection)
    opening = compare.opening(stocked)
    if opening is None:
        raise RuntimeError("the filled store has two versions")
    first, second = opening
    bm25 = stocked.system("bm25")
    for name, chosen in (("two_versions", (first, second)), ("version_and_bm25", (first, bm25))):
        watch = Watch()
        for _ in range(5):
            with watch:
                found = compare.overview(workbench, collection, chosen, compare.Over.ALL)
        note = f"{said}; {len(found.queries)} queries, in the action"
        watch.times.give(f"compare_{name}", note, goal="< 3000 ms")


def lists(workbench: Workbench, collection: Collection, said: str) -> None:
    """A page of each list: its first, and the one in the middle."""
    half = max(1, collections.pages(collection) // 2)
    asked: dict[str, Callable[[], object]] = {
        "documents_first_page": lambda: collections.documents(workbench, collection, 1),
        "documents_middle_page": lambda: collections.documents(workbench, collection, half),
        "history_first_page": lambda: history.listing(workbench, collection, Wanted(), page=1),
        "history_middle_page": lambda: history.listing(workbench, collection, Wanted(), page=half),
        "history_search": lambda: history.listing(workbench, collection, Wanted(words="stra"), page=1),
        "conflicts": lambda: adjudication.conflicts(workbench, collection),
        "agreement_sides": lambda: agreement.sides(workbench, collection),
    }
    for name, action in asked.items():
        repeated(action, 10).give(f"list_{name}", f"{said}; in the action")


def pages(workbench: Workbench, said: str, names: Sequence[str] = PAGES) -> None:
    """Open each page once, then run it again and again, as every click does."""
    resources.use(workbench)
    try:
        for name in names:
            test = AppTest.from_file(str(MAIN), default_timeout=PAGE_SECONDS)
            test.query_params["assessor_name"] = made_up.names(made_up.SMALL)[0]
            began = time.perf_counter()
            test.run().switch_page(f"screens/{name}.py").run()
            opened = time.perf_counter() - began
            times = repeated(test.run, 10)
            if test.exception:
                raise RuntimeError(f"{name}: {test.exception[0].message}")
            note = f"{said}; AppTest, the page's whole script; opened in {opened:.1f} s"
            times.give(f"page_{name}", note, goal="< 500 ms")
    finally:
        resources.use(None)


if __name__ == "__main__":
    main()
