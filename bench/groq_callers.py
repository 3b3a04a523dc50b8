"""One process of callers for ``bench.groq_budget``: threads that ask, wait in place and ask again.

``python -m bench.groq_callers SPEC OUT`` with SPEC as JSON; every line of OUT is the end of a job,
or its beginning, so that a process killed in mid-call has said what it was about to buy.
"""

from __future__ import annotations

import json
import random
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Protocol

import groq
import redis

from core.clock import epoch_s, monotonic_s, sleep
from core.errors import LlmError, LlmTransientError
from domain.brief import canonical_json
from domain.budget.values import Booking, BudgetLimits, Wait
from domain.catalogue import cost_picousd, get_llm
from domain.ports import LlmReply, LlmRequest
from gateways.groq_llm import GroqModel, keep_headers
from gateways.groq_wire import build_body, read_reply
from gateways.provider_budget import RedisBudget
from services.llm_budget import (
    NOT_SEEN,
    estimate_cost,
    read_cost,
    read_fault_cost,
    wait_for_share,
)

MODEL: Final = "openai/gpt-oss-20b"
BIG_SHARE: Final = 0.12
ATTEMPTS: Final = 5
CALL_S: Final = 30.0
SMALL_CAP: Final = 150
WORDS: Final = (
    *("steel", "cotton", "blue", "large", "garden", "kitchen", "outdoor", "wooden", "bottle"),
    *("bag", "lamp", "pack of 4", "250 ml", "with lid", "machine washable", "10 x 20 cm"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What the callers of one process are to do, from one epoch second until another."""

    strategy: str
    process: int
    threads: int
    url: str
    redis_url: str
    requests_per_minute: int
    tokens_per_minute: int
    from_s: float
    until_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnd:
    """How a job ended: ``ok``, ``failed``, or ``unfinished`` when time was over."""

    mark: str
    big: bool
    end: str
    wait_s: float
    picousd: int
    calls: int


class Strategy(Protocol):
    """A way to keep within the limits."""

    def ask(self, request: LlmRequest, job: Job) -> LlmReply | None:
        """One answer; None when time is over. Raises LlmError or groq.GroqError."""
        ...


@dataclass(slots=True)
class Job:
    """One job under way."""

    mark: str
    big: bool
    until_s: float
    wait_s: float = 0.0
    calls: int = 0

    def is_over(self) -> bool:
        """Whether the run has ended."""
        return epoch_s() >= self.until_s

    def nap(self, seconds: float) -> None:
        """Wait in place, not beyond the end of the run."""
        nap_s = max(0.0, min(seconds, self.until_s - epoch_s()))
        sleep(nap_s)
        self.wait_s += nap_s


class Ours:
    """The product's own budget, waited for in place."""

    def __init__(self, spec: Spec) -> None:
        limits = BudgetLimits(
            requests_per_minute=spec.requests_per_minute, tokens_per_minute=spec.tokens_per_minute
        )
        client = redis.Redis.from_url(spec.redis_url)
        self._budget = RedisBudget(client, name="bench", limits=limits)
        self._llm = open_model(spec)

    def ask(self, request: LlmRequest, job: Job) -> LlmReply | None:
        """Wait in place for as long as it takes."""
        asked_s = monotonic_s()
        booking = Booking(ticket=job.mark, cost=estimate_cost(request))
        booked = wait_for_share(
            self._budget,
            booking,
            may_call=lambda: not job.is_over(),
            patience_s=job.until_s - epoch_s(),
        )
        job.wait_s += monotonic_s() - asked_s
        if isinstance(booked, Wait):
            self._budget.leave(job.mark)
            return None
        job.calls += 1
        used, seen = booked.cost, NOT_SEEN
        try:
            reply = self._llm.complete(request, timeout_s=CALL_S)
            used, seen = read_cost(reply, MODEL), reply.seen
        except LlmError as fault:
            used = read_fault_cost(fault, booked.cost)
            if isinstance(fault, LlmTransientError) and fault.pool_wait:
                self._budget.pause(fault.retry_after_s or 1.0, seen=fault.seen)
            raise
        finally:
            self._budget.settle(booked, used=used, seen=seen)
        return reply


class SdkRetries:
    """The library as it comes: two retries, and nothing that knows the limits."""

    def __init__(self, spec: Spec) -> None:
        self._client = groq.Groq(api_key="gsk_bench", base_url=spec.url)

    def ask(self, request: LlmRequest, job: Job) -> LlmReply | None:
        """What it makes of the job; what it waits is all but the last call."""
        began_s = monotonic_s()
        body = build_body(request)
        raw = self._client.chat.completions.with_raw_response.create(**body)
        job.calls += 1 + raw.retries_taken
        job.wait_s += max(0.0, monotonic_s() - began_s - raw.elapsed.total_seconds())
        return read_reply(raw.read(), keep_headers(raw.headers))


class FixedWindow:
    """A counter for each minute of the clock, shared in Redis; refunds go to the present minute."""

    def __init__(self, spec: Spec) -> None:
        self._redis = redis.Redis.from_url(spec.redis_url)
        self._llm = open_model(spec)
        self._limits = (spec.requests_per_minute, spec.tokens_per_minute)

    def ask(self, request: LlmRequest, job: Job) -> LlmReply | None:
        """Count first; over the limit: take it back and wait for the next minute."""
        cost = estimate_cost(request)
        while not self._count(1, cost.tokens):
            self._count(-1, -cost.tokens)
            job.nap(60 - epoch_s() % 60 + random.random() * 0.2)
            if job.is_over():
                return None
        job.calls += 1
        reply = self._llm.complete(request, timeout_s=CALL_S)
        used = reply.prompt_tokens - reply.cached_tokens + reply.completion_tokens
        self._count(0, used - cost.tokens)
        return reply

    def _count(self, requests: int, tokens: int) -> bool:
        key = f"window:{int(epoch_s() // 60)}"
        with self._redis.pipeline() as pipe:
            pipe.hincrby(key, "requests", requests)
            pipe.hincrby(key, "tokens", tokens)
            made_requests, made_tokens = (int(made) for made in pipe.execute())
        return made_requests <= self._limits[0] and made_tokens <= self._limits[1]


STRATEGIES: Final[dict[str, Callable[[Spec], Strategy]]] = {
    "ours": Ours,
    "sdk": SdkRetries,
    "window": FixedWindow,
}


def open_model(spec: Spec) -> GroqModel:
    """The product's client."""
    return GroqModel(api_key="gsk_bench", base_url=spec.url, max_connections=spec.threads)


def build_job_request(mark: str, *, big: bool, dice: random.Random) -> LlmRequest:
    """A call the simulator answers as it does the product's: about 150 tokens, or about 700."""
    title = " ".join(dice.choices(WORDS, k=8))
    fields = {"title": title}
    if big:
        fields["description"] = " ".join(dice.choices(WORDS, k=150))
    row = json.dumps({"fields": fields, "attributes": {}})
    return LlmRequest(
        model=MODEL,
        messages=(
            {"role": "system", "content": "Write the title anew."},
            {"role": "user", "content": f"<listing-{mark}>\n{row}\n</listing-{mark}>"},
        ),
        schema_name="fields",
        schema=json.loads(
            canonical_json(
                {
                    "type": "object",
                    "properties": {name: {"type": "string"} for name in fields},
                    "required": list(fields),
                    "additionalProperties": False,
                }
            )
        ),
        max_completion_tokens=SMALL_CAP + (500 if big else 0),
    )


def run_job(strategy: Strategy, request: LlmRequest, job: Job) -> tuple[str, int]:
    """How it ended, and what it cost."""
    picousd = 0
    for _ in range(ATTEMPTS):
        try:
            reply = strategy.ask(request, job)
        except (groq.GroqError, ValueError):
            return "failed", picousd
        except LlmError as fault:
            if not fault.retryable:
                return "failed", picousd
            job.nap(0.0 if fault.__class__ is LlmTransientError else 0.1)
            continue
        if reply is None:
            return "unfinished", picousd
        picousd += cost_picousd(
            get_llm(MODEL),
            prompt_tokens=reply.prompt_tokens,
            cached_tokens=reply.cached_tokens,
            completion_tokens=reply.completion_tokens,
        )
        if reply.finish_reason == "stop" and reply.text.startswith("{"):
            return "ok", picousd
    return "failed", picousd


def run_thread(
    spec: Spec, strategy: Strategy, thread: int, write: Callable[[object], None]
) -> None:
    """Job after job until time is over."""
    dice = random.Random(f"{spec.process}/{thread}")
    number = 0
    while epoch_s() < spec.until_s:
        number += 1
        job = Job(
            mark=f"p{spec.process}t{thread}n{number}",
            big=dice.random() < BIG_SHARE,
            until_s=spec.until_s,
        )
        request = build_job_request(job.mark, big=job.big, dice=dice)
        write({"began": job.mark})
        end, picousd = run_job(strategy, request, job)
        ended = JobEnd(
            mark=job.mark,
            big=job.big,
            end=end,
            wait_s=round(job.wait_s, 4),
            picousd=picousd,
            calls=job.calls,
        )
        write(asdict(ended))


def main() -> None:
    """Run the threads of one process."""
    spec = Spec(**json.loads(sys.argv[1]))
    strategy = STRATEGIES[spec.strategy](spec)
    lock = threading.Lock()
    with Path(sys.argv[2]).open("w", buffering=1) as out:

        def write(line: object) -> None:
            with lock:
                out.write(json.dumps(line) + "\n")

        threads = [
            threading.Thread(target=run_thread, args=(spec, strategy, number, write))
            for number in range(spec.threads)
        ]
        sleep(max(0.0, spec.from_s - epoch_s()))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main()
