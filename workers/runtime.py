"""What one worker process is: its registration, its beat, its dispatcher, its readiness to pay."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Sequence
from typing import Final

from core.errors import AppError, UnavailableError
from core.ids import new_id
from core.log import get_logger
from services.batch_lane import leave_lane, run_lane
from services.deps import Deps
from services.dispatch import BEAT_S, STALE_S, Rounds, run_tick
from services.llm_check import require_llm
from services.process import (
    Hands,
    beat,
    end_process,
    give_back_unheld,
    is_deaf,
    register_process,
    start_draining,
    wait_for_schema,
)
from services.warm import warm_up

log = get_logger(__name__)

TICK_S: Final = 0.25
IDLE_TICK_S: Final = 2.0
LEAST_TICK_S: Final = 0.05
DEAF_STATUS: Final = 75
"""Exit status of a process that hears no messages: "try again later"."""


class Runtime:
    """One worker process between boot and shutdown; jobs see it as their lease."""

    def __init__(self, deps: Deps, *, leave: Callable[[int], object] = os._exit) -> None:
        self.deps = deps
        self._leave = leave
        self.process_id: uuid.UUID = new_id()
        self.hands = Hands()
        self._ending = threading.Event()
        self._woken = threading.Event()
        self._beat_failed = threading.Event()
        self._threads: list[threading.Thread] = []
        self._queues: Sequence[str] = ()
        self._worker_threads = 0

    def start(self, queues: Sequence[str], worker_threads: int) -> None:
        """Wait for the schema, register, and begin to beat and to dispatch.

        A process without queues runs one job that it was started for, and does not dispatch.
        """
        self._queues, self._worker_threads = queues, worker_threads
        warm_up()
        wait_for_schema(self.deps)
        require_llm(self.deps)
        self._register()
        loops = {"beat": self._beat}
        if queues:
            loops |= {"dispatcher": self._dispatch, "bell": self._listen}
        if queues and self.deps.batches is not None:
            loops["batch lane"] = self._work_batches
        for name, loop in loops.items():
            thread = threading.Thread(target=loop, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def _register(self) -> None:
        register_process(
            self.deps, self.process_id, queues=self._queues, threads=self._worker_threads
        )

    def may_call(self) -> bool:
        """No paid call starts while the process drains, or once it has missed a beat."""
        return not (self._ending.is_set() or self._beat_failed.is_set())

    @property
    def may_claim(self) -> bool:
        """Whether another job may be claimed."""
        return not self._ending.is_set()

    def wake(self) -> None:
        """There may be new work: let the dispatcher look at once."""
        self._woken.set()

    def drain(self) -> None:
        """Claim and pay nothing more; what is left behind now is no crash."""
        self._ending.set()
        self._woken.set()
        try:
            start_draining(self.deps, self.process_id)
        except AppError as fault:
            log.warning("draining_not_said", reason=fault.message)

    def _give_up(self) -> None:
        """Leave at once, to be started anew; what its threads still hold is no crash."""
        self.drain()
        self._leave(DEAF_STATUS)

    def end(self) -> None:
        """Leave in order."""
        for thread in self._threads:
            thread.join(timeout=BEAT_S)
        try:
            end_process(self.deps, self.process_id)
        except AppError as fault:
            log.warning("end_not_said", reason=fault.message)
        log.info("worker_drained", process_id=str(self.process_id))
        self.deps.database.dispose()

    def _beat(self) -> None:
        while not self._ending.wait(BEAT_S):
            try:
                if not beat(self.deps, self.process_id):
                    self._register()
                self._beat_failed.clear()
                give_back_unheld(self.deps, self.process_id, self.hands)
                if is_deaf(self.deps, self.hands, queues=self._queues):
                    log.error("worker_deaf", idle_s=round(self.hands.idle_s))
                    self._give_up()
            except UnavailableError as fault:
                self._beat_failed.set()
                log.warning("beat_failed", reason=fault.message)
            except Exception:
                # The thread must live: a process without a beat loses its jobs while it pays.
                self._beat_failed.set()
                log.exception("beat_failed")

    def _listen(self) -> None:
        while not self._ending.is_set():
            if self.deps.queue.wait_for_wake():
                self.wake()

    def _work_batches(self) -> None:
        wait_s = 0.0
        while not self._ending.wait(wait_s):
            wait_s = float(self.deps.settings.groq_batch_poll_s)
            try:
                wait_s = run_lane(self.deps, self.process_id)
            except UnavailableError as fault:
                log.warning("batch_lane_failed", reason=fault.message)
            except Exception:
                # The thread must live: jobs would wait until the end of their window.
                log.exception("batch_lane_failed")
        try:
            leave_lane(self.deps, self.process_id)
        except AppError as fault:
            log.warning("batch_lane_not_left", reason=fault.message)

    def _dispatch(self) -> None:
        rounds, wait_s = Rounds(), TICK_S
        while not self._ending.is_set():
            try:
                sent = run_tick(self.deps, rounds)
                wait_s = TICK_S if sent else min(wait_s * 2, IDLE_TICK_S)
            except UnavailableError as fault:
                rounds.note_outage()
                wait_s = IDLE_TICK_S
                log.warning("tick_failed", reason=fault.message, rescue_in_s=STALE_S)
            except Exception:
                # The thread must live: nobody would notice a process that dispatches no more.
                wait_s = IDLE_TICK_S
                log.exception("tick_failed")
            self._ending.wait(LEAST_TICK_S)
            if self._woken.wait(wait_s):
                self._woken.clear()
                wait_s = TICK_S
