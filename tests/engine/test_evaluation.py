"""Measures and reports over rankings."""

import json
import math
from dataclasses import replace

import pytest

from data.records import RankedDocument, Ranking, new_id
from data.scales import TREC_DL
from engine.evaluation import (
    evaluate,
    first_stage_run,
    measure,
    run_of,
    tie_rate,
    tokens_per_document,
    unreadable_rate,
)

QRELS = {"1": {"a": 3, "b": 0, "c": 1}, "2": {"x": 2}}


def ranking(query_id, docs, seconds=1.0):
    """docs: (doc_id, raw score or None, first-stage rank), in the system's order."""
    return Ranking(
        ranking_id=new_id(),
        collection_id="c",
        query_id=query_id,
        query_text="q",
        method="pointwise-score",
        version_id="v",
        base_model="b",
        prompt_sha256="0",
        scale_name="trec-dl",
        retriever="r",
        depth=3,
        fusion_weight=0.0,
        parameters={},
        seconds={"rank": seconds},
        documents=tuple(
            RankedDocument(
                doc_id=doc_id,
                rank=i,
                score=10.0 - i,
                raw_score=raw,
                first_stage_rank=first,
                first_stage_score=10.0 - first,
                grade=None if raw is None else round(raw),
                unreadable="why" if raw is None else None,
            )
            for i, (doc_id, raw, first) in enumerate(docs, start=1)
        ),
    )


def test_measures_agree_with_their_definitions():
    values = measure({"1": ["c", "a", "b"], "2": ["y", "x"]}, QRELS, TREC_DL)
    ideal = 3 + 1 / math.log2(3)
    assert values["nDCG@10"]["1"] == pytest.approx((1 + 3 / math.log2(3)) / ideal, abs=1e-4)
    assert values["RR@10"] == pytest.approx({"1": 0.5, "2": 0.5})
    assert values["Judged@10"] == pytest.approx({"1": 1.0, "2": 0.5})


def test_a_query_without_any_result_counts_zero():
    values = measure({"1": ["a"]}, QRELS, TREC_DL)
    assert values["nDCG@10"]["2"] == 0.0
    assert measure({}, QRELS, TREC_DL)["AP"] == {"1": 0.0, "2": 0.0}


def test_runs_come_from_rankings_in_both_orders():
    rankings = [ranking("1", [("a", 2.5, 3), ("c", 1.0, 1), ("b", 0.1, 2)])]
    assert run_of(rankings) == {"1": ["a", "c", "b"]}
    assert first_stage_run(rankings) == {"1": ["c", "b", "a"]}


def test_a_report_compares_with_bm25_and_with_the_champion():
    system = [ranking("1", [("a", 2.5, 3), ("c", 1.0, 1), ("b", 0.1, 2)]), ranking("2", [("x", 2.0, 2), ("y", 0.3, 1)])]
    champion = [ranking("1", [("c", 1.5, 1), ("a", 1.0, 3), ("b", 0.1, 2)]), ranking("2", [("x", 1, 2), ("y", 0, 1)])]
    report = evaluate(system, champion, QRELS, TREC_DL, labels="people")
    primary = report.measures["nDCG@10"]
    assert report.queries == 2
    assert primary.system == pytest.approx(1.0)
    assert primary.against == "champion"
    assert primary.difference == pytest.approx(primary.system - primary.champion)
    assert (primary.wins, primary.losses) == (1, 0)
    assert primary.versus_bm25.mean == pytest.approx(primary.system - primary.bm25)
    assert report.per_query["nDCG@10"]["2"] == pytest.approx({"bm25": 0.6309, "champion": 1.0, "system": 1.0}, abs=1e-3)
    assert report.seconds_per_document == pytest.approx(2 / 5)
    assert json.loads(json.dumps(report.to_json()))["labels"] == "people"


def test_tokens_per_document_are_told_where_all_were_counted():
    counted = ranking("1", [("a", 2.5, 1), ("c", 1.0, 2)])
    counted = replace(
        counted,
        documents=tuple(replace(d, prompt_tokens=n) for d, n in zip(counted.documents, (100, 151), strict=True)),
    )
    assert evaluate([counted], None, QRELS, TREC_DL, labels="people").tokens_per_document == 125.5
    assert tokens_per_document([counted, ranking("2", [("x", 2.0, 1)])]) is None and tokens_per_document([]) is None


def test_without_a_champion_the_difference_is_to_bm25():
    report = evaluate([ranking("1", [("a", 2.5, 2), ("c", 1.0, 1)])], None, QRELS, TREC_DL, labels="people")
    assert report.measures["AP"].against == "bm25"
    assert report.measures["AP"].champion is None


def test_queries_without_labels_are_not_evaluated():
    report = evaluate(
        [ranking("1", [("a", 2.5, 1)]), ranking("9", [("z", 1.0, 1)])], None, QRELS, TREC_DL, labels="people"
    )
    assert report.queries == 1


def test_tie_and_unreadable_rates():
    rankings = [ranking("1", [("a", 1.0, 1), ("b", 1.0, 2), ("c", 0.5, 3), ("d", None, 4)])]
    assert tie_rate(rankings) == pytest.approx(2 / 3)
    assert unreadable_rate(rankings) == 0.25
    assert tie_rate([]) == unreadable_rate([]) == 0.0


def test_calibration_counts_labelled_documents_only():
    report = evaluate(
        [ranking("1", [("a", 2.9, 1), ("c", 0.2, 2), ("unlabelled", 3.0, 3)])], None, QRELS, TREC_DL, labels="people"
    )
    assert sum(point.documents for point in report.calibration) == 2
    assert report.calibration[-1].labelled == 3.0
