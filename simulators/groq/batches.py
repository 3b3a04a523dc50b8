"""Batches: files of calls, worked off over time, with what they cost and what went wrong."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from simulators.groq.config import MODELS, SimulatorConfig
from simulators.groq.faults import Fault
from simulators.groq.files import FileStore, ScaledClock
from simulators.groq.shape import ApiError
from simulators.groq.wire import Answer, build_fault_error

ENDPOINT: Final = "/v1/chat/completions"
MOST_LINES: Final = 50_000
VALIDATE_S: Final = 5.0
CANCEL_S: Final = 10.0
_HOUR_S: Final = 3_600
_LEAST_WINDOW_S, _MOST_WINDOW_S = 24 * _HOUR_S, 7 * 24 * _HOUR_S
_WINDOW: Final = re.compile(r"(\d+)([hd])")
_OK: Final = 200


class LineAnswerer(Protocol):
    """What answers one line of a file."""

    def __call__(self, body: object, *, custom_id: str) -> Answer:
        """Every fault and refusal is an Answer too."""
        ...


@dataclass(slots=True)
class Batch:
    """One batch; times are seconds on the simulator's clock, None before they come."""

    id: str
    input_file_id: str
    window: str
    metadata: Mapping[str, str] | None
    created_s: float
    expires_s: float
    lines: list[dict[str, Any]]
    errors: list[dict[str, Any]]
    next_line: int = 0
    outputs: list[dict[str, Any]] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)
    cancelled_s: float | None = None
    over_s: float | None = None
    status: str = "validating"
    output_file_id: str | None = None
    error_file_id: str | None = None


class BatchDesk:
    """All batches and files of the organisation. Time passes whenever somebody looks."""

    def __init__(
        self, config: SimulatorConfig, *, clock: ScaledClock, answer_line: LineAnswerer
    ) -> None:
        self.files = FileStore(clock)
        self._config = config
        self._clock = clock
        self._answer_line = answer_line
        self._lock = threading.RLock()
        self._batches: dict[str, Batch] = {}
        self._made = 0

    def reset(self) -> None:
        """Forget all."""
        self.files.reset()
        with self._lock:
            self._batches.clear()

    def require_plan(self) -> None:
        """Raises ApiError where the plan has no batches."""
        if self._config.plan == "free":
            raise build_fault_error(Fault.FORBIDDEN)

    def create(self, body: object) -> dict[str, Any]:
        """Begin a batch; raises ApiError for a wrong request. What is in the file is seen later."""
        wanted = body if isinstance(body, dict) else {}
        if wanted.get("endpoint") != ENDPOINT:
            raise _refuse(f"endpoint must be {ENDPOINT}")
        window = str(wanted.get("completion_window") or "")
        window_s = _parse_window(window)
        stored = self.files.get(str(wanted.get("input_file_id")))
        lines, errors = _read_lines(stored.body)
        with self._lock:
            self._made += 1
            batch = Batch(
                id=f"batch_sim_{self._made:06d}",
                input_file_id=stored.id,
                window=window,
                metadata=wanted.get("metadata"),
                created_s=self._clock.elapsed_s,
                expires_s=self._clock.elapsed_s + window_s,
                lines=lines,
                errors=errors,
            )
            self._batches[batch.id] = batch
            return self._describe(batch)

    def get(self, batch_id: str) -> dict[str, Any]:
        """How far it is; raises ApiError when there is none."""
        with self._lock:
            return self._describe(self._find(batch_id))

    def cancel(self, batch_id: str) -> dict[str, Any]:
        """Stop; what is done stays. Raises ApiError for one that is over."""
        with self._lock:
            batch = self._find(batch_id)
            if batch.over_s is not None:
                raise _refuse(f"a batch that is {batch.status} cannot be cancelled")
            batch.cancelled_s = batch.cancelled_s or self._clock.elapsed_s
            batch.status = "cancelling"
            return self._describe(batch)

    def describe_all(self) -> list[dict[str, Any]]:
        """As the API lists them, the newest first."""
        with self._lock:
            return [self._describe(batch) for batch in reversed(self._batches.values())]

    def _find(self, batch_id: str) -> Batch:
        batch = self._batches.get(batch_id)
        if batch is None:
            message = f"No such Batch object: {batch_id}"
            raise ApiError(status=404, code="not_found", message=message)
        self._work(batch)
        return batch

    def _work(self, batch: Batch) -> None:
        """Let happen what should have happened by now."""
        if batch.over_s is not None:
            return
        now_s = self._clock.elapsed_s
        began_s = batch.created_s + VALIDATE_S
        if now_s < began_s and batch.cancelled_s is None:
            return
        if batch.errors:
            batch.status, batch.over_s = "failed", began_s
            return
        stopped_s = min(now_s, batch.expires_s, batch.cancelled_s or now_s)
        self._answer_until(batch, self._count_done(batch, stopped_s - began_s))
        self._end(batch, now_s)

    def _count_done(self, batch: Batch, worked_s: float) -> int:
        share = worked_s / self._config.batch_work_s if self._config.batch_work_s else 1.0
        return int(len(batch.lines) * min(1.0, max(0.0, share)))

    def _answer_until(self, batch: Batch, done: int) -> None:
        while batch.next_line < done:
            line = batch.lines[batch.next_line]
            batch.next_line += 1
            custom_id = line["custom_id"]
            answer = self._answer_line(line.get("body"), custom_id=custom_id)
            told = {
                "id": f"batch_req_{batch.id}_{batch.next_line}",
                "custom_id": custom_id,
                "response": {
                    "status_code": answer.status,
                    "request_id": f"req_{batch.id}_{batch.next_line}",
                    "body": answer.body,
                },
                "error": None,
            }
            (batch.outputs if answer.status == _OK else batch.faults).append(told)

    def _end(self, batch: Batch, now_s: float) -> None:
        """Write the files of a batch that is over."""
        if batch.next_line == len(batch.lines):
            batch.status = "completed"
        elif batch.cancelled_s is not None:
            if now_s < batch.cancelled_s + CANCEL_S:
                return
            batch.status = "cancelled"
        elif now_s >= batch.expires_s:
            batch.status = "expired"
            batch.faults += [_expire(line) for line in batch.lines[batch.next_line :]]
        else:
            batch.status = "in_progress"
            return
        batch.over_s = now_s
        batch.output_file_id = self._write_file(batch, "output", batch.outputs)
        batch.error_file_id = self._write_file(batch, "error", batch.faults)

    def _write_file(self, batch: Batch, kind: str, lines: list[dict[str, Any]]) -> str | None:
        if not lines:
            return None
        # The order of the answers means nothing: show it.
        body = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in reversed(lines))
        content = body.encode("utf-8", "replace")
        return self.files.add(f"{batch.id}_{kind}.jsonl", content, purpose="batch_output").id

    def _describe(self, batch: Batch) -> dict[str, Any]:
        self._work(batch)
        to_unix, over_s = self._clock.to_unix, batch.over_s
        told: dict[str, Any] = {
            "id": batch.id,
            "object": "batch",
            "endpoint": ENDPOINT,
            "input_file_id": batch.input_file_id,
            "completion_window": batch.window,
            "status": batch.status,
            "metadata": batch.metadata,
            "created_at": to_unix(batch.created_s),
            "expires_at": to_unix(batch.expires_s),
            "output_file_id": batch.output_file_id,
            "error_file_id": batch.error_file_id,
            "errors": {"object": "list", "data": batch.errors} if batch.errors else None,
            "request_counts": {
                "total": len(batch.lines),
                "completed": len(batch.outputs),
                "failed": len(batch.faults),
            },
        }
        if batch.cancelled_s is not None:
            told["cancelling_at"] = to_unix(batch.cancelled_s)
        if over_s is not None:
            told[f"{batch.status}_at"] = to_unix(over_s)
        return told


def _expire(line: Mapping[str, Any]) -> dict[str, Any]:
    error = {"code": "batch_expired", "message": "The batch expired before this line was done."}
    return {"custom_id": line["custom_id"], "response": None, "error": error}


def _read_lines(body: bytes) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(the lines, what makes the whole batch fail)."""
    lines, errors = [], []
    seen: set[str] = set()
    for number, text in enumerate(body.decode("utf-8", "replace").splitlines(), start=1):
        line = _parse_line(text)
        fault = _find_line_fault(line, seen)
        if fault:
            errors.append({"code": "invalid_line", "line": number, "message": fault, "param": None})
        elif line is not None:
            seen.add(line["custom_id"])
            lines.append(line)
    if len(lines) > MOST_LINES:
        errors.append({"code": "too_many_lines", "line": None, "message": "above 50,000 lines"})
    return lines, errors


def _parse_line(text: str) -> dict[str, Any] | None:
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None


def _find_line_fault(line: Mapping[str, Any] | None, seen: set[str]) -> str:
    if line is None:
        return "This line is not parseable as valid JSON."
    custom_id = line.get("custom_id")
    if not isinstance(custom_id, str) or not custom_id:
        return "Missing required parameter: custom_id."
    if custom_id in seen:
        return f"The custom_id {custom_id} stands on another line too."
    if line.get("url") != ENDPOINT or line.get("method") != "POST":
        return f"The line must be a POST to {ENDPOINT}."
    body = line.get("body")
    model = body.get("model") if isinstance(body, dict) else None
    if model in MODELS and not MODELS[model].batch:
        return f"The model {model} is not available for batches."
    return ""


def _parse_window(window: str) -> int:
    """Seconds; raises ApiError outside 24 hours to 7 days."""
    found = _WINDOW.fullmatch(window)
    window_s = int(found[1]) * _HOUR_S * (24 if found[2] == "d" else 1) if found else 0
    if not _LEAST_WINDOW_S <= window_s <= _MOST_WINDOW_S:
        raise _refuse("completion_window must be from 24h to 7d")
    return window_s


def _refuse(message: str) -> ApiError:
    return ApiError(status=400, code="invalid_request", message=message)
