"""Putting questions to a teacher, one after the other, within a budget: every answer is on disk before anything is made
of it, and so is what it cost, so that a job whose process died goes on from there and asks nothing twice.
"""

import json
import logging
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from itertools import islice

from data.answers import Answers, KeptAnswer
from data.errors import LMError
from engine.lm.base import Generate, Generated
from engine.lm.openai import OpenAILM
from training.actors import ProcessDiedError
from training.askers import Askers
from training.budget import Budget, Ledger, OverBudgetError, Spent
from training.folders import spent_path, write_json
from training.stopping import Stopped
from training.work import Work

IN_A_ROW = 20
"""Requests that fail one after the other; then the next one would too."""
ROUND = 5000
"""Questions given to several processes at once: prompts are long."""
DEATHS = 3
"""Processes beside this one that may die; then the next one would too."""
TOLD = 20
"""How often the stage's words change over the whole stage."""
log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Questioning:
    """Questions that wait, each by its key (`data.answers.answer_key`), and what became of them."""

    work: Work
    lm: OpenAILM
    askers: Askers | None = None
    """Processes that ask it; None: this one does."""
    budget: Budget
    make: Callable[[str], Generate]
    """Key -> the question, its tag the key: made when it is asked, for prompts are long."""
    on_answer: Callable[[str, KeptAnswer], None]
    """Called with the key and an answer that was just kept."""
    on_failure: Callable[[str, LMError], None]
    """Called with the key of a question that got no answer."""
    on_change: Callable[[], object]
    """Called after each of them: write down how far it is."""
    counts: Counter[str] = field(default_factory=Counter)
    """Shared with whoever reads the answers; `asked` and `unreadable` are shown while it runs."""
    queue: deque[str] = field(default_factory=deque)
    answers: Answers = field(init=False)
    ledger: Ledger = field(init=False)
    stopped: str | None = None
    """Why not everything was asked."""
    _put: int = field(default=0, init=False)
    _died: int = field(default=0, init=False)
    _failed_in_a_row: int = field(default=0, init=False)
    _last_error: LMError | None = field(default=None, init=False)
    _words_told: int = field(default=-1, init=False)

    def __post_init__(self) -> None:
        self.answers = self.work.workbench.answers(self.work.collection)
        self.ledger = Ledger(budget=self.budget, spent=spent_before(self.work))
        logging.getLogger("httpx2").setLevel(logging.WARNING)  # a line for every request

    def kept(self, key: str) -> KeptAnswer | None:
        """What was answered before, by this job or another, and counted; None: it must be asked."""
        found = self.answers.get(key)
        if found is not None:
            self.counts["asked" if found.job_id == self.work.job.job_id else "kept"] += 1
        return found

    def ask_all(self) -> None:
        """Ask until nothing waits, or the budget has no room for another request. LMError where no answer came at all,
        or none would come; `Stopped` where told to stop."""
        self._put = len(self.queue)
        try:
            while self.queue and self.stopped is None:
                if self.askers is not None:
                    self._ask_by(self.askers)
                else:
                    # Ends before the queue does where only what is under way keeps the next request from fitting.
                    self.lm.each(
                        self._drawn(),
                        on_answer=self._heard,
                        on_request=self.ledger.attempt,
                        should_stop=self.work.should_stop,
                    )
                self.check_stop()
        finally:
            self.on_change()
        if self._last_error is not None and not self.counts["asked"]:
            raise self._last_error

    def check_stop(self) -> None:
        """Raise `Stopped` where the job is to stop."""
        if self.work.should_stop():
            raise Stopped

    def _drawn(self) -> Iterator[Generate]:
        """Questions, as long as the budget has room for them."""
        while self.queue and not self.work.should_stop():
            ask = self.make(self.queue[0])
            refusal = self.ledger.refusal(ask)
            if refusal is not None:
                if self.ledger.idle:
                    self.stopped = refusal
                return
            self.queue.popleft()
            self.ledger.begin(ask)
            yield ask

    def _ask_by(self, askers: Askers) -> None:
        """A round of questions, asked by other processes. They draw on one budget, and only this one writes."""
        asks = [self.make(key) for key in islice(self.queue, ROUND)]
        self.stopped = self.ledger.refusal(asks[0])
        if self.stopped is not None:
            return
        try:
            with closing(askers.ask(asks, self.ledger, should_stop=self.work.should_stop)) as said:
                for key, answer in said:
                    self.queue.remove(key)
                    self._took(key, answer)
        except ProcessDiedError as error:
            self._died += 1
            if self._died >= DEATHS:
                raise
            log.warning("%s What it was at is asked again.", error.what)
        self.stopped = askers.refusal

    def _heard(self, ask: Generate, answer: Generated | LMError) -> None:
        """An answer to a request of this process, or why there is none."""
        self.ledger.heard(ask, answer)
        if isinstance(answer, OverBudgetError):
            self.queue.appendleft(ask.tag)
        self._took(ask.tag, answer)

    def _took(self, key: str, answer: Generated | LMError) -> None:
        """An answer, or why there is none; what it cost is in the ledger."""
        self._remember()  # before the answer: killed in between, its cost is known, and it is asked again
        if isinstance(answer, LMError):
            self._not_answered(key, answer)
        else:
            self._failed_in_a_row = 0
            kept = KeptAnswer(
                text=_storable(answer.text),
                finished=answer.finished,
                prompt_tokens=answer.prompt_tokens,
                completion_tokens=answer.completion_tokens,
                job_id=self.work.job.job_id,
            )
            self.answers.put(key, kept)
            self.on_answer(key, kept)
        self.on_change()
        self._say()

    def _not_answered(self, key: str, error: LMError) -> None:
        if isinstance(error, OverBudgetError):
            return
        self._failed_in_a_row += 1
        self._last_error = error
        self.on_failure(key, error)
        if self._failed_in_a_row >= IN_A_ROW:
            raise error

    def _remember(self) -> None:
        write_json(spent_path(self.work.workbench.settings, self.work.job.job_id), asdict(self.ledger.spent))

    def _say(self) -> None:
        """How far it is, in words that change now and then."""
        done = (self._put - len(self.queue)) / self._put
        self.work.progress(done)
        if int(done * TOLD) != self._words_told:
            self._words_told = int(done * TOLD)
            spent = self.ledger.spent
            priced = self.budget.prompt_price or self.budget.completion_price
            money = f", {self.ledger.cost:.4f} spent" if priced else ""
            self.work.detail(
                f"{self.counts['asked']:,} answers, {self.counts['unreadable']:,} unreadable, {spent.requests:,} "
                f"requests, {spent.tokens:,} tokens{money}"
            )


def spent_before(work: Work) -> Spent:
    """What the job spent so far, in its processes before this one too."""
    try:
        told = json.loads(spent_path(work.workbench.settings, work.job.job_id).read_text(encoding="utf-8"))
        return Spent(**{name: int(told[name]) for name in Spent.__dataclass_fields__})
    except (OSError, ValueError, TypeError, KeyError):
        return Spent()


def _storable(text: str) -> str:
    """Without half characters and NULs, which JSON can carry and a database can't."""
    return text.encode("utf-8", errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
