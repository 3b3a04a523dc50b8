"""Faults at exact moments: a language model that tells when it answers, a process that dies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

import redis

from core.clock import monotonic_s
from domain.breaker import FAILURES_IN_A_ROW, Passage, Verdict
from domain.ports import LanguageModel, LlmReply, LlmRequest
from gateways.breaker import FORGOTTEN_MS, SharedBreaker
from gateways.groq_llm import GroqModel
from models.session import Database
from services.deps import Deps
from tests.support.groq_sim import GroqSimulator
from tests.support.jobs import open_deps


class KilledError(BaseException):
    """What ends a test's worker where SIGKILL would end a process."""


def _nothing() -> None:
    pass


@dataclass(slots=True)
class WatchedModel:
    """A language model with something to be done before it is asked and once it has answered."""

    inner: LanguageModel
    before: Callable[[], None] = _nothing
    after: Callable[[], None] = _nothing

    def complete(self, request: LlmRequest, *, timeout_s: float) -> LlmReply:
        self.before()
        reply = self.inner.complete(request, timeout_s=timeout_s)
        self.after()
        return reply


class MortalDatabase:
    """A database whose user dies, once, when ``lives`` further transactions are over.

    ``meanwhile`` is done before each transaction, as somebody else might.
    """

    def __init__(self, inner: Database) -> None:
        self.inner = inner
        self.lives: int | None = None
        self.meanwhile: Callable[[], None] = _nothing

    @contextmanager
    def transaction(self, **owner: Any) -> Iterator[Any]:
        self._live()
        with self.inner.transaction(**owner) as session:
            yield session

    @contextmanager
    def statements(self, **owner: Any) -> Iterator[Any]:
        self._live()
        with self.inner.statements(**owner) as session:
            yield session

    @contextmanager
    def moves(self, **owner: Any) -> Iterator[Any]:
        self._live()
        with self.inner.moves(**owner) as moves:
            yield moves

    def _live(self) -> None:
        self.meanwhile()
        if self.lives is not None:
            if self.lives == 0:
                self.lives = None
                raise KilledError
            self.lives -= 1


def after_answer(deps: Deps, do: Callable[[], None]) -> None:
    """From now on do this whenever an answer has come in."""
    assert deps.door is not None
    deps.door.llm = WatchedModel(deps.door.llm, after=do)


def before_call(deps: Deps, do: Callable[[], None]) -> None:
    """From now on do this whenever a call is about to be made."""
    assert deps.door is not None
    deps.door.llm = WatchedModel(deps.door.llm, before=do)


@contextmanager
def open_groq_deps(
    database_url: str, redis_url: str, groq: GroqSimulator, **more: str
) -> Iterator[Deps]:
    """A worker's deps whose language model is the simulator."""
    more = {"GROQ_API_KEY": "gsk_test", "GROQ_BASE_URL": groq.url, **more}
    with open_deps(database_url, redis_url, **more) as deps:
        assert deps.door is not None
        with closing(cast("GroqModel", deps.door.llm)):
            yield deps


def make_mortal(deps: Deps) -> tuple[Deps, MortalDatabase]:
    """The same deps for a worker that can be killed between two transactions."""
    mortal = MortalDatabase(deps.database)
    return replace(deps, database=mortal), mortal  # type: ignore[arg-type]


def break_model(deps: Deps, index: int) -> None:
    """Let the breaker of a model of the chain open, as five failures do."""
    breaker = deps.doors[index].breaker
    for _ in range(FAILURES_IN_A_ROW):
        breaker.record(Verdict.FAILS, Passage(at_s=monotonic_s()))
    assert breaker.find_outage_s() is not None


def let_outage_pass(deps: Deps, *, seconds: float = 0.0, probe: bool = False) -> None:
    """As if all open breakers had opened so much earlier, and (``probe``) a probe were due."""
    with redis.Redis.from_url(deps.settings.broker_url) as client:
        for key in client.scan_iter("listwright:breaker:*:open"):
            client.pexpire(key, FORGOTTEN_MS - int(seconds * 1000))
        for key in client.scan_iter("listwright:breaker:*:probe") if probe else ():
            client.delete(key)
    for door in deps.doors:
        cast("SharedBreaker", door.breaker).look_again()
