"""The simulated service: takes a parsed body, gives an answer; knows nothing of sockets."""

from __future__ import annotations

import hashlib
import math
import random
import threading
from collections.abc import Callable

from core.clock import monotonic_s
from simulators.groq.config import MODELS, SimulatorConfig
from simulators.groq.content import write_content
from simulators.groq.faults import BILLED, Fault, FaultPlan
from simulators.groq.ledger import Call, Ledger, Usage
from simulators.groq.limits import LimitBreach, ModelLimits
from simulators.groq.shape import ApiError, ChatRequest, parse_chat_request
from simulators.groq.wire import (
    FAULT_ERRORS,
    Answer,
    build_completion,
    build_error,
    build_limit_error,
    build_model,
)
from simulators.groq.writer import find_row

_BYTES_PER_TOKEN = 3.5
_MESSAGE_OVERHEAD_TOKENS = 4
_CACHE_LIFE_S = 7_200.0
_CACHE_MIN_TOKENS, _CACHE_BLOCK = 1_024, 128
_REASONING_TOKENS = {"low": 60, "medium": 300, "high": 900}


class SimulatedGroq:
    """One organisation's view of the service; ``wait`` lets seconds pass."""

    def __init__(self, config: SimulatorConfig, *, wait: Callable[[float], object]) -> None:
        self.config = config
        self.ledger = Ledger()
        self.plan = FaultPlan(seed=config.seed, faults=config.faults, script=config.script)
        self._wait = wait
        self._lock = threading.Lock()
        self._random = random.Random(config.seed)
        self._count = 0
        self._limits = self._new_limits()
        self._prefixes: dict[str, float] = {}

    def reset(self) -> None:
        """Forget calls, used limits and cached prefixes; faults stay."""
        self.ledger.reset()
        with self._lock:
            self._limits = self._new_limits()
            self._prefixes.clear()

    def list_models(self, authorization: str) -> Answer:
        """What GET /models says, prices included."""
        try:
            self._check_key(authorization)
        except ApiError as error:
            return build_error(error)
        return Answer(
            status=200, body={"object": "list", "data": [build_model(name) for name in MODELS]}
        )

    def answer_chat(self, body: object, *, authorization: str) -> Answer:
        """Answer one chat request; every fault and refusal is an Answer too."""
        try:
            self._check_key(authorization)
            request = parse_chat_request(body)
        except ApiError as error:
            model = str(body.get("model")) if isinstance(body, dict) else ""
            self._record(model, status=error.status, fault=Fault.NONE)
            return build_error(error)
        fault = self.plan.choose(request.user_text)
        try:
            return self._answer_request(request, fault)
        except ApiError as error:
            self._record(request.model, status=error.status, fault=fault, job=_find_job(request))
            return build_error(error)

    def _answer_request(self, request: ChatRequest, fault: Fault) -> Answer:
        if fault in FAULT_ERRORS:
            status, code, message = FAULT_ERRORS[fault]
            raise ApiError(status=status, code=code, message=message)
        if fault is Fault.RATE_LIMIT:
            raise self._invent_rate_limit(request.model)
        prompt_tokens = sum(
            count_tokens(message["content"]) + _MESSAGE_OVERHEAD_TOKENS
            for message in request.messages
        )
        booked = prompt_tokens + request.max_completion_tokens
        self._admit(request.model, booked)
        self._wait(self._choose_latency_s(fault))
        content, finish, usage = self._write(request, fault, prompt_tokens)
        self._settle(request.model, booked=booked, usage=usage)
        return self._bill(request, fault, usage=usage, content=content, finish=finish)

    def _bill(
        self, request: ChatRequest, fault: Fault, *, usage: Usage, content: str, finish: str
    ) -> Answer:
        billed = fault in BILLED
        self._record(
            request.model,
            status=200 if billed else 0,
            fault=fault,
            job=_find_job(request),
            usage=usage if billed else Usage(),
        )
        with self._lock:
            self._count += 1
            headers = self._limits[request.model].headers(monotonic_s())
            body = build_completion(
                request.model, number=self._count, content=content, finish=finish, usage=usage
            )
        return Answer(status=200, body=body, headers=headers, fault=fault)

    def _check_key(self, authorization: str) -> None:
        scheme, _, key = authorization.partition(" ")
        if scheme != "Bearer" or not key or (self.config.key and key != self.config.key):
            raise ApiError(status=401, code="invalid_api_key", message="Invalid API Key")

    def _new_limits(self) -> dict[str, ModelLimits]:
        return {
            name: ModelLimits(
                requests_per_minute=self.config.requests_per_minute,
                tokens_per_minute=self.config.tokens_per_minute,
                requests_per_day=self.config.requests_per_day,
                started_s=monotonic_s(),
            )
            for name in MODELS
        }

    def _record(
        self, model: str, *, status: int, fault: Fault, job: str = "", usage: Usage | None = None
    ) -> None:
        call = Call(model=model, status=status, fault=fault, job=job, usage=usage or Usage())
        self.ledger.record(call)

    def _admit(self, model: str, tokens: int) -> None:
        with self._lock:
            breach = self._limits[model].admit(tokens, now_s=monotonic_s())
        if breach is not None:
            raise build_limit_error(model, breach)

    def _settle(self, model: str, *, booked: int, usage: Usage) -> None:
        used = usage.prompt - usage.cached + usage.completion
        with self._lock:
            self._limits[model].settle(booked=booked, used=used, now_s=monotonic_s())

    def _invent_rate_limit(self, model: str) -> ApiError:
        limit = self.config.tokens_per_minute
        breach = LimitBreach(
            dimension="tokens per minute (TPM)",
            type="tokens",
            limit=limit,
            used=limit,
            requested=1,
            wait_s=self.config.retry_after_s,
        )
        return build_limit_error(model, breach)

    def _choose_latency_s(self, fault: Fault) -> float:
        match fault:
            case Fault.HANG:
                return self.config.hang_s
            case Fault.SLOW:
                return self.config.slow_s
            case _:
                return self.config.latency_ms / 1000

    def _write(
        self, request: ChatRequest, fault: Fault, prompt_tokens: int
    ) -> tuple[str, str, Usage]:
        """Content, finish reason and usage of the answer."""
        with self._lock:
            content = write_content(request, fault, self._random)
        reasoning = _REASONING_TOKENS.get(request.effort, 0)
        completion, finish = reasoning + count_tokens(content), "stop"
        cap = request.max_completion_tokens
        if fault is Fault.LENGTH or completion > cap:
            content, completion, finish = _cut_to_cap(content, cap - reasoning), cap, "length"
        usage = Usage(
            prompt=prompt_tokens,
            cached=self._find_cached(request, prompt_tokens),
            completion=completion,
            reasoning=min(reasoning, completion),
        )
        return content, finish, usage

    def _find_cached(self, request: ChatRequest, prompt_tokens: int) -> int:
        """Whole blocks of the first message, when it was seen in the last two hours."""
        prefix = request.messages[0]["content"]
        tokens = count_tokens(prefix)
        if tokens < _CACHE_MIN_TOKENS:
            return 0
        key = hashlib.sha256(f"{request.model}\n{prefix}".encode()).hexdigest()
        now_s = monotonic_s()
        with self._lock:
            seen_s = self._prefixes.get(key)
            self._prefixes[key] = now_s
        fresh = seen_s is not None and now_s - seen_s < _CACHE_LIFE_S
        return min(prompt_tokens, tokens // _CACHE_BLOCK * _CACHE_BLOCK) if fresh else 0


def count_tokens(text: str) -> int:
    """About what a tokenizer says; the simulator only has to agree with itself."""
    return math.ceil(len(text.encode("utf-8", "surrogatepass")) / _BYTES_PER_TOKEN)


def _cut_to_cap(content: str, tokens: int) -> str:
    """What fits into the cap; nothing when reasoning ate it all."""
    room = max(0, int(tokens * _BYTES_PER_TOKEN))
    return content[: min(room, len(content) // 2)]


def _find_job(request: ChatRequest) -> str:
    row = find_row(request.user_text)
    return request.user or (row.mark if row else "")
