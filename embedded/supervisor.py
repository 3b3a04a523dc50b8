"""Keeps child processes running: output, restarts, replicas, and an ordered end."""

from __future__ import annotations

import select
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TextIO

from core.clock import monotonic_s
from embedded.children import CRASH_LIMIT, CRASH_WINDOW_S, Child
from embedded.processes import ProcessSpec
from embedded.servers import ServerProcess
from embedded.signals import StopSignals

_TURN_S = 1.0
_BUSY_TURN_S = 0.05

ReadWanted = Callable[[], Mapping[str, int]]
"""How many replicas of each replicable child are wanted; names not in it stay as they are."""


class Supervisor:
    """Runs everything from one thread, which the kernel ties the children's lives to.

    ``servers`` are already running; they are kept alive like the rest and stopped last, in
    reverse order.
    """

    def __init__(
        self,
        servers: Sequence[ServerProcess],
        *,
        signals: StopSignals,
        read_wanted: ReadWanted,
        out: TextIO | None = None,
    ) -> None:
        self._signals = signals
        self._read_wanted = read_wanted
        self._out = out or sys.stdout
        self._servers = [
            Child(spec=server.spec, label=server.spec.name, process=server.process)
            for server in servers
        ]
        self._children: list[Child] = []
        self._replicable: dict[str, ProcessSpec] = {}
        self._next_scaling_s = 0.0
        self._failure = ""

    def add(self, spec: ProcessSpec) -> None:
        """Start a child, and again whenever it dies (once only, if the spec says so)."""
        if spec.replicable:
            self._replicable[spec.name] = spec
        self._start(Child(spec=spec, label=self._choose_label(spec)))

    def run(self, *, until: Callable[[], bool] | None = None) -> bool:
        """Keep everything running until ``until`` is true (True), or it is time to ``stop``.

        That time is a stop signal or a crash loop. Nothing is stopped here.
        """
        while until is None or not until():
            if self._signals.count or self._failure:
                return False
            self._turn(_BUSY_TURN_S if until else _TURN_S)
        return True

    def stop(self) -> int:
        """Stop the children together, then the servers in reverse; 1 after a crash loop, else 0.

        Another stop signal meanwhile kills what is left.
        """
        self._say("stopping; once more kills at once" if not self._failure else "stopping")
        patience = self._signals.count
        self._stop_all(self._children, patience=patience)
        for server in reversed(self._servers):
            self._stop_all([server], patience=patience)
        if self._failure:
            self._say(self._failure)
        return 1 if self._failure else 0

    def _stop_all(self, children: list[Child], *, patience: int) -> None:
        for child in children:
            child.ask_to_stop(monotonic_s())
        while any(child.process is not None for child in children):
            if self._signals.count > patience:
                for child in children:
                    child.kill()
            self._turn(_BUSY_TURN_S)

    def _turn(self, longest_s: float) -> None:
        """Wait for output, a signal or the next date, then look after everyone once."""
        self._wait(longest_s)
        for child in [*self._servers, *self._children]:
            self._look_after(child, monotonic_s())
        self._children = [
            child for child in self._children if child.process or not child.is_stopping
        ]
        if monotonic_s() >= self._next_scaling_s:
            self._next_scaling_s = monotonic_s() + _TURN_S
            self._scale(self._read_wanted())

    def _wait(self, longest_s: float) -> None:
        everyone = [*self._servers, *self._children]
        outputs = [
            child.process.stdout.fileno()
            for child in everyone
            if child.process and child.process.stdout
        ]
        waiting = any(child.process is None or child.is_stopping for child in everyone)
        timeout_s = _BUSY_TURN_S if waiting else longest_s
        select.select([self._signals.fileno(), *outputs], [], [], timeout_s)
        self._signals.drain()

    def _look_after(self, child: Child, now_s: float) -> None:
        if child.process is None:
            if not child.is_stopping and now_s >= child.restart_at_s:
                self._start(child, again=True)
            return
        self._print(child, child.read_lines())
        status = child.process.poll()
        if status is not None:
            self._note_death(child, status=status, now_s=now_s)
        elif child.stop_by_s is not None and now_s >= child.stop_by_s:
            self._say(f"{child.label} did not stop in time; killed")
            child.kill()

    def _note_death(self, child: Child, *, status: int, now_s: float) -> None:
        self._print(child, child.close())
        if child.is_stopping:
            return
        if child.spec.once:
            self._note_end(child, status=status)
            return
        child.crashes.add(now_s)
        child.restart_at_s = now_s + child.crashes.delay_s
        if child.crashes.is_over:
            self._give_up(child, status=status)
            return
        ended = f"{child.label} ended (status {status})"
        self._say(f"{ended}; starting it again in {child.crashes.delay_s:.1f} s")

    def _note_end(self, child: Child, *, status: int) -> None:
        child.ask_to_stop(monotonic_s())
        if status != 0:
            self._say(f"{child.label} failed (status {status}); the rest goes on")

    def _give_up(self, child: Child, *, status: int) -> None:
        child.ask_to_stop(monotonic_s())
        self._failure = (
            f"{child.label} ended {CRASH_LIMIT} times within {CRASH_WINDOW_S:.0f} s, "
            f"the last time with status {status}. Its last lines:\n{child.get_last_lines()}"
        )

    def _start(self, child: Child, *, again: bool = False) -> None:
        child.start()
        if not again:
            self._children.append(child)

    def _scale(self, wanted: Mapping[str, int]) -> None:
        if self._signals.count or self._failure:
            return
        for name, spec in self._replicable.items():
            alive = [c for c in self._children if c.spec is spec and not c.is_stopping]
            count = wanted.get(name, len(alive))
            for _missing in range(count - len(alive)):
                self.add(spec)
            for surplus in alive[max(count, 0) :]:
                surplus.ask_to_stop(monotonic_s())
            if count != len(alive):
                self._say(f"{name}: {len(alive)} → {count} replicas")

    def _choose_label(self, spec: ProcessSpec) -> str:
        taken = {child.label for child in self._children}
        labels = (f"{spec.name}.{number}" if number > 1 else spec.name for number in range(1, 1000))
        return next(label for label in labels if label not in taken)

    def _print(self, child: Child, lines: Sequence[str]) -> None:
        prefix = "" if child.spec.once else f"{child.label:<11} | "
        for line in lines:
            self._write(prefix + line)

    def _say(self, text: str) -> None:
        for line in text.splitlines():
            self._write(f"{'supervisor':<11} | {line}")

    def _write(self, line: str) -> None:
        try:
            print(line, file=self._out, flush=True)
        except OSError:  # whoever read our output is gone; that is no reason to leave children
            self._signals.count = max(self._signals.count, 1)
