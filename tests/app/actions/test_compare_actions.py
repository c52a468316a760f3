import time
from dataclasses import replace

import pytest

from app.actions import compare, people
from app.actions.beside import beside
from app.actions.compare import Over
from app.actions.systems import Making, lines, stocked
from data.errors import NotFoundError
from data.records import Alias, AliasEvent, AssessorKind
from data.runs import Runs
from engine.evaluation import PRIMARY
from engine.pipeline import GIVEN_RUN
from tests.app import lining
from tests.app.lining import BASE, TAUGHT
from training import jobs
from training.ranked import RankConfig


@pytest.fixture
def added(workbench):
    return lining.filled(workbench)


def chosen(workbench, added, *system_ids):
    found = stocked(workbench, added)
    return [found.system(system_id) for system_id in system_ids]


def overview(workbench, added, *system_ids, over=Over.HELDOUT, making=None):
    return compare.overview(workbench, added, chosen(workbench, added, *system_ids), over, making)


def test_systems_are_versions_by_method_first_stages_and_grades(workbench, added):
    lining.rank(workbench, added, "h0", [1, 2], retriever=GIVEN_RUN, depth=2)
    lining.grade(workbench, added, "h0", 1, 2, who="gpt", kind=AssessorKind.TEACHER)
    workbench.store.versions.move(
        AliasEvent(
            collection_id=added.collection_id,
            alias=Alias.CHALLENGER,
            version_id="taught",
            previous_version_id=None,
            reason="",
            actor="me",
        )
    )
    found = stocked(workbench, added)
    assert [system.title for system in found.systems] == [
        "taught by pointwise-score (challenger)",
        "base by pointwise-score (champion)",
        "BM25",
        "First stage of given runs",
        "Person: Ann, graded best first",
        "Teacher: gpt, graded best first",
    ]
    assert [system.queries for system in found.systems[:4]] == [5, 5, 5, 1]
    assert found.makings == (Making(depth=10, fusion_weight=0.2), Making(depth=2, fusion_weight=0.2))
    assert [s.system_id for s in compare.opening(found)] == [TAUGHT, BASE]
    assert [s.system_id for s in compare.opening(found, ["bm25", "no such"])] == ["bm25", TAUGHT]
    with pytest.raises(NotFoundError):
        found.system("no such")


def test_a_collection_without_rankings_has_nothing_to_compare(workbench, beans):
    assert compare.opening(stocked(workbench, beans)) is None


def test_per_query_differences_wins_and_intervals(workbench, added):
    found = overview(workbench, added, TAUGHT, BASE)
    assert list(found.queries) == ["h0", "h1", "h2", "h3"] and not found.missing
    rows = {(row["Measure"], row["System"]): row for row in compare.measure_rows(found)}
    assert {measure for measure, _ in rows} == {PRIMARY, "RR@10", "AP", "Judged@10"}
    taught = rows[PRIMARY, "taught by pointwise-score"]
    base = rows[PRIMARY, "base by pointwise-score (champion)"]
    assert (taught["Wins"], taught["Ties"], taught["Losses"]) == (3, 1, 0)
    assert taught["Mean"] - base["Mean"] == pytest.approx(taught["Difference"]) and taught["p"] == pytest.approx(0.25)
    assert base["Difference"] is None
    assert rows["Judged@10", "taught by pointwise-score"]["Mean"] == pytest.approx(0.5)
    queries = compare.query_rows(found, PRIMARY)
    assert [row["Query"] for row in queries] == ["h0", "h1", "h2", "h3"]
    assert queries[0]["Difference"] > 0.5 and queries[3]["Difference"] == 0
    assert queries[0]["Overlap@10"] == 1.0 and queries[0]["Tau"] == -1.0
    assert queries[0]["Text"] == "held-out question 0"
    assert not found.warnings


def test_all_queries_are_shown_with_a_warning(workbench, added):
    found = overview(workbench, added, TAUGHT, "bm25", over=Over.ALL)
    assert "t0" in found.queries and any("trained" in warning for warning in found.warnings)
    assert found.comparison.labelled == 5


def test_bm25_has_the_documents_of_the_system_it_is_held_against(workbench, added):
    lining.rank(workbench, added, "h0", [5, 4], depth=2)
    (query,) = [q for q in workbench.store.collections.queries(added.collection_id) if q.query_id == "h0"]
    found = lines(workbench, added, chosen(workbench, added, TAUGHT, "bm25"), {"h0": query})
    assert found["bm25"]["h0"].doc_ids == ["d0", "d1", "d2", "d3"]
    newest = lines(workbench, added, chosen(workbench, added, "bm25", "grades:" + ann(workbench)), {"h0": query})
    assert newest["bm25"]["h0"].doc_ids == ["d4", "d5"]


def ann(workbench):
    return workbench.store.assessors.ensure("Ann", AssessorKind.HUMAN).assessor_id


def test_grades_are_an_order_and_the_measure_says_what_that_means(workbench, added):
    for number, given in ((2, 1), (3, 3), (1, 0)):
        lining.grade(workbench, added, "h0", number, given, who="gpt", kind=AssessorKind.TEACHER)
    teacher = workbench.store.assessors.ensure("gpt", AssessorKind.TEACHER).assessor_id
    found = overview(workbench, added, f"grades:{teacher}", BASE)
    assert list(found.queries) == ["h0"] and found.missing == {f"grades:{teacher}": ("h1", "h2", "h3")}
    assert not found.to_rank, "no job makes a teacher's grades"
    (query,) = found.queries.values()
    made = lines(workbench, added, found.systems, {"h0": query})
    assert [(s.doc_id, s.grade) for s in made[f"grades:{teacher}"]["h0"].spots] == [("d3", 3), ("d2", 1), ("d1", 0)]
    people = overview(workbench, added, f"grades:{ann(workbench)}", BASE)
    assert any("the best there can be" in warning for warning in people.warnings)
    assert people.comparison.measures[PRIMARY][f"grades:{ann(workbench)}"].value == pytest.approx(1.0)


def test_a_run_that_was_given_is_a_system(workbench, added, tmp_path):
    path = tmp_path / "neural.run"
    path.write_text("h0 Q0 d0 1 9.5 x\nh0 Q0 d7 2 8.5 x\nh1 Q0 d1 1 7 x\n")
    Runs(workbench.settings.runs_path).add(workbench.store, added, path)
    found = overview(workbench, added, "run:neural", BASE)
    assert found.systems[0].title == "Run neural" and list(found.queries) == ["h0", "h1"]
    assert found.missing == {"run:neural": ("h2", "h3")} and not found.to_rank
    assert found.comparison.overlap["h0"] == pytest.approx(1 / 4)
    shown = beside(workbench, added, found.systems, "h0")
    assert [row.document.doc_id for row in shown.rows][:2] == ["d0", "d7"]
    assert shown.rows[1].cells[BASE].rank is None


def test_excluded_documents_don_t_count(workbench, added):
    (query,) = [q for q in workbench.store.collections.queries(added.collection_id) if q.query_id == "h0"]
    found = lines(workbench, added, chosen(workbench, added, TAUGHT), {"h0": replace(query, excluded_ids=("d0",))})
    assert [(s.doc_id, s.rank) for s in found[TAUGHT]["h0"].spots] == [("d1", 1), ("d2", 2), ("d3", 3)]


def test_missing_rankings_are_named_and_a_job_makes_them(workbench, added):
    lining.rank(workbench, added, "h0", [1, 2], version_id="taught", method="pointwise-verdict-first", depth=2)
    newer = "ranked:taught:pointwise-verdict-first"
    found = overview(workbench, added, newer, BASE)
    assert found.missing == {newer: ("h1", "h2", "h3")} and list(found.queries) == ["h0"]
    assert any("different ways" in warning for warning in found.warnings)
    (job,) = compare.rank_missing(workbench, added, found, people.local("me"))
    config = RankConfig(**job.config)
    assert job.kind == jobs.RANK and config.query_ids == ("h1", "h2", "h3") and config.depth == 2
    assert (config.systems[0].version_id, config.systems[0].method) == ("taught", "pointwise-verdict-first")
    assert compare.newest_job(workbench, added).job.job_id == job.job_id


def test_one_way_of_ranking_can_be_chosen(workbench, added):
    lining.rank(workbench, added, "h0", [2, 1, 0, 3], fusion_weight=0.5)
    mixed = overview(workbench, added, TAUGHT, BASE)
    assert mixed.makings[BASE] == {Making(depth=10, fusion_weight=0.2): 3, Making(depth=10, fusion_weight=0.5): 1}
    assert mixed.warnings
    plain = overview(workbench, added, TAUGHT, BASE, making=Making(depth=10, fusion_weight=0.2))
    assert not plain.warnings and list(plain.queries) == ["h0", "h1", "h2", "h3"]


def test_systems_without_a_common_query_are_not_compared(workbench, added):
    lining.rank(workbench, added, "t0", [1, 2], version_id="taught", method="pointwise-verdict-first")
    found = overview(workbench, added, "ranked:taught:pointwise-verdict-first", BASE)
    assert found.comparison is None and compare.measure_rows(found) == [] and compare.query_rows(found, PRIMARY) == []


def test_one_query_beside_each_other(workbench, added):
    shown = beside(workbench, added, chosen(workbench, added, TAUGHT, BASE, "bm25"), "h0")
    assert [row.document.doc_id for row in shown.rows] == ["d0", "d1", "d2", "d3"]
    first = shown.rows[0]
    assert first.label == 3 and first.document.title == "Title 0"
    assert (first.cells[TAUGHT].rank, first.cells[TAUGHT].move) == (1, 3)
    assert first.cells[TAUGHT].explanation == "taught says so of 0"
    assert (first.cells[BASE].rank, first.cells[BASE].move) == (4, None)
    assert (first.cells["bm25"].rank, first.cells["bm25"].move, first.cells["bm25"].explanation) == (1, 3, "")
    assert not shown.lacking
    with pytest.raises(NotFoundError):
        beside(workbench, added, chosen(workbench, added, TAUGHT, BASE), "none")


def test_a_system_that_lacks_the_query_is_said(workbench, added):
    lining.grade(workbench, added, "h1", 1, 2, who="gpt", kind=AssessorKind.TEACHER, explanation="So it says.")
    teacher = workbench.store.assessors.ensure("gpt", AssessorKind.TEACHER).assessor_id
    systems = chosen(workbench, added, f"grades:{teacher}", BASE)
    assert [s.kind for s in beside(workbench, added, systems, "h0").lacking] == [systems[0].kind]
    shown = beside(workbench, added, systems, "h1")
    assert shown.rows[0].cells[f"grades:{teacher}"].explanation == "So it says."
    assert shown.rows[1].cells[f"grades:{teacher}"].rank is None


def test_two_hundred_queries_are_compared_in_time(workbench):
    added = lining.collection(workbench, heldout=200, documents=30)
    numbers = {f"h{i}": [(i + j) % 30 for j in range(20)] for i in range(200)}
    for query_id, given in numbers.items():
        lining.rank(workbench, added, query_id, given[::-1], depth=20)
    lining.grade_all(workbench, added, {(query_id, given[0]): 3 for query_id, given in numbers.items()})
    started = time.process_time()
    found = overview(workbench, added, BASE, "bm25")
    assert time.process_time() - started < 3
    assert found.comparison.labelled == 200
