"""Fifty pairs of a real collection judged by keys in a real browser: how long until the next pair is painted, and until
the server has the grade.

    python -m benchmarks.keys path/to/datasets

Imports `trec-dl19` into a scratch home (its labels as a teacher's, so that every pair waits), starts the app on it, and
presses a grade's key for one pair after the other in Debian's Chromium, as a person does who reads fast. The judgments
are a trial's: they go with the home.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from benchmarks.figure import Figure, give
from benchmarks.timing import load, percentile
from data.importing import import_collection
from data.records import AssessorKind, Collection
from data.scales import TREC_DL
from tests import synthetic
from tests.e2e import judging
from tests.e2e.browser import SIZE, App, chromium
from tests.e2e.served import Served

NAME = "trec-dl19"
TRIAL = "Trial"
PATIENCE_MS = 300_000
"""What a busy machine may take for the first page."""
READING_MS = 400
"""Between what was saved and the next key."""
_WATCH = """(desk) => {
  const id = () => desk.querySelector(".columns .doc-id")?.textContent;
  const status = desk.querySelector(".status");
  window.took = [];
  window.addEventListener("keydown", (event) => {
    if (/^[0-3]$/.test(event.key)) {
      window.took.push({ at: event.timeStamp, before: id(), painted: null, saved: null, sending: false });
    }
  }, { capture: true });
  new MutationObserver(() => {
    const now = window.took.at(-1);
    if (!now) return;
    if (now.painted === null && id() !== now.before) {
      now.painted = -1;
      requestAnimationFrame(() => setTimeout(() => { now.painted = performance.now() - now.at; }, 0));
    }
    if (/saving/.test(status.textContent)) now.sending = true;
    else if (now.sending && now.saved === null && /saved at/.test(status.textContent)) {
      now.saved = performance.now() - now.at;
    }
  }).observe(desk, { subtree: true, childList: true, characterData: true });
}"""
"""Keeps for every grade's key when the next pair was on the screen and when the server had acknowledged it, counted
from the moment at which the browser got the key."""
_DONE = "(number) => window.took.length === number && window.took.at(-1).saved > 0 && window.took.at(-1).painted > 0"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Judge pairs of TREC DL 2019 by keys in a browser.")
    parser.add_argument("datasets", type=Path, help="The folder that holds trec-dl19.")
    parser.add_argument("--pairs", type=int, default=50)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        served = Served(home, synthetic.learnable_model(Path(folder) / "model", synthetic.synthetic()))
        with served.store() as store:
            collection = import_collection(
                store, name=NAME, path=given.datasets / NAME, assessor="NIST", kind=AssessorKind.TEACHER, scale=TREC_DL
            )
        served.start()
        try:
            took = judged(served, given.pairs)
        finally:
            served.stop()
        stored = kept(served, collection)
    if stored != given.pairs or len(took) != given.pairs:
        raise RuntimeError(f"{given.pairs} keys, {len(took)} heard, {stored} judgments stored")
    note = f"{given.pairs} pairs of {NAME}, {stored} judgments stored; {load()}"
    for name, key in (("key_to_next_pair_painted", "painted"), ("key_to_acknowledged", "saved")):
        times = [each[key] for each in took]
        middle = percentile(times, 50)
        figure = Figure(
            name=name, figure=percentile(times, 95), unit="milliseconds, p95", note=f"p50 {middle:.0f}; {note}"
        )
        give(figure)


def judged(served: Served, pairs: int) -> Sequence[Mapping[str, Any]]:
    """Press a grade for one pair after the other; what each key took, in milliseconds."""
    with chromium() as browser:
        app = App(browser.new_context(viewport=SIZE).new_page(), served.url)
        expect.set_options(timeout=PATIENCE_MS)
        app.page.set_default_timeout(PATIENCE_MS)
        app.open("judge", query=f"collection_name={NAME}", name=TRIAL)
        expect(judging.desk(app, "columns .doc-id")).to_be_visible()
        app.page.locator(".desk").evaluate(_WATCH)
        for number, grade in zip(range(1, pairs + 1), cycle("0123"), strict=False):
            app.page.keyboard.press(grade)
            app.page.wait_for_function(_DONE, arg=number)
            app.page.wait_for_timeout(READING_MS)
        took: Sequence[Mapping[str, Any]] = app.page.evaluate("window.took")
    return took


def kept(served: Served, collection: Collection) -> int:
    """How many pairs the trial's person has judged, as the store says."""
    with served.store() as store:
        trial = store.assessors.ensure(TRIAL, AssessorKind.HUMAN)
        return len(store.judgments.current(collection.collection_id, assessor_ids=[trial.assessor_id]))


if __name__ == "__main__":
    main()
