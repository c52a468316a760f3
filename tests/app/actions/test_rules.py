import pytest

from app.actions import people, rules
from data.errors import ConflictError, SettingsError
from data.records import AssessorKind
from data.scales import INTERANK, PRORANK, SCALES, TREC_DL, Level, Scale


def words(scale):
    return {
        "names": [level.name for level in scale.levels],
        "definitions": [level.definition for level in scale.levels],
    }


def test_guidelines_and_scale_get_one_version_and_only_where_they_change(workbench, beans):
    own = rules.reworded(TREC_DL, **words(TREC_DL) | {"names": ["no", "so", "good", "best"]}, relevant_from=3)
    changed = rules.save(workbench, beans, guidelines="Be strict.\n", scale=own, by=people.local("Ann"))
    assert (changed.guideline_version, changed.guidelines, changed.scale) == (2, "Be strict.", own)
    again = rules.save(workbench, changed, guidelines=" Be strict. ", scale=own, by=people.local("Ben"))
    assert again == changed
    newest, first = rules.changes(workbench, changed)
    assert (newest.version, newest.who, first.version, first.who) == (2, "Ann", 1, "")
    assert newest.difference.splitlines()[0] == "Be [-*fair*.-] {+strict.+}"
    assert "relevant from [-2-] {+3+} on:" in newest.difference
    assert "{+best:+} is dedicated" in newest.difference
    assert first.difference.startswith("Be *fair*.\n\nScale trec-dl, relevant from 2 on:\n0 = irrelevant:")


def test_an_edited_scale_loses_a_preset_s_name_and_gets_it_back():
    edited = rules.reworded(TREC_DL, **words(TREC_DL), relevant_from=3)
    assert edited.name == "trec-dl, edited"
    assert rules.reworded(edited, **words(TREC_DL), relevant_from=1).name == "trec-dl, edited"
    assert rules.reworded(edited, **words(TREC_DL), relevant_from=2) == TREC_DL
    assert rules.reworded(INTERANK, **words(INTERANK), relevant_from=1) is INTERANK


@pytest.mark.parametrize("wrong", [{"names": ["a", " ", "c"]}, {"definitions": ["a", "b", "\n"]}, {"relevant_from": 0}])
def test_a_scale_needs_words_and_a_relevant_grade(wrong):
    with pytest.raises(SettingsError):
        rules.reworded(INTERANK, **words(INTERANK) | {"relevant_from": 1} | wrong)


def test_presets_are_offered_as_long_as_no_grade_gets_lost(workbench, beans, say):
    assert {scale.name for scale in rules.presets(workbench, beans)} == set(SCALES) - {"trec-dl"}
    say("Ann", AssessorKind.HUMAN, "q1", "d1", 2)
    assert {scale.name for scale in rules.presets(workbench, beans)} == {"interank", "five-level"}
    with pytest.raises(ConflictError):
        rules.save(workbench, beans, guidelines="", scale=PRORANK, by=people.local("Ann"))


def test_the_difference_shows_words_and_leaves_unchanged_lines_out():
    before = "Be fair.\nRead all of it.\nSay why."
    assert rules.difference(before, "Be very fair.\nRead all of it.\nSay why not.") == (
        "Be {+very+} fair.\nSay [-why.-] {+why not.+}"
    )
    assert rules.difference(before, before.replace(" ", "  ")) == ""
    assert rules.difference("one\ntwo", "one\nnew line\ntwo") == "{+new line+}"
    hostile = Scale(
        name="![x](http://evil)",
        relevant_from=1,
        levels=(Level(grade=0, name="**", definition="-"), Level(grade=1, name="$", definition="+")),
    )
    assert rules.reworded(hostile, **words(hostile), relevant_from=1) is hostile
