"""The life of a worker process as the database knows it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Final

from core.clock import wait_until
from core.errors import UnavailableError
from core.log import get_logger
from models import dispatch as statements
from services.deps import Deps
from services.health import check_readiness

log = get_logger(__name__)

SCHEMA_WAIT_S: Final = 120.0


def wait_for_schema(deps: Deps) -> None:
    """Wait until the database is there and at a schema this code knows.

    Services start in any order, so this is no fault for two minutes; then UnavailableError.
    """
    if check_readiness(deps).ready:
        return
    log.info("waiting_for_schema", wait_s=SCHEMA_WAIT_S)
    if not wait_until(lambda: check_readiness(deps).ready, timeout_s=SCHEMA_WAIT_S, poll_s=1.0):
        checks = check_readiness(deps).checks
        raise UnavailableError(f"the database is not ready: {checks}.", remedy="Run migrations.")


def register_process(
    deps: Deps, process_id: uuid.UUID, *, queues: Sequence[str], threads: int
) -> None:
    """Say that this process lives and which lanes it serves."""
    with deps.database.transaction(system="register process") as session:
        statements.insert_process(
            session, process_id=process_id, pool=deps.pool, queues=queues, threads=threads
        )


def beat(deps: Deps, process_id: uuid.UUID) -> bool:
    """Say that this process still lives; False when it was forgotten meanwhile."""
    with deps.database.statements(system="beat") as session:
        return statements.beat(session, process_id)


def start_draining(deps: Deps, process_id: uuid.UUID) -> None:
    """Say that this process was asked to end."""
    with deps.database.transaction(system="drain") as session:
        statements.set_draining(session, process_id)


def end_process(deps: Deps, process_id: uuid.UUID) -> None:
    """Say that this process has ended."""
    with deps.database.transaction(system="end process") as session:
        statements.delete_process(session, process_id)
