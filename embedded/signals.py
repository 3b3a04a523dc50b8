"""Turns stop signals into a count, and wakes a waiting loop at once."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from types import FrameType, TracebackType
from typing import Self

from core.clock import monotonic_s

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SAME_WISH_S = 0.5


class StopSignals:
    """Counts INT, TERM and HUP while it is entered; main thread only.

    Two within half a second are one wish: who stops a group and its leader's parent sends both.

    Handlers are set explicitly: a background job of a shell inherits INT ignored. Until
    ``start_counting`` a stop signal raises KeyboardInterrupt, so that start-up steps that wait
    for something end at once and clean up after themselves.
    """

    def __init__(self) -> None:
        self.count = 0
        self._counting = False
        self._last_s = -_SAME_WISH_S
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            os.set_blocking(end.fileno(), False)

    def __enter__(self) -> Self:
        """Take the signals over; SIGCHLD only so that it wakes the loop."""
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in _STOP_SIGNALS:
            signal.signal(number, self._note)
        signal.signal(signal.SIGCHLD, _ignore)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the signals back."""
        for number in (*_STOP_SIGNALS, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.set_wakeup_fd(-1)
        self._reader.close()
        self._writer.close()

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        now_s = monotonic_s()
        if now_s - self._last_s >= _SAME_WISH_S:
            self.count += 1
        self._last_s = now_s
        if not self._counting:
            raise KeyboardInterrupt

    def start_counting(self) -> None:
        """From here on signals are only counted."""
        self._counting = True

    def fileno(self) -> int:
        """Readable whenever a signal came in."""
        return self._reader.fileno()

    def drain(self) -> None:
        """Forget the wake-ups, not the count."""
        with contextlib.suppress(BlockingIOError):
            while self._reader.recv(1024):
                pass


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """A handler, where ignoring the signal would also stop it from waking us."""
