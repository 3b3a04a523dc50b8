"""One supervised child process: its output, its deaths and when to start it again."""

from __future__ import annotations

import os
import subprocess
from collections import deque
from dataclasses import dataclass, field

from embedded.processes import ProcessSpec, finish, get_log_tail, kill_group, spawn

CRASH_LIMIT = 5
CRASH_WINDOW_S = 60.0
_FIRST_DELAY_S = 0.2
_LONGEST_DELAY_S = 5.0
_TAIL_LINES = 40
_CHUNK_BYTES = 65536


@dataclass(slots=True, kw_only=True)
class CrashCount:
    """When a child died of late; times are monotonic seconds."""

    deaths: deque[float] = field(default_factory=deque)

    def add(self, now_s: float) -> None:
        """Note a death and forget those outside the window."""
        self.deaths.append(now_s)
        while self.deaths[0] <= now_s - CRASH_WINDOW_S:
            self.deaths.popleft()

    @property
    def is_over(self) -> bool:
        """Whether starting it again makes no sense."""
        return len(self.deaths) >= CRASH_LIMIT

    @property
    def delay_s(self) -> float:
        """How long to wait before the next start: doubling, with a ceiling."""
        doubled = _FIRST_DELAY_S * 2 ** max(len(self.deaths) - 1, 0)
        return float(min(doubled, _LONGEST_DELAY_S))


@dataclass(slots=True, kw_only=True, eq=False)
class Child:
    """A child as the supervisor sees it; ``process`` is None while it waits to be started."""

    spec: ProcessSpec
    label: str
    process: subprocess.Popen[bytes] | None = None
    crashes: CrashCount = field(default_factory=CrashCount)
    restart_at_s: float = 0.0
    stop_by_s: float | None = None
    _tail: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL_LINES))
    _partial: bytes = b""

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to stop, so that its end is no crash."""
        return self.stop_by_s is not None

    def start(self) -> None:
        """Start it; its output is read without blocking."""
        self.process = spawn(self.spec)
        if self.process.stdout is not None:
            os.set_blocking(self.process.stdout.fileno(), False)

    def ask_to_stop(self, now_s: float) -> None:
        """Send its stop signal to it alone; after its stop time it is killed."""
        if self.is_stopping:
            return
        self.stop_by_s = now_s + self.spec.stop_timeout_s
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.spec.stop_signal)

    def kill(self) -> None:
        """Kill it and everything it started."""
        if self.process is not None:
            kill_group(self.process.pid)

    def read_lines(self) -> list[str]:
        """The complete lines it wrote since the last call."""
        if self.process is None or self.process.stdout is None:
            return []
        received, at_end = _read_available(self.process.stdout.fileno())
        if at_end:
            self.process.stdout.close()
            self.process.stdout = None
        *lines, self._partial = (self._partial + received).split(b"\n")
        texts = [line.decode("utf-8", "replace").rstrip("\r") for line in lines]
        self._tail.extend(texts)
        return texts

    def close(self) -> list[str]:
        """Forget the dead process; the rest of its output, an unfinished line included."""
        process = self.process
        if process is None:
            return []
        finish(process)
        lines = self.read_lines()
        if self._partial:
            lines.append(self._partial.decode("utf-8", "replace"))
            self._tail.append(lines[-1])
            self._partial = b""
        if process.stdout is not None:
            process.stdout.close()
        self.process = None
        return lines

    def get_last_lines(self) -> str:
        """What it said last, for the person who must find out why it died."""
        if self.spec.log_path is not None:
            return get_log_tail(self.spec.log_path, lines=_TAIL_LINES)
        return "\n".join(self._tail)


def _read_available(descriptor: int) -> tuple[bytes, bool]:
    """What can be read now, and whether the other end is closed."""
    chunks = []
    try:
        while chunk := os.read(descriptor, _CHUNK_BYTES):
            chunks.append(chunk)
    except BlockingIOError:
        return b"".join(chunks), False
    return b"".join(chunks), True
