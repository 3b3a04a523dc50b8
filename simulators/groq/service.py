"""The simulated service: takes a parsed body, gives an answer; knows nothing of sockets."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from core.clock import monotonic_s
from simulators.groq.batches import BatchDesk
from simulators.groq.config import MODELS, SimulatorConfig
from simulators.groq.content import write_content
from simulators.groq.faults import BILLED, Fault, FaultPlan
from simulators.groq.files import ScaledClock
from simulators.groq.ledger import BATCH, Call, Ledger, Usage
from simulators.groq.limits import Demand, LimitBreach, ModelLimits
from simulators.groq.prefix_cache import PrefixCache
from simulators.groq.shape import ApiError, ChatRequest, parse_chat_request, require_context
from simulators.groq.tokens import BYTES_PER_TOKEN, count_tokens
from simulators.groq.wire import (
    FAULT_ERRORS,
    Answer,
    Written,
    build_completion,
    build_error,
    build_fault_error,
    build_json_error,
    build_limit_error,
    build_model,
)
from simulators.groq.writer import find_row

_REASONING_TOKENS: Final = {"low": 60, "medium": 300, "high": 900}
_FLEX_SCALE: Final = 10
_OFF_LIMITS: Final = frozenset({Fault.RATE_LIMIT, Fault.FLEX_FULL, Fault.SLOW, Fault.LOST})
"""Faults that a line of a batch cannot meet."""

_BROKEN: Final = frozenset({Fault.HANG, Fault.RESET, Fault.HTML})
"""Faults of the connection: a line of a batch ends in a server error instead."""


class SimulatedGroq:
    """One organisation's view of the service; ``wait`` lets seconds pass."""

    def __init__(self, config: SimulatorConfig, *, wait: Callable[[float], object]) -> None:
        self.config = config
        self.ledger = Ledger()
        self.plan = FaultPlan(seed=config.seed, faults=config.faults, script=config.script)
        self.file_plan = FaultPlan(seed=config.seed, faults=config.file_faults, script=())
        self.clock = ScaledClock(scale=config.time_scale)
        self.desk = BatchDesk(config, clock=self.clock, answer_line=self.answer_line)
        self._wait = wait
        self._lock = threading.Lock()
        self._random = random.Random(config.seed)
        self._count = 0
        self._limits: dict[tuple[str, str], ModelLimits] = {}
        self._cache = PrefixCache()

    def reset(self) -> None:
        """Forget calls, used limits, cached prefixes, files and batches; faults stay."""
        self.ledger.reset()
        self._cache.clear()
        self.desk.reset()
        with self._lock:
            self._limits.clear()

    def check_key(self, authorization: str) -> None:
        """Raises ApiError for any but the accepted key."""
        scheme, _, key = authorization.partition(" ")
        if scheme != "Bearer" or not key or (self.config.key and key != self.config.key):
            raise ApiError(status=401, code="invalid_api_key", message="Invalid API Key")

    def list_models(self) -> list[dict[str, Any]]:
        """What GET /models says, prices included; retired and blocked ones are not there."""
        hidden = {*self.config.gone_models, *self.config.blocked_models}
        return [build_model(name) for name in MODELS if name not in hidden]

    def summarize(self) -> dict[str, Any]:
        """The ledger, after all that should have happened in batches by now."""
        self.desk.describe_all()
        return self.ledger.summarize()

    def describe_limits(self) -> dict[str, Any]:
        """Every bucket that was used, for the control endpoint."""
        with self._lock:
            return {
                f"{model} {tier}": limits.describe(monotonic_s())
                for (model, tier), limits in self._limits.items()
            }

    def answer_chat(self, body: object, *, authorization: str) -> Answer:
        """Answer one chat request; every fault and refusal is an Answer too."""
        try:
            self.check_key(authorization)
            request = self._parse(body)
        except ApiError as error:
            model = str(body.get("model")) if isinstance(body, dict) else ""
            self._record(model, status=error.status, fault=Fault.NONE)
            return build_error(error)
        fault = self.plan.choose(request.user_text)
        try:
            return self._answer_request(request, fault)
        except ApiError as error:
            self._record(request.model, status=error.status, fault=fault, request=request)
            return build_error(error)

    def answer_line(self, body: object, *, custom_id: str) -> Answer:
        """Answer one line of a batch: off the limits, without the cache, at half the price."""
        try:
            request = replace(self._parse(body), tier=BATCH)
        except ApiError as error:
            return build_error(error)
        chosen = self.plan.choose(request.user_text)
        fault = Fault.SERVER_ERROR if chosen in _BROKEN else chosen
        fault = Fault.NONE if fault in _OFF_LIMITS else fault
        try:
            self._raise_fault(request, fault)
            written = self._write(request, fault, cached=0)
        except ApiError as error:
            self._record(
                request.model, status=error.status, fault=fault, request=request, line=custom_id
            )
            return build_error(error)
        return self._bill(request, fault, written, line=custom_id)

    def _parse(self, body: object) -> ChatRequest:
        """Raises ApiError for a wrong request, a model that is gone or blocked, a foreign tier."""
        name = body.get("model") if isinstance(body, dict) else None
        if name in self.config.gone_models:
            raise build_fault_error(Fault.MODEL_GONE)
        request = parse_chat_request(body)
        if name in self.config.blocked_models:
            message = f"The model `{name}` is blocked at the project level."
            raise ApiError(
                status=403,
                code="model_permission_blocked_project",
                message=message,
                kind="permissions_error",
            )
        if request.tier != "on_demand" and self.config.plan == "free":
            raise build_fault_error(Fault.FORBIDDEN)
        require_context(request)
        return request

    def _answer_request(self, request: ChatRequest, fault: Fault) -> Answer:
        self._raise_fault(request, fault)
        booked = Demand(request.prompt_tokens, request.max_completion_tokens)
        limits = self._admit(request, booked)
        self._wait(self._choose_latency_s(fault))
        cached = 0
        if self.config.caching and MODELS[request.model].caching:
            cached = self._cache.take_in(
                request.model, request.conversation, now_s=self.clock.elapsed_s
            )
        written = self._write(request, fault, cached=min(cached, request.prompt_tokens))
        used = Demand(written.usage.prompt - written.usage.cached, written.usage.completion)
        with self._lock:
            limits.settle(booked=booked, used=used, now_s=monotonic_s())
        answer = self._bill(request, fault, written)
        with self._lock:
            return replace(answer, headers=limits.headers(monotonic_s()))

    def _raise_fault(self, request: ChatRequest, fault: Fault) -> None:
        """Raise what is no answer at all."""
        if fault is Fault.JSON_VALIDATE_FAILED:
            raise build_json_error(self._write(request, Fault.CUT, cached=0).content)
        if fault in FAULT_ERRORS:
            raise build_fault_error(fault)
        if fault is Fault.RATE_LIMIT:
            raise self._invent_rate_limit(request.model)
        if self._is_capped():
            raise build_fault_error(Fault.SPEND_CAP)

    def _is_capped(self) -> bool:
        cap_picousd = self.config.spend_cap_usd * 1e12
        seen_until_s = self.clock.elapsed_s - self.config.spend_lag_s
        return bool(cap_picousd) and self.ledger.sum_spent(until_s=seen_until_s) >= cap_picousd

    def _bill(
        self, request: ChatRequest, fault: Fault, written: Written, *, line: str = ""
    ) -> Answer:
        billed = fault in BILLED
        self._record(
            request.model,
            status=200 if billed else 0,
            fault=fault,
            request=request,
            usage=written.usage if billed else Usage(),
            line=line,
        )
        with self._lock:
            self._count += 1
            number = self._count
        body = build_completion(request.model, written, number=number, tier=request.tier)
        return Answer(status=200, body=body, fault=fault)

    def _record(
        self,
        model: str,
        *,
        status: int,
        fault: Fault,
        request: ChatRequest | None = None,
        usage: Usage | None = None,
        line: str = "",
    ) -> None:
        self.ledger.record(
            Call(
                model=model,
                status=status,
                fault=fault,
                job=_find_job(request) if request else "",
                usage=usage or Usage(),
                tier=request.tier if request else "on_demand",
                custom_id=line,
                at_s=self.clock.elapsed_s,
            )
        )

    def _admit(self, request: ChatRequest, demand: Demand) -> ModelLimits:
        key, now_s = (request.model, request.tier), monotonic_s()
        with self._lock:
            limits = self._limits.get(key)
            if limits is None:
                scale = _FLEX_SCALE if request.tier == "flex" else 1
                limits = ModelLimits(self.config, now_s, tier=request.tier, scale=scale)
                self._limits[key] = limits
            breach = limits.admit(demand, now_s=now_s)
            headers = limits.headers(now_s)
        if breach is not None:
            error = build_limit_error(request.model, breach)
            error.headers |= headers
            raise error
        return limits

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

    def _write(self, request: ChatRequest, fault: Fault, *, cached: int) -> Written:
        """Raises ApiError where JSON was asked for, is not promised, and did not come."""
        with self._lock:
            content = write_content(request, fault, self._random)
        if request.wants_json and not request.strict and not _is_json(content):
            raise build_json_error(content)
        reasoning = _REASONING_TOKENS.get(request.effort, 0)
        completion, finish = reasoning + count_tokens(content), "stop"
        cap = request.max_completion_tokens
        if fault is Fault.LENGTH or completion > cap:
            content, completion, finish = _cut_to_cap(content, cap - reasoning), cap, "length"
        usage = Usage(
            prompt=request.prompt_tokens,
            cached=cached,
            completion=completion,
            reasoning=min(reasoning, completion),
        )
        return Written(content=content, finish=finish, usage=usage)


def _is_json(content: str) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


def _cut_to_cap(content: str, tokens: int) -> str:
    """What fits into the cap; nothing when reasoning ate it all."""
    room = max(0, int(tokens * BYTES_PER_TOKEN))
    return content[: min(room, len(content) // 2)]


def _find_job(request: ChatRequest) -> str:
    row = find_row(request.user_text)
    return request.user or (row.mark if row else "")
