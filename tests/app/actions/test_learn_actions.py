import json
from dataclasses import asdict

import pytest

from app.actions import learn as actions
from data.errors import SettingsError
from tests.training.curves import point, varied
from training.curve import levels
from training.learning import LearnConfig


def curve(*points, whole=True):
    found = {"points": [p.to_json() for p in points], "levels": [asdict(level) for level in levels(points)]}
    found["whole"] = whole
    return json.loads(json.dumps(found))


def test_numbers_are_read_as_people_write_them():
    assert actions.numbers("0, 25 100", "Counts") == (0, 25, 100)
    with pytest.raises(SettingsError, match="Counts are whole numbers, not '1,x'"):
        actions.numbers("1,x", "Counts")


def test_options_of_curve_and_training_come_from_one_list():
    found = actions.config({"counts": (5,), "heldout": "20", "epochs": "3", "score.group_size": 4, "recipe": "correct"})
    assert (found.counts, found.heldout, found.train.epochs, found.train.score.group_size) == ((0, 5), 20, 3, 4)
    assert (found.train.start_from, found.train.teacher_limit) == ("champion", 0)
    assert actions.config({}) == LearnConfig()


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"magic": 1}, {"counts": (0,)}, {"train": "x"}, {"heldout": "many"}])
def test_what_does_not_fit_is_said_with_what_there_is(wrong):
    with pytest.raises(SettingsError, match="An option does not fit") as caught:
        actions.config(wrong)
    assert "heldout" in caught.value.mend and "epochs" in caught.value.mend


def test_the_form_starts_from_what_a_curve_starts_from():
    found = actions.train_options("correct")
    assert (found["start_from"].default, found["teacher_limit"].default) == ("champion", 0)
    values = {name: option.default for name, option in found.items()}
    assert actions.config({"recipe": "correct", **values}) == LearnConfig()


def test_a_point_that_is_worse_is_said_with_what_may_be_done():
    worse = point(25, 0, values=varied(-0.2))
    state, words = actions.conclusion(curve(point(0), worse, point(100, 0, values=varied(0.2))))
    assert state == "worse"
    assert "With 25 corrections the retrained model is worse than the champion beyond chance" in words
    assert "never become versions" in words and "learning rate" in words


def test_better_and_undecided_curves_say_so():
    better = [point(count, 0, values=varied(0.2)) for count in (25, 100)]
    assert actions.conclusion(curve(point(0), *better)) == (
        "better",
        "Corrections made it better: beyond chance with 25 and 100 of them, and never worse.",
    )
    undecided = point(0), point(25, 0, values=[0.9, 0.1] * 6)
    state, words = actions.conclusion(curve(*undecided))
    assert state == "open" and "No point differs" in words and "more corrections" in words
    assert actions.conclusion(curve(*undecided, whole=False))[1].startswith("So far no point differs")
    assert actions.conclusion(curve(point(0)))[1] == "So far only the champion is measured."
    few = [point(count, count or None, per_query={"q": 0.5 + count}) for count in (0, 1)]
    assert "Too few held-out queries" in actions.conclusion(curve(*few))[1]


def test_rows_and_csv_have_a_line_per_number_and_per_point():
    found = curve(point(0), point(25, 0, values=varied(0.2), assumed=3), point(25, 1, kappa=None))
    champion, corrected = actions.rows(found)
    assert (champion["Corrections"], champion["vs champion"], champion["Beyond chance"]) == (0, None, "-")
    assert (corrected["Seeds"], corrected["Beyond chance"], corrected["Assumed"]) == (2, "better", 1.5)
    lines = actions.as_csv(found).splitlines()
    assert lines[0].startswith("corrections,seed,nDCG@10,bm25,kappa")
    assert [line.split(",")[:2] for line in lines[1:]] == [["0", ""], ["25", "0"], ["25", "1"]]
