"""A home that people and models have worked in for long: 20,000 documents, 100,000 judgments, two versions' rankings.

python -m benchmarks.filled_store HOME
"""

import argparse
import sys
import time
from pathlib import Path

from benchmarks.figure import Figure, give
from benchmarks.made_up import Made, Size, names
from benchmarks.timing import load
from data.records import Alias, AliasEvent, Collection, Version
from data.scales import TREC_DL
from data.settings import Settings
from engine.ranking import DEFAULT_METHOD
from engine.workbench import Workbench

NAME = "filled"
VERSION = "filled-1"


def fill(workbench: Workbench, size: Size, seed: int = 0) -> Collection:
    """Store it all, through the ways an import and a ranking take."""
    made = Made(size, seed)
    store = workbench.store
    collection = store.collections.add(
        name=NAME,
        scale=TREC_DL,
        documents=made.documents(),
        queries=made.queries,
        judgments=made.judgments(),
        assessors=[*made.people, *made.teachers],
        guidelines="Grade what the document says, not what you know.",
        source=f"made up, seed {seed}",
        collection_id=made.collection_id,
    )
    base = workbench.base_version()
    student = Version(
        version_id=made.new_id(),
        name=VERSION,
        base_model=workbench.settings.model,
        scale_name=TREC_DL.name,
        form=DEFAULT_METHOD,
        collection_id=collection.collection_id,
        parent_id=base.version_id,
    )
    store.versions.add(student)
    for version, sureness in ((base, 0.6), (student, 1.6)):
        for query in made.queries[: size.ranked]:
            workbench.record(made.ranking(query, version, sureness))
    champion = AliasEvent(
        collection_id=collection.collection_id,
        alias=Alias.CHAMPION,
        version_id=student.version_id,
        previous_version_id=workbench.champion(collection).version_id,
        reason="made up with its store",
        actor=names(size)[0],
    )
    store.versions.move(champion)
    return store.collections.get(collection.collection_id)


def found_or_filled(workbench: Workbench, size: Size) -> Collection:
    """The collection of a home that was filled before, else of one that is filled now, which is told as a figure."""
    for collection in workbench.store.collections.list():
        if collection.name == NAME:
            return collection
    began = time.perf_counter()
    collection = fill(workbench, size)
    note = f"{size.documents:,} documents, {size.judgments:,} judgments, {2 * size.ranked} rankings; {load()}"
    give(Figure(name="fill_store", figure=time.perf_counter() - began, unit="seconds", note=note, goal="< 60 s"))
    return collection


def main() -> None:
    """Fill the home that is named, and index it."""
    parser = argparse.ArgumentParser(description="Fill a home with 20,000 documents and 100,000 judgments.")
    parser.add_argument("home", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    began = time.perf_counter()
    with Workbench.open(Settings().in_scratch(given.home)) as workbench:
        collection = fill(workbench, Size(), given.seed)
        filled = time.perf_counter()
        workbench.build_index(collection)
    indexed = time.perf_counter()
    words = f"filled in {filled - began:.0f} s, indexed in {indexed - filled:.0f} s; the collection is {NAME!r}"
    sys.stderr.write(f"{given.home}: {words}\n")


if __name__ == "__main__":
    main()
