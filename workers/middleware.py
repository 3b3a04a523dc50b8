"""Ties the life of a Dramatiq worker to our runtime."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import dramatiq
from dramatiq.broker import Broker, MessageProxy
from dramatiq.worker import Worker

from core.errors import AppError, SettingsError
from core.log import get_logger
from domain.job import Lane
from workers.runtime import Runtime

log = get_logger(__name__)

REFUSED_STATUS: Final = 78
"""Exit status of a worker that its settings keep from starting: another start changes nothing."""

FAILED_STATUS: Final = 1


class Lifecycle(dramatiq.Middleware):
    """Starts the runtime when the worker boots, drains it first when it stops.

    The runtime is made in the worker's own process: connections must not cross a fork.
    """

    def __init__(self, build_runtime: Callable[[], Runtime]) -> None:
        self._build_runtime = build_runtime
        self._runtime: Runtime | None = None

    @property
    def runtime(self) -> Runtime:
        """The runtime of this process, from its boot on."""
        if self._runtime is None:
            self._runtime = self._build_runtime()
        return self._runtime

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        """Register before the first message is fetched; a process that cannot start ends.

        Dramatiq only logs what is raised here, and would go on without a beat and a dispatcher.
        """
        queues = sorted(worker.consumer_whitelist or {lane.value for lane in Lane})
        try:
            self.runtime.start(queues, worker.worker_threads)
        except AppError as fault:
            log.critical("worker_not_started", reason=str(fault))
            bad = isinstance(fault, SettingsError)
            raise SystemExit(REFUSED_STATUS if bad else FAILED_STATUS) from fault
        except Exception as fault:
            log.exception("worker_not_started")
            raise SystemExit(FAILED_STATUS) from fault

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Stop claiming at once."""
        self.runtime.drain()

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Leave in order."""
        self.runtime.end()

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: object = None,
        exception: BaseException | None = None,
    ) -> None:
        """A place is free: let the dispatcher fill it."""
        self.runtime.wake()
