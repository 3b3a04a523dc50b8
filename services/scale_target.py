"""Reads and writes the number of replicas sparingly, and sees to it that a change comes true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from core.errors import AppError, SettingsError, UnauthorizedError, UnavailableError
from core.log import get_logger
from domain.ports import ReplicaCount, ReplicaTarget
from domain.scaling.confirm import Change, Verdict, judge_change

log = get_logger(__name__)

CONFIRM_EVERY_S: Final = 30.0
FRESH_S: Final = 5.0
BACKOFF_S: Final = (30.0, 300.0)

_Act = Callable[[], None]


@dataclass(slots=True)
class TargetWatch:
    """What is known of a target. Times are seconds of any one clock that never jumps.

    ``fault`` is why nothing may be written now; ``alarm`` what people must hear of, once.
    """

    target: ReplicaTarget
    fault: str = "not looked at yet"
    alarm: str = ""
    change: Change | None = None
    _count: ReplicaCount = field(default_factory=lambda: ReplicaCount(asked=None))
    _checked: bool = False
    _read_s: float | None = None
    _retry_s: float = 0.0
    _failures: int = 0

    def require_right(self) -> None:
        """Raises SettingsError when the target is the wrong one; no answer yet is no fault."""
        try:
            self.target.check()
            self._checked = True
        except UnavailableError as fault:
            log.warning("target_away", reason=fault.message)

    def look(self, now_s: float) -> ReplicaCount:
        """The count as last read; read anew when that is due and allowed."""
        if now_s >= self._retry_s and self._is_old(now_s):
            self._attempt(lambda: self._read(now_s), now_s)
        return self._count

    def look_anew(self, now_s: float) -> ReplicaCount:
        """The count right before a write."""
        # While a deployment is under way there is no hurry, and each reading costs a call.
        old_s = CONFIRM_EVERY_S if self._count.busy else FRESH_S
        if now_s >= self._retry_s and (self._read_s is None or now_s - self._read_s >= old_s):
            self._attempt(lambda: self._read(now_s), now_s)
        return self._count

    def write(self, replicas: int, now_s: float) -> bool:
        """Ask for that many; False, with ``fault``, when that was refused."""
        if self.fault or now_s < self._retry_s:
            return False
        before = self._count.asked
        if not self._attempt(lambda: self.target.write(replicas), now_s):
            return False
        self.change = Change(wanted=replicas, at_s=now_s, before=before)
        return True

    def confirm(self, now_s: float) -> None:
        """Judge the change under way by the last reading, and repeat it once if need be."""
        if self.change is None or self._read_s is None or self._read_s <= self.change.at_s:
            return
        change = self.change
        verdict = judge_change(change, self._count, now_s)
        if verdict is Verdict.CONFIRMED:
            self.change = None
        elif verdict is Verdict.FAILED:
            self.change = None
            self.alarm = self._describe(change, "given up")
        elif verdict is Verdict.REPEAT and self.write(change.wanted, now_s):
            self.change = replace(change, at_s=now_s, repeated=True)
            self.alarm = self._describe(change, "written again")

    def _describe(self, change: Change, what: str) -> str:
        count = self._count
        return f"{change.wanted} were asked for, {count.asked} are set, {count.running} run: {what}"

    def _is_old(self, now_s: float) -> bool:
        if self._read_s is None:
            return True
        limit_s = self.target.read_every_s
        if self.change is not None:
            limit_s = min(limit_s, CONFIRM_EVERY_S)
        return now_s - self._read_s >= limit_s

    def _read(self, now_s: float) -> None:
        if not self._checked:
            self.target.check()
            self._checked = True
        self._count = self.target.read()
        self._read_s = now_s

    def _attempt(self, act: _Act, now_s: float) -> bool:
        try:
            act()
        except AppError as fault:
            self._note_fault(fault, now_s)
            return False
        self.fault = self._count.busy
        self._failures = 0
        return True

    def _note_fault(self, fault: AppError, now_s: float) -> None:
        self._failures += 1
        self.fault = str(fault)
        if isinstance(fault, (UnauthorizedError, SettingsError)):
            # Only another setting helps, and a new setting comes with a new process.
            self._retry_s = float("inf")
            log.error("scaler_shut_out", reason=str(fault))
            return
        named_s = fault.retry_after_s if isinstance(fault, UnavailableError) else 0.0
        backoff_s = min(BACKOFF_S[1], BACKOFF_S[0] * 2 ** (self._failures - 1))
        self._retry_s = now_s + max(named_s, backoff_s)
        log.warning("target_away", reason=str(fault), retry_in_s=self._retry_s - now_s)
