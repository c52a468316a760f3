"""How good is a run? Measures by ir_measures, compared per query, with everything a reader needs to doubt them.

Only queries with labels are evaluated, each system on the same ones; a query for which a system returned nothing
counts 0. Labels are people's: the caller hands them in, and says whose they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import ir_measures
import numpy as np
from ir_measures import AP, RR, Judged, Qrel, ScoredDoc, nDCG

from data.records import RankedDocument, Ranking
from data.scales import Scale
from engine.agreement import Undefined, agreement
from engine.significance import Difference, paired

PRIMARY = "nDCG@10"
Qrels = Mapping[str, Mapping[str, int]]
"""query_id -> doc_id -> grade"""
Run = Mapping[str, Sequence[str]]
"""query_id -> doc_ids, best first"""
PerQuery = dict[str, dict[str, float]]
"""measure -> query_id -> value"""


def run_of(rankings: Iterable[Ranking]) -> dict[str, list[str]]:
    """The run a system's rankings make."""
    return {r.query_id: [d.doc_id for d in sorted(r.documents, key=lambda d: d.rank)] for r in rankings}


def first_stage_run(rankings: Iterable[Ranking]) -> dict[str, list[str]]:
    """The first stage's own order of the same documents: the baseline under equal conditions."""
    return {r.query_id: [d.doc_id for d in sorted(r.documents, key=lambda d: d.first_stage_rank)] for r in rankings}


def measure(run: Run, qrels: Qrels, scale: Scale) -> PerQuery:
    """Every measure of a run for every query of `qrels`. Binary ones count from `scale.relevant_from`."""
    measures = {
        PRIMARY: nDCG @ 10,
        "RR@10": RR(rel=scale.relevant_from) @ 10,
        "AP": AP(rel=scale.relevant_from),
        "Judged@10": Judged @ 10,
    }
    labels = [Qrel(q, d, grade) for q, docs in qrels.items() for d, grade in docs.items()]
    # trec_eval ignores ranks and breaks ties by id: give it strictly falling scores.
    scored = [
        ScoredDoc(q, doc_id, float(len(docs) - i))
        for q, docs in run.items()
        if q in qrels
        for i, doc_id in enumerate(docs)
    ]
    values: PerQuery = {name: dict.fromkeys(qrels, 0.0) for name in measures}
    names = {str(m): name for name, m in measures.items()}
    if scored:
        for metric in ir_measures.iter_calc(list(measures.values()), labels, scored):
            values[names[str(metric.measure)]][metric.query_id] = float(metric.value)
    return values


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One measure over all queries."""

    bm25: float
    champion: float | None
    system: float
    against: str
    """What the difference is to: `champion` where one other than the system was measured, else `bm25`."""
    difference: float
    p_value: float
    interval: tuple[float, float]
    wins: int
    losses: int
    versus_bm25: Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Documents whose expected grade falls into one bin, against the grades people gave them."""

    expected: float
    labelled: float
    documents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An evaluation to keep."""

    measures: Mapping[str, Comparison]
    per_query: Mapping[str, Mapping[str, Mapping[str, float]]]
    """measure -> query_id -> system (`bm25`, `champion`, `system`) -> value"""
    queries: int
    tie_rate: float
    unreadable_rate: float
    seconds_per_document: float
    tokens_per_document: float | None
    """Of the prompts; None where a ranking did not count them."""
    grade_kappa: float | None
    grade_kappa_note: str
    calibration: tuple[Calibration, ...]
    method: str
    version_id: str
    champion_version_id: str | None
    depth: int
    fusion_weight: float
    retriever: str
    labels: str
    """Whose labels these are, in words. Unlabelled documents count as not relevant; Judged@10 says how many."""

    def to_json(self) -> dict[str, Any]:
        """Plain values, for storage and `--json`."""
        return asdict(self)


def evaluate(
    system: Sequence[Ranking],
    champion: Sequence[Ranking] | None,
    qrels: Qrels,
    scale: Scale,
    *,
    labels: str,
) -> Report:
    """Compare a system's rankings with BM25's order of the same documents and with the champion's rankings."""
    if not system:
        raise ValueError("evaluate needs at least one ranking")
    first = system[0]
    wanted = {r.query_id: qrels[r.query_id] for r in system if qrels.get(r.query_id)}
    runs = {"bm25": first_stage_run(system), "system": run_of(system)}
    if champion is not None:
        runs["champion"] = run_of(champion)
    values = {name: measure(run, wanted, scale) for name, run in runs.items()}
    kappa, note = _grade_kappa(system, wanted, scale)
    return Report(
        measures={name: _compare(name, values, sorted(wanted)) for name in values["system"]},
        per_query={
            name: {q: {s: values[s][name][q] for s in runs} for q in sorted(wanted)} for name in values["system"]
        },
        queries=len(wanted),
        tie_rate=tie_rate(system),
        unreadable_rate=unreadable_rate(system),
        seconds_per_document=seconds_per_document(system),
        tokens_per_document=tokens_per_document(system),
        grade_kappa=kappa,
        grade_kappa_note=note,
        calibration=calibration(system, wanted, scale),
        method=first.method,
        version_id=first.version_id,
        champion_version_id=champion[0].version_id if champion else None,
        depth=first.depth,
        fusion_weight=first.fusion_weight,
        retriever=first.retriever,
        labels=labels,
    )


def tie_rate(rankings: Iterable[Ranking]) -> float:
    """Share of documents whose raw score equals another's in the same ranking."""
    documents = tied = 0
    for ranking in rankings:
        scores = [d.raw_score for d in ranking.documents if d.raw_score is not None]
        documents += len(scores)
        tied += sum(scores.count(score) > 1 for score in scores)
    return tied / documents if documents else 0.0


def unreadable_rate(rankings: Iterable[Ranking]) -> float:
    """Share of documents whose answer could not be read."""
    documents = [d for r in rankings for d in r.documents]
    return sum(d.unreadable is not None for d in documents) / len(documents) if documents else 0.0


def seconds_per_document(rankings: Iterable[Ranking]) -> float:
    """Wall seconds of ranking (without retrieval) per document."""
    rankings = list(rankings)
    documents = sum(len(r.documents) for r in rankings)
    return sum(r.seconds.get("rank", 0.0) for r in rankings) / documents if documents else 0.0


def tokens_per_document(rankings: Iterable[Ranking]) -> float | None:
    """Tokens of the prompts per document, those of the answers not among them; None where some were not counted."""
    read = [document.prompt_tokens for ranking in rankings for document in ranking.documents]
    counted = [tokens for tokens in read if tokens is not None]
    return sum(counted) / len(counted) if counted and len(counted) == len(read) else None


def calibration(rankings: Iterable[Ranking], qrels: Qrels, scale: Scale, *, bins: int = 6) -> tuple[Calibration, ...]:
    """Expected grade against people's mean grade, in equal bins; labelled documents only, empty bins left out."""
    points = [(d.raw_score, grade) for d, grade in _labelled(rankings, qrels) if d.raw_score is not None]
    edges = np.linspace(0, scale.highest, bins + 1)
    found = []
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        inside = [(e, g) for e, g in points if low <= e < high or (e == high == edges[-1])]
        if inside:
            expected, given = (float(np.mean(column)) for column in zip(*inside, strict=True))
            found.append(Calibration(expected=expected, labelled=given, documents=len(inside)))
    return tuple(found)


def _labelled(rankings: Iterable[Ranking], qrels: Qrels) -> list[tuple[RankedDocument, int]]:
    return [
        (d, qrels[r.query_id][d.doc_id]) for r in rankings for d in r.documents if d.doc_id in qrels.get(r.query_id, {})
    ]


def _grade_kappa(rankings: Iterable[Ranking], qrels: Qrels, scale: Scale) -> tuple[float | None, str]:
    model = {(r.query_id, d.doc_id): d.grade for r in rankings for d in r.documents if d.grade is not None}
    people = {(q, d): grade for q, docs in qrels.items() for d, grade in docs.items()}
    kappa = agreement(model, people, scale.grades).kappa
    return (None, kappa.reason) if isinstance(kappa, Undefined) else (kappa, "")


def _compare(name: str, values: Mapping[str, PerQuery], query_ids: Sequence[str]) -> Comparison:
    columns = {system: [measured[name][q] for q in query_ids] for system, measured in values.items()}
    against = "champion" if "champion" in columns else "bm25"
    difference = paired(columns["system"], columns[against])
    return Comparison(
        bm25=float(np.mean(columns["bm25"])),
        champion=float(np.mean(columns["champion"])) if "champion" in columns else None,
        system=float(np.mean(columns["system"])),
        against=against,
        difference=difference.mean,
        p_value=difference.p_value,
        interval=(difference.low, difference.high),
        wins=difference.wins,
        losses=difference.losses,
        versus_bm25=paired(columns["system"], columns["bm25"]),
    )
