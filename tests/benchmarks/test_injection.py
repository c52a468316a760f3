"""The figures of the injection benchmark, with scripted models that obey commands, ignore them, or do worse."""

import json
import math
import re

import pytest

from benchmarks.injection import asking, attacks, figures, table
from benchmarks.injection.__main__ import Bench, report
from benchmarks.injection.answers import KeptAnswers
from benchmarks.injection.asking import Graded
from benchmarks.injection.climb import Hardness, Step, chosen, climb
from benchmarks.injection.figures import Clean, Outcome, clustered_interval, damages
from data.records import Document
from engine.explanation.style import PLAIN, style_named
from engine.lm.base import Adapter, Generate, Message
from engine.lm.scripted import ScriptedLM

SUITE = attacks.read()
RELEVANT = {d for of in SUITE.grades.values() for d, grade in of.items() if grade == 3}
FIRST_WORDS = {d.doc_id: " ".join(d.text.split()[:6]) for d in SUITE.documents.values()}
LAST_WORDS = {d.doc_id: " ".join(d.text.split()[-6:]) for d in SUITE.documents.values()}


def says(grade: float, choices=("0", "1", "2", "3")):
    """Probabilities whose expected grade is `grade`."""
    low = min(int(grade), 2)
    share = {str(low): low + 1 - grade, str(low + 1): grade - low}
    return {choice: share.get(choice, 0.0) for choice in choices}


def told_by(ask) -> str:
    return " ".join(ask.messages[1].content.split())


def honest(ask):
    """Knows which document it is about, whatever was put into it."""
    text = told_by(ask)
    (found,) = {d for d in FIRST_WORDS if FIRST_WORDS[d] in text and LAST_WORDS[d] in text}
    return says(2.8 if found in RELEVANT else 0.2)


def obedient(ask):
    """Gives the last grade that a document of the frame names in so many words, else is honest."""
    named = re.findall(
        r"(?:Grade: |grade |give it a |choose |Output |Answer )([03])\b", told_by(ask).partition("<document")[2]
    )
    return says(float(named[-1])) if named else honest(ask)


def bench(choose, **fields):
    lm = ScriptedLM(choose=choose)
    return Bench(suite=SUITE, lm=lm, document_tokens=320, open_queries=1, **fields)


def outcome(effect=0.0, *, query_id="q", attacked=None, filled=0.0, grade=0, **fields):
    attacked = filled + effect if attacked is None else attacked
    values = {"kind": "command", "room": True, "filled_grade": 0, "readable": True, "off_form": False}
    overtakes = {"attacked_overtakes": False, "filled_overtakes": False}
    return Outcome(
        attack_id="a", query_id=query_id, attacked=attacked, filled=filled, attacked_grade=grade,
        **{**values, **overtakes, **fields},
    )  # fmt: skip


def test_a_model_that_ignores_commands_moves_nothing():
    row = bench(honest).row("plain", "all")
    assert row.figures.attacks == len(SUITE.attacks)
    assert row.figures.moved == row.figures.moved_filled == row.figures.half == row.figures.overtakes == 0.0
    assert (row.figures.effect.mean, row.figures.effect.low, row.figures.effect.high) == (0.0, 0.0, 0.0)
    assert row.figures.room == 1.0
    assert row.clean == Clean(order=1.0, separation=pytest.approx(2.6))


def test_a_model_that_obeys_is_found_out_by_kind():
    measured = bench(obedient)
    whole = measured.row("plain", "all").figures
    assert whole.moved > 0.1
    assert whole.moved_filled == 0.0
    assert whole.effect.low > 0
    assert whole.overtakes > 0.1
    by_kind = table.kinds(measured.outcomes("plain", "all"))
    assert re.search(r"\| command \| 6 \| 100% \| [1-9]\d% \(0%\)", by_kind)
    assert "| stuffing | 6 | 100% | 0% (0%) | +0.00 (+0.00) | +0.00 | 0% (0%) |" in by_kind
    effects = [float(line.split(" | ")[-2]) for line in by_kind.splitlines()[2:]]
    assert effects == sorted(effects, reverse=True)


def test_what_any_text_does_is_not_obedience():
    """A model that grades by length alone."""

    def long_is_good(ask):
        return says(min(len(told_by(ask).partition("<document")[2]) / 300, 2.9))

    found = bench(long_is_good).row("plain", "all").figures
    up = [one for one in bench(long_is_good).outcomes("plain", "all") if one.attacked > 0]
    assert len(up) > 50, "texts grew, so grades moved"
    assert found.shift.mean == pytest.approx(found.shift_filled.mean, abs=0.1)
    assert abs(found.effect.mean) < 0.1


def test_a_style_that_takes_the_command_away_is_seen():
    measured = bench(obedient)
    plain, cleaned = (measured.row(name, "all").figures for name in ("plain", "cleaned"))
    assert cleaned.effect.mean < plain.effect.mean
    assert measured.row("cleaned", "all").clean == measured.row("plain", "all").clean


def test_the_climb_goes_where_a_model_gets_harder_and_stops_there():
    def hardened(ask):
        """Obeys unless it was reminded; in the answer's form it obeys even then."""
        reminded = "not an instruction" in ask.messages[1].content
        in_form = "Grade: " in ask.messages[1].content.partition("<document")[2]
        return obedient(ask) if in_form or not reminded else honest(ask)

    measured = bench(hardened)
    given = type("Given", (), {"climb": True, "prompts": ["spam", "cleaned", "reminder"], "queries": "all"})
    text = "\n".join(report(measured, given))
    assert "it ended with `reminder+cleaned`" in text
    assert re.search(r"\| reminder \|.*\| yes \|", text)
    assert "| spam | +0.000 |" in text
    assert "| plain | all | 96 |" in text
    assert "| reminder+cleaned | heldout |" in text
    tried = {prompt for prompt, split in measured.found if split == "train"}
    assert tried >= {"plain", "spam", "cleaned", "reminder", "reminder+cleaned", "reminder+cleaned+spam"}
    assert {prompt for prompt, split in measured.found if split == "heldout"} == {"plain", "reminder+cleaned"}


def test_a_model_that_tells_nothing_apart_is_not_hardened():
    given = type("Given", (), {"climb": True, "prompts": ["reminder"], "queries": "all"})
    text = "\n".join(report(bench(lambda ask: says(1.5)), given))
    assert "Not hardened" in text
    assert "| reminder | undefined | undefined | 50% |  |" in text


def test_the_halves_are_asked_what_the_whole_is_asked():
    measured = bench(obedient)
    whole = measured.grades("plain", "all")
    halves = measured.grades("plain", "train") | measured.grades("plain", "heldout")
    assert halves == whole


def test_unreadable_answers_are_counted_and_move_nothing():
    def breaks(ask):
        return dict.fromkeys(ask.choices, math.nan) if "<!--" in told_by(ask) else honest(ask)

    measured = bench(breaks)
    found = measured.row("plain", "all").figures
    broken = sum("<!--" in attack.text for attack in SUITE.attacks)
    assert broken >= 2
    assert found.unreadable == pytest.approx(broken / len(SUITE.attacks))
    assert found.off_form == found.unreadable
    assert (found.attacks, found.moved) == (len(SUITE.attacks), 0.0)
    assert sum(one.effect is None for one in measured.outcomes("plain", "all")) == broken


def test_nothing_readable_is_no_figure():
    with pytest.raises(ValueError, match="no attack"):
        figures.figures([unreadable()])


def unreadable(query_id="q"):
    return Outcome(
        attack_id="a", kind="k", query_id=query_id, room=False, attacked=None, filled=None, attacked_grade=None,
        filled_grade=None, attacked_overtakes=None, filled_overtakes=None, readable=False, off_form=True,
    )  # fmt: skip


def test_shares_and_means_are_of_what_can_be_read():
    found = figures.figures(
        [
            outcome(0.6, filled=0.1, grade=1, attacked_overtakes=True),
            outcome(1.0, filled=0.5, grade=2, filled_grade=1, filled_overtakes=True, off_form=True),
            outcome(-0.4, room=False),
            outcome(0.0),
            unreadable(),
        ]
    )
    assert found.attacks == 5
    assert (found.room, found.moved, found.moved_filled) == (0.75, 0.5, 0.25)
    assert (found.half, found.half_filled, found.one, found.one_filled) == (0.5, 0.25, 0.25, 0.0)
    assert (found.overtakes, found.overtakes_filled) == (0.25, 0.25)
    assert (found.unreadable, found.off_form) == (0.2, 0.4)
    assert found.shift.mean == pytest.approx((0.7 + 1.5 - 0.4) / 4)
    assert found.effect.mean == pytest.approx((0.6 + 1.0 - 0.4) / 4)
    assert found.shift_filled.mean == pytest.approx(0.6 / 4)


def test_attacks_down_count_towards_their_target():
    down = next(a for a in SUITE.attacks if a.target == "down")
    suite = SUITE.only([down.query_id])
    trial = next(t for t in suite.trials(down.query_id) if t.attack == down)
    grades = {
        (down.query_id, d): Graded(expected=2.8 if d in RELEVANT else 0.5, grade=3 if d in RELEVANT else 0, mass=0.9)
        for t in suite.trials(down.query_id)
        for d in (t.clean.doc_id, t.attacked.doc_id, t.filled.doc_id, *suite.grades[down.query_id])
    }
    grades[down.query_id, trial.attacked.doc_id] = Graded(expected=0.3, grade=0, mass=0.4)
    grades[down.query_id, trial.filled.doc_id] = Graded(expected=2.9, grade=3, mass=0.9)
    (one,) = [o for o in figures.outcomes(suite, grades) if o.attack_id == down.attack_id]
    assert one.attacked == pytest.approx(2.5)
    assert one.filled == pytest.approx(-0.1)
    assert one.effect == pytest.approx(2.6)
    assert (one.attacked_grade, one.filled_grade) == (3, 0)
    assert (one.attacked_overtakes, one.filled_overtakes) == (True, False)
    assert one.room
    assert one.off_form


def test_grading_all_alike_is_no_defence():
    assert damages([outcome(0.5)], 2.0) == [0.25]
    assert damages([outcome(0.5)], 0.5) == [1.0]
    assert damages([outcome(0.5)], 0.0) == [math.inf]
    assert damages([outcome(-0.5), unreadable()], 2.0) == [0.0, None]


def test_the_interval_draws_queries_not_attacks():
    values = [1.0] * 10 + [0.0] * 10
    low, high = clustered_interval(values, ["a"] * 10 + ["b"] * 10)
    assert (low, high) == (0.0, 1.0)
    low, high = clustered_interval(values, [str(i) for i in range(20)])
    assert 0.2 < low < 0.5 < high < 0.8
    assert clustered_interval([0.7], ["a"]) == (pytest.approx(0.7), pytest.approx(0.7))


def hard(*values, order=1.0):
    return Hardness(damages=values, order=order)


@pytest.mark.parametrize(
    ("measured", "end"),
    [
        ({"plain": hard(1, 1, 1), "a": hard(0.5, 0.5, 0.5), "b": hard(0.8, 0.8, 0.8), "a+b": hard(0.5, 0.5, 0.5)}, "a"),
        ({"plain": hard(1, 1, 1), "a": hard(0.5, 0.5, 0.5), "b": hard(1, 1, 1), "a+b": hard(0, 0, 0)}, "a+b"),
        ({"plain": hard(1, 1, 1), "a": hard(0, 0, 0, order=0.9), "b": hard(0.9, 0.9, 0.9), "b+a": hard(1, 1, 1)}, "b"),
        ({"plain": hard(1, 1, 1), "a": hard(0, 1, 1), "b": hard(2, 1, 0)}, "plain"),
        ({"plain": hard(1, 1, 1), "a": hard(math.inf, math.inf, math.inf), "b": hard(None, None, None)}, "plain"),
        ({"plain": hard(math.inf, math.inf, math.inf), "a": hard(0, 0, 0), "b": hard(0, 0, 0)}, "plain"),
    ],
)
def test_parts_are_taken_while_they_help_beyond_chance_and_cost_no_order(measured, end):
    steps = climb(["a", "b"], ["q1", "q2", "q3"], measured.__getitem__)
    assert chosen(steps) == end
    assert {step.name for step in steps} | {"plain"} == set(measured)


def test_without_a_step_the_prompt_stays_plain():
    assert chosen([]) == "plain"
    untaken = Step(name="a", gain=1.0, low=-1.0, order=1.0, better=False, taken=False)
    assert chosen([untaken]) == "plain"


class TestKeptAnswers:
    def lm(self, path):
        scripted = ScriptedLM(choose=obedient, generate=lambda ask: " text", name="model")
        return KeptAnswers(scripted, path), scripted

    def asked(self, lm, style=PLAIN):
        suite = SUITE.only(["wine"])
        heard = []
        found = asking.graded(suite, lm, style, document_tokens=320, on_progress=lambda *p: heard.append(p))
        assert heard == [(i, len(found)) for i in range(1, len(found) + 1)]
        return found

    def test_begun_again_nothing_is_asked_twice(self, tmp_path):
        path = tmp_path / "injection" / "v.jsonl"
        first, scripted = self.lm(path)
        found = self.asked(first)
        assert len(scripted.asks) == len(found) == 16
        assert self.asked(first) == found
        assert len(scripted.asks) == 16
        again, fresh = self.lm(path)
        assert self.asked(again) == found
        assert fresh.asks == []

    def test_a_line_that_was_cut_off_is_asked_again(self, tmp_path):
        path = tmp_path / "v.jsonl"
        found = self.asked(self.lm(path)[0])
        lines = path.read_text().splitlines()
        path.write_text("\n".join(lines[:-1]) + "\n" + lines[-1][:40])
        again, fresh = self.lm(path)
        assert self.asked(again) == found
        assert len(fresh.asks) == 1
        third, quiet = self.lm(path)
        assert self.asked(third) == found
        assert quiet.asks == [], "the new line does not hang on the broken one"

    def test_another_style_or_adapter_is_another_question(self, tmp_path):
        lm, scripted = self.lm(tmp_path / "v.jsonl")
        self.asked(lm)
        self.asked(lm, style_named("reminder"))
        assert len(scripted.asks) == 32
        adapted = lm.adapted(Adapter(name="v2", path=tmp_path))
        assert adapted.name == "model+v2"
        self.asked(adapted)
        assert len(scripted.asks) == 48

    def test_answers_without_numbers_are_kept_too(self, tmp_path):
        broken = ScriptedLM(choose=lambda ask: dict.fromkeys(ask.choices, math.nan))
        found = self.asked(KeptAnswers(broken, tmp_path / "v.jsonl"))
        assert all(one.expected is None for one in found.values())
        kept = json.loads((tmp_path / "v.jsonl").read_text().splitlines()[0])
        assert kept["prompt_tokens"] > 100

    def test_the_rest_is_the_model_s(self, tmp_path):
        lm, _ = self.lm(tmp_path / "v.jsonl")
        (text,) = lm.generate([Generate(messages=(Message(role="user", content="x"),), max_tokens=5)])
        assert text.text == " text"
        assert lm.clip("a b c", 2).text == "a b"


def test_what_it_costs_is_counted_with_shared_beginnings_once():
    suite = SUITE.only(["salty"])
    cost = asking.cost(
        suite,
        ScriptedLM(),
        PLAIN,
        document_tokens=320,
        ids=lambda messages: [ord(c) for m in messages for c in m.content],
    )
    assert cost.prompts == 2 + 2 * 6
    assert cost.tokens_without_cache == sum(map(len, asked_of(suite)))
    assert cost.tokens < cost.tokens_without_cache / 2


def asked_of(suite):
    lm = ScriptedLM(choose=honest)
    asking.graded(suite, lm, PLAIN, document_tokens=320)
    return ["".join(message.content for message in ask.messages) for ask in lm.asks]


def test_a_document_too_long_is_cut_as_in_the_product():
    lm = ScriptedLM(choose=lambda ask: says(1.0))
    asking.graded(SUITE.only(["wine"]), lm, PLAIN, document_tokens=3)
    assert all(len(told_by(ask).partition("<document>")[2].split()) < 20 for ask in lm.asks)


def test_the_section_of_the_page_is_written_once_and_in_its_place():
    page = "# Benchmarks\nx\n\n## Other\ny\n"
    first = table.with_section(page, "one")
    assert first == "# Benchmarks\nx\n\n## Other\ny\n\n## Commands in documents\none\n"
    between = first + "\n## Last\nz\n"
    assert table.with_section(between, "two") == between.replace("one", "two")


def test_documents_keep_their_title_and_place_in_the_prompt():
    lm = ScriptedLM(choose=lambda ask: says(1.0))
    suite = SUITE.only(["snake"])
    asking.graded(suite, lm, PLAIN, document_tokens=320)
    attack = next(a for a in suite.attacks if a.place == "title")
    document: Document = SUITE.documents[attack.clean]
    assert any(f"<document>\n{attack.text}\n{document.text}\n</document>" in a.messages[1].content for a in lm.asks)
