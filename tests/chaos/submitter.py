"""``python -m tests.chaos.submitter JOBS SHARE SEED``: submits, and dies now and then.

Each job is submitted by a child of its own, which in ``SHARE`` of the cases kills itself between
the commit and the push of the message.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from dataclasses import replace
from typing import Any, Final

from core.settings import load_settings, process_environ
from services.access import find_seller
from services.deps import build_web_deps
from services.submit import submit_job
from tests.support.jobs import make_long_listing, make_order

EMAIL: Final = "outbox@example.com"
JOBS_PER_CHILD: Final = 5


class DeadlyRoad:
    """A road at whose entrance the process dies; everything else is the real one's."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.is_deadly = False

    def __getattr__(self, name: str) -> Any:
        """What the real road has."""
        return getattr(self._inner, name)

    def push(self, dispatches: Any) -> None:
        """Die, or push."""
        self._die()
        self._inner.push(dispatches)

    def wake_dispatcher(self) -> None:
        """Die, or ring."""
        self._die()
        self._inner.wake_dispatcher()

    def _die(self) -> None:
        if self.is_deadly:
            os.kill(os.getpid(), signal.SIGKILL)


def submit_some(first: int, most: int, *, share: float, seed: int) -> None:
    """Submit from ``first`` on, in a child that tells by its end how far it came."""
    deps = build_web_deps(load_settings(process_environ()))
    road = DeadlyRoad(deps.queue)
    deps = replace(deps, queue=road)
    seller = find_seller(deps, EMAIL)
    assert seller is not None
    dice = random.Random(f"{seed}-{first}")  # noqa: S311 - not a secret
    for number in range(first, min(first + JOBS_PER_CHILD, most)):
        road.is_deadly = dice.random() < share
        submit_job(deps, seller.id, make_order(make_long_listing(f"SKU-{number}", f"{number}")))
        os.write(1, b".")


def main(jobs: int, *, share: float, seed: int) -> None:
    """Submit all, whoever dies on the way; a death tells that one more row was committed."""
    done = 0
    while done < jobs:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(writer, 1)
            submit_some(done, jobs, share=share, seed=seed)
            os._exit(0)
        os.close(writer)
        _, status = os.waitpid(child, 0)
        with os.fdopen(reader, "rb") as told:
            done += len(told.read())
        if os.WIFSIGNALED(status):
            done += 1
            sys.stdout.write("killed\n")
        elif status != 0:
            sys.exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]), share=float(sys.argv[2]), seed=int(sys.argv[3]))
