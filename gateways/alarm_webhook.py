"""Alarms on their way to the operator's own address: posted by a thread that nobody waits for."""

from __future__ import annotations

import atexit
import queue
import threading
from typing import Final

import requests

from core.clock import utc_now, wait_until
from core.log import get_logger
from domain.alarms import Alarm

TIMEOUT_S: Final = (3.0, 5.0)
MOST_WAITING: Final = 100
EXIT_S: Final = 5.0
"""So long the end of a process waits for alarms that are still to be posted."""

log = get_logger("alarm_webhook")


class AlarmWebhook:
    """Implements ``domain.ports.AlarmHook``: one POST of JSON for each alarm, never repeated.

    ``text`` in the body is the sentence for people, which chat services show as it is. What cannot
    be posted is logged: the alarm itself stands in the database. Redirects are not followed.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._waiting: queue.Queue[Alarm] = queue.Queue(MOST_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        atexit.register(self.flush, timeout_s=EXIT_S)

    def post(self, alarm: Alarm) -> None:
        """Have it posted soon; returns at once and raises nothing."""
        try:
            self._waiting.put_nowait(alarm)
        except queue.Full:
            log.warning("alarm_not_posted", kind=alarm.kind, reason="too many wait")
            return
        with self._lock:
            # Not in the constructor: a process that forks later would lose the thread.
            if self._thread is None:
                self._thread = threading.Thread(target=self._post_all, daemon=True)
                self._thread.start()

    def flush(self, *, timeout_s: float) -> bool:
        """Wait until all are posted or given up; False when the time was over before."""
        return wait_until(lambda: not self._waiting.unfinished_tasks, timeout_s=timeout_s)

    def _post_all(self) -> None:
        while True:
            alarm = self._waiting.get()
            try:
                self._post(alarm)
            finally:
                self._waiting.task_done()

    def _post(self, alarm: Alarm) -> None:
        body = {
            "text": f"Listwright {alarm.level}: {alarm.message}",
            "kind": alarm.kind,
            "key": alarm.key,
            "level": alarm.level,
            "message": alarm.message,
            "details": dict(alarm.details),
            "at": utc_now().isoformat(),
        }
        try:
            answer = self._session.post(
                self._url, json=body, timeout=TIMEOUT_S, allow_redirects=False
            )
            if not answer.ok or answer.is_redirect:
                log.warning(
                    "alarm_not_posted", kind=alarm.kind, reason=f"HTTP {answer.status_code}"
                )
        except (requests.RequestException, TypeError, ValueError) as fault:
            log.warning("alarm_not_posted", kind=alarm.kind, reason=type(fault).__name__)
