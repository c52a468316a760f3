"""Pictures of the pages that need jobs long done or a login, with made-up data of the sample:
`python -m tests.e2e.pictured docs/screenshots`.
"""

import random
import sys
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from app.actions.making import MakeConfig
from app.actions.people import FIRST_TIME
from data.people import Person, Role
from data.records import Collection, Job, JobState, new_id, utc_now
from engine.workbench import Workbench
from tests import synthetic
from tests.e2e import screenshots, team
from tests.e2e.provider import provider
from tests.e2e.served import Served
from training import asking, jobs
from training.curve import Point, levels
from training.folders import write_json
from training.learning import LearnConfig
from training.teaching import TeachConfig

PAGES = ("Learning curve", "People", "Teacher")
ADMIN = {"name": "Dora", "email": "dora@example.org", "email_verified": True}
URL, MODEL = "https://api.example.org/v1", "large-model"
MADE_UP = "Made-up figures, to show how this page looks."
QUERIES = {
    "a001": ("Wet or crowded food stays below browning heat.", "Why does my meat stew instead of sear in a full pan?"),
    "a002": ("Heavy pans keep their heat under cold food.", "Is an iron pan better than aluminium for frying steak?"),
    "a003": ("Meat changes colour with air and age.", "Can I still eat mince that has gone brown in the fridge?"),
    "a004": ("Resting evens out heat and holds juice.", "How long should a steak stand before I cut it?"),
    "a005": ("Salt and rain take the wax out of leather.", "How do I get white salt marks off leather boots?"),
}
"""doc_id of the sample -> a summary and a query as a teacher might write them."""


def fill(workbench: Workbench) -> None:
    """People who signed in, their judgments of the sample, a learning curve, and what a teacher made and judged."""
    for name, role in (("Ann", Role.LEAD), ("Ben", Role.ASSESSOR), ("Cleo", Role.ASSESSOR)):
        login = f"https://login.example.org {name}"
        person = Person(
            name="", login=login, role=Role.ASSESSOR, email=f"{name.lower()}@example.org", changed_by=FIRST_TIME
        )
        workbench.store.people.add(person, [name])
        if role is not Role.ASSESSOR:
            workbench.store.people.set_role(login, role, ADMIN["name"])
    collection = workbench.build_index(team.fill(workbench))
    _taught(workbench, collection, utc_now() - timedelta(hours=30))
    _made(workbench, collection, utc_now() - timedelta(hours=5))
    _learnt(workbench, collection, utc_now() - timedelta(hours=3))


def _done(kind: str, collection: Collection, began: datetime, minutes: float, **values: object) -> Job:
    ended = began + timedelta(minutes=minutes)
    times = {"created_at": began, "started_at": began, "heartbeat_at": ended, "finished_at": ended}
    told = {"state": JobState.DONE, "progress": 1.0, "attempts": 1, "created_by": "Ann", **times, **values}
    return Job(job_id=new_id(), kind=kind, collection_id=collection.collection_id, **told)


def _taught(workbench: Workbench, collection: Collection, began: datetime) -> None:
    config = TeachConfig(url=URL, model=MODEL).model_dump(mode="json")
    found = {"assessor": MODEL, "queries": 20, "pairs": 200, "asked": 200, "kept": 0, "graded": 198, "unreadable": 2}
    found |= {"unanswered": 0, "not_asked": 0, "new_judgments": 200, "by_grade": {"0": 121, "1": 40, "2": 24, "3": 13}}
    found |= {"requests": 203, "prompt_tokens": 96_400, "completion_tokens": 15_800, "tokens": 112_200, "cost": 0.0}
    found |= {"estimated": 0, "stopped": None, "whole": True}
    workbench.store.jobs.add(_done(jobs.TEACH, collection, began, 9, config=config, result=found))


def _made(workbench: Workbench, collection: Collection, began: datetime) -> None:
    budget = {"requests": 600, "prompt_price": 0.15, "completion_price": 0.6}
    config = MakeConfig(documents=8, teaching=TeachConfig(url=URL, model=MODEL, budget=budget)).model_dump(mode="json")
    made = [
        {"query_id": asking.made_id(query), "doc_id": doc_id, "text": query, "summary": summary}
        for doc_id, (summary, query) in QUERIES.items()
    ]
    judged = {"queries": 5, "pairs": 50, "asked": 50, "kept": 0, "graded": 50, "unreadable": 0, "unanswered": 0}
    judged |= {"not_asked": 0, "new_judgments": 50, "by_grade": {"0": 34, "1": 7, "2": 5, "3": 4}, "stopped": None}
    found = {"collection": collection.name, "model": MODEL, "assessor": MODEL, "seed": 0, "documents": 8, "asked": 8}
    found |= {"kept": 0, "unreadable": 0, "unanswered": 0, "not_asked": 0, "refused": {"repeats the document": 1}}
    found |= {"dropped": {"made twice": 1, "near an evaluation query": 1}, "queries": 5, "new_queries": 5}
    found |= {"judged": judged, "requests": 58, "prompt_tokens": 27_100, "completion_tokens": 4_300, "tokens": 31_400}
    found |= {"estimated": 0, "cost": 0.0066, "stopped": None, "whole": True}
    job = _done(jobs.MAKE, collection, began, 4, config=config, result=found)
    workbench.store.jobs.add(job)
    write_json(jobs.made_path(workbench.settings, job.job_id), {**found, "made": made})


def _learnt(workbench: Workbench, collection: Collection, began: datetime) -> None:
    draw, query_ids = random.Random(0), [f"q{number:02}" for number in range(12)]
    champion = [draw.uniform(0.2, 0.9) for _ in query_ids]
    points = [
        Point(
            count=count,
            seed=seed,
            per_query={
                query_id: min(1.0, value + gain + draw.gauss(0, 0.05))
                for query_id, value in zip(query_ids, champion, strict=True)
            },
            bm25=0.46,
            kappa=0.30 + gain + draw.gauss(0, 0.01),
            kappa_note="",
            unreadable=0.0,
            by_grade={0: count // 2, 1: count // 5, 2: count // 5, 3: count - count // 2 - 2 * (count // 5)},
            corrected_queries=count // 5,
            examples=2 * count,
            steps=count // 4,
            train_seconds=2.2 * count,
            measure_seconds=140.0,
        )
        for count, gain in ((0, 0.0), (25, 0.01), (50, 0.03), (150, 0.06))
        for seed in ((None,) if count == 0 else (0, 1, 2))
    ]
    found = {
        "points": [point.to_json() for point in points],
        "levels": [asdict(level) for level in levels(points)],
        "bm25": 0.46,
        "champion": "base",
        "labels": "labels of people (Ann, Ben, Cleo)",
        "heldout_queries": len(query_ids),
        "correctable": 165,
        "correctable_queries": 16,
        "looks": 1,
        "warnings": [MADE_UP],
        "whole": True,
    }
    config = LearnConfig(train={"recipe": "correct"}).model_dump(mode="json")
    workbench.store.jobs.add(_done(jobs.LEARN, collection, began, 95, config=config, result=found))


def main(out: Path) -> None:
    """Serve the home behind a login and take the pictures as an admin."""
    with provider({"dora": ADMIN}) as identities, TemporaryDirectory() as folder:
        secrets = Path(folder) / "secrets.toml"
        secrets.write_text(identities.secrets_toml)
        secrets.chmod(0o600)
        model = synthetic.learnable_model(Path(folder) / "model", synthetic.synthetic())
        given = {"secrets": secrets, "people": "@example.org", "admins": ADMIN["email"]}
        served = Served(Path(folder) / "home", model, teacher_url=URL, teacher_model=MODEL, **given)
        with Workbench.open(served.settings) as workbench:
            fill(workbench)
        served.start()
        try:
            screenshots.main(out, served.url, "sample", None, PAGES, sign_in="dora")
        finally:
            served.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
