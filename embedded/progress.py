"""A progress bar with the time left, on a terminal; a line now and then elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TextIO

from core.clock import monotonic_s

WIDTH: Final = 28
LINE_EVERY_S: Final = 10.0


@dataclass(slots=True)
class Progress:
    """Shows how far something is."""

    stream: TextIO
    label: str = ""
    _began_s: float = field(default_factory=monotonic_s)
    _shown_s: float = -1e9
    _open: bool = False
    _waits: str = ""
    _last_s: float = field(default_factory=monotonic_s)

    def show(self, label: str, done: int, total: int, *, waits: str = "") -> None:
        """Say how far ``label`` is; a new label begins a new bar.

        ``waits`` says why it does not go on: no time left is told then, nor counted as work.
        """
        now_s = monotonic_s()
        if label != self.label:
            self.close()
            self.label, self._began_s, self._shown_s = label, now_s, -1e9
        elif self._waits:
            self._began_s += now_s - self._last_s
        if bool(waits) != bool(self._waits):
            self._shown_s = -1e9
        self._waits, self._last_s = waits, now_s
        text = build_line(label, done, total, elapsed_s=now_s - self._began_s, waits=waits)
        if self.stream.isatty():
            self.stream.write(f"\r{text}\x1b[K")
            self._open = True
        elif monotonic_s() - self._shown_s > LINE_EVERY_S:
            self.stream.write(f"{text}\n")
            self._shown_s = monotonic_s()
        self.stream.flush()

    def close(self) -> None:
        """End the line of the bar."""
        if self._open:
            self.stream.write("\n")
            self.stream.flush()
            self._open = False


def build_line(label: str, done: int, total: int, *, elapsed_s: float, waits: str = "") -> str:
    """The bar as text; ``total`` 0 means that it is not known yet."""
    if total <= 0:
        return f"{label} …"
    filled = WIDTH * min(done, total) // total
    bar = "█" * filled + "·" * (WIDTH - filled)
    ending = f", {waits}" if waits else _time_left(done, total, elapsed_s)
    return f"{label} {bar} {done}/{total}{ending}"


def _time_left(done: int, total: int, elapsed_s: float) -> str:
    if done <= 0 or done >= total:
        return ""
    minutes, seconds = divmod(round(elapsed_s / done * (total - done)), 60)
    return f", {minutes} min {seconds:02d} s left" if minutes else f", {seconds} s left"
