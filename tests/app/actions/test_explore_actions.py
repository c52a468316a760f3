from dataclasses import replace

import pytest

from app.actions import explore, judging, people
from data.errors import RetrievalError, SettingsError
from data.records import BASE_VERSION_ID, Alias, AliasEvent, AssessorKind, Document, Version, new_id
from data.scales import DEFAULT_SCALE
from engine.pipeline import Listener


def ranked(workbench, collection, text="Why do my beans stay hard?", **more):
    query = explore.ask(workbench, collection, text)
    plan = explore.plan_of(
        workbench, **{"method": "pointwise-verdict-first", "depth": 4, "fusion_weight": 0.0, "explain_top": 1, **more}
    )
    version = explore.versions(workbench, collection)[0]
    return explore.rank(workbench, collection, query, version, plan, Listener())


def test_a_new_query_is_added_once_and_an_empty_one_refused(workbench, beans):
    first = explore.ask(workbench, beans, "How  much soda?")
    assert explore.ask(workbench, beans, "How much soda?") == first
    assert explore.ask(workbench, beans, "Why do my beans stay hard?").query_id == "q1"
    with pytest.raises(SettingsError):
        explore.ask(workbench, beans, "  \n")
    assert [q.query_id for q in explore.examples(workbench, beans)] == ["q1", "q2"]


def test_the_first_stage_needs_no_model(workbench, beans, lm):
    found = explore.first_stage(workbench, beans, explore.ask(workbench, beans, "beans"), 3)
    assert [item.hit.rank for item in found] == [1, 2, 3]
    assert all("eans" in item.document.text for item in found)
    assert lm.asks == []


def test_without_an_index_the_mend_is_said(workbench):
    bare = workbench.store.collections.add(
        name="bare", scale=DEFAULT_SCALE, documents=[Document(doc_id="a", text="text")]
    )
    with pytest.raises(RetrievalError, match="Collections page"):
        explore.first_stage(workbench, bare, explore.ask(workbench, bare, "text"), 3)


def test_a_ranking_is_stored_with_what_made_it_and_read_again(workbench, beans):
    ranking = ranked(workbench, beans)
    result = explore.stored(workbench, ranking.ranking_id)
    assert result.ranking == ranking and result.collection.name == "beans"
    best = result.ranking.documents[0]
    assert best.doc_id == "d3" and best.explanation and explore.rank_change(best) == best.first_stage_rank - 1
    made = dict(explore.making_of(result))
    assert made["Prompt (SHA-256)"] == ranking.prompt_sha256 and made["Method"] == "pointwise-verdict-first"
    assert made["Retriever"].startswith("bm25s") and "Seconds to rank" in made
    (student,) = [o for o in result.opinions["d3"] if o.assessor.kind is AssessorKind.STUDENT]
    assert student.judgment.ranking_id == ranking.ranking_id


def test_a_correction_starts_from_this_rankings_own_words(workbench, beans):
    ranking = ranked(workbench, beans)
    ranked(workbench, beans)
    result = explore.stored(workbench, ranking.ranking_id)
    origin = explore.said_in(workbench, ranking, "d3")
    assert origin.ranking_id == ranking.ranking_id
    draft = judging.Draft(
        event_id=new_id(),
        query_id=ranking.query_id,
        doc_id="d3",
        grade=2,
        text="Soda helps where the water is hard.",
        started_from=origin,
    )
    saved = explore.correct(workbench, result, people.local("ada"), draft)
    assert saved.judgment.assessor_id == judging.person(workbench, "ada").assessor_id
    assert saved.judgment.edited_from == origin.event_id
    assert explore.starting_text(result, "d3", saved.judgment) == "Soda helps where the water is hard."
    assert explore.starting_text(result, "d3", None) == ranking.documents[0].explanation


def test_a_correction_needs_a_grade(workbench, beans):
    ranking = ranked(workbench, beans)
    result = explore.stored(workbench, ranking.ranking_id)
    with pytest.raises(SettingsError, match="grade"):
        draft = judging.Draft(event_id=new_id(), query_id=ranking.query_id, doc_id="d3")
        explore.correct(workbench, result, people.local("ada"), draft)


def test_ranking_goes_on_with_the_version_shown_until_another_is_promoted(workbench, beans):
    def champion(version_id, previous):
        event = AliasEvent(
            collection_id=beans.collection_id,
            alias=Alias.CHAMPION,
            version_id=version_id,
            previous_version_id=previous,
            reason="better",
            actor="ann",
        )
        workbench.store.versions.move(event)

    for name in ("v1", "v2"):
        workbench.base_version()
        workbench.store.versions.add(Version(version_id=name, name=name, base_model="scripted"))
    champion("v1", BASE_VERSION_ID)
    assert explore.version_to_rank_with(workbench, beans, None) == "v1"
    shown = replace(ranked(workbench, beans), version_id=BASE_VERSION_ID)
    assert explore.version_to_rank_with(workbench, beans, shown) == BASE_VERSION_ID, "chosen on purpose"
    champion("v2", "v1")
    assert explore.version_to_rank_with(workbench, beans, shown) == "v2"
