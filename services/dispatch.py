"""The dispatcher: outbox, sweeper and fairness in one loop that one process at a time leads."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.orm import Session

from core.clock import monotonic_s
from core.errors import UnavailableError
from core.log import get_logger
from domain.job import MAX_CRASHES, JobState, Lane
from domain.ports import Dispatch
from models import batch as batches
from models import dispatch as statements
from models import idempotency
from models import import_file as imports
from models import job as jobs
from models import llm_call as ledger
from models import operator_event as operator_events
from models.dispatch_survey import LaneLoad, Survey, make_survey
from models.session import Moves
from services.deps import Deps
from services.finish import add_counts, fail_import_of

log = get_logger(__name__)

BEAT_S: Final = 5.0
STALE_S: Final = 15.0
FRESH_S: Final = 60.0
"""A sent message counts as under way for so long; older ones are sent again."""

AGEING_EVERY_S: Final = 5.0
AGED_S: Final[dict[Lane, float]] = {Lane.INTERACTIVE: 2.0}
AGED_DEFAULT_S: Final = 10.0
ROAD_LOOK_S: Final = 1.0
JANITOR_EVERY_S: Final = 60.0
LEAST_WINDOW: Final = 8
SWEEP_LIMIT: Final = 500
FORGET_PROCESS_S: Final = 3600.0
FORGET_EVENTS_S: Final = 90 * 86_400.0


YOUNG_S: Final = 1.5 * BEAT_S
"""A process that has just come cannot know whether the others could beat: they get the time to."""


KNOWN_S_PER_SELLER: Final = 0.001
"""Who has jobs is remembered for so long: a thousand sellers a second, a few not to the next tick.

Finding them costs as much as choosing among them."""


@dataclass(frozen=True, slots=True)
class KnownSellers:
    """The sellers with unsent jobs in a lane, and until when that is taken as true."""

    ids: Sequence[uuid.UUID]
    until_s: float


BUDGETED: Final = (Lane.BULK, Lane.SCHEDULED)
AHEAD_S: Final = 3.0
"""Work is sent so far ahead of the budget; in the interactive lane somebody waits, so at once."""

LONG_PAUSE_S: Final = 120.0
LEAST_CALL_TOKENS: Final = 1_000
"""A call takes about so many: a quota that does not give them within a long pause is spent."""


@dataclass(slots=True)
class Rounds:
    """When the slower duties were last done, which road it was, from when on to rescue."""

    aged_s: float = -1e9
    cleaned_s: float = -1e9
    looked_s: float = -1e9
    epoch: str = ""
    known: dict[Lane, KnownSellers] = field(default_factory=dict)
    rescue_from_s: float = field(default_factory=lambda: monotonic_s() + YOUNG_S)

    def note_outage(self) -> None:
        """The database did not answer: beats were missed that were not the workers' fault."""
        self.rescue_from_s = monotonic_s() + STALE_S


def run_tick(deps: Deps, rounds: Rounds) -> int:
    """One round: rescue, pick fairly, push, and now and then look for lost messages.

    Returns how many messages were sent; 0 also when another process leads. Raises
    UnavailableError when the database is away.
    """
    now_s = monotonic_s()
    look_for_lost(deps, rounds, now_s)
    dispatches = lead(deps, rounds, rescues=now_s >= rounds.rescue_from_s)
    if dispatches is None:
        return 0
    # Marked and committed first: a crash here only delays, it never loses or doubles.
    if dispatches:
        push_or_unmark(deps, dispatches)
    if now_s - rounds.cleaned_s > JANITOR_EVERY_S:
        rounds.cleaned_s = now_s
        clean_up(deps)
    return len(dispatches)


def lead(deps: Deps, rounds: Rounds, *, rescues: bool) -> list[Dispatch] | None:
    """Mark as sent what there is room for, once nothing is left to mend; None: another leads.

    The lock is a statement of its own: what follows must see what the last leader committed.
    """
    is_mended = False
    while True:
        with deps.database.moves(system="dispatch") as moves:
            if not statements.take_leadership(moves, deps.pool):
                return None
            survey = make_survey(moves, deps.pool, fresh_s=FRESH_S, stale_s=STALE_S)
            if is_mended or not (survey.has_batches or (survey.has_lost and rescues)):
                return pick_all(moves, deps, rounds, survey)
        mend(deps, rescues=rescues)
        is_mended = True


def mend(deps: Deps, *, rescues: bool) -> None:
    """Rescue what is lost, end what is halted, close what is done: rare, so in a Session."""
    with deps.database.transaction(system="mend") as session:
        if not statements.take_leadership(session, deps.pool):
            return
        if rescues:
            rescue_lost(session, deps)
        finish_batches(session, deps)


def pick_all(moves: Moves, deps: Deps, rounds: Rounds, survey: Survey) -> list[Dispatch]:
    """What every lane has room for, chosen fairly over sellers; and one job under suspicion."""
    rooms = {lane: measure_lane_room(load) for lane, load in survey.lanes.items() if load.waits}
    open_lanes = {lane: room for lane, room in rooms.items() if room > 0}
    tokens = statements.UNLIMITED
    if any(lane in BUDGETED for lane in open_lanes):
        tokens = find_token_window(deps, survey.lanes)
    chosen: list[Dispatch] = []
    for lane, room in open_lanes.items():
        most = tokens if lane in BUDGETED else statements.UNLIMITED
        chosen += pick_lane(moves, deps.pool, rounds.known, lane=lane, room=room, tokens=most)
    if survey.has_suspects:
        chosen += statements.pick_suspect(moves, pool=deps.pool)
    return chosen


def measure_lane_room(load: LaneLoad) -> int:
    """How many more jobs may be under way in a lane: twice what its threads run at once."""
    return max(2 * load.threads, LEAST_WINDOW) - load.sent - load.running


def find_token_window(deps: Deps, loads: Mapping[Lane, LaneLoad]) -> int:
    """How many tokens of work the provider's budget lets us send now: one line, not two.

    What is there, and what flows back in some seconds, less what was sent and has not begun. While
    the provider holds us back for long, or the day's quota is spent, there is no such window: who
    left us the choice gets rules, and the others learn when their turn is.
    """
    if deps.door is None:
        return statements.UNLIMITED
    room = deps.door.budget.measure_room()
    is_spent = room.tokens + LONG_PAUSE_S * room.tokens_per_s < LEAST_CALL_TOKENS
    if is_spent or room.paused_s > LONG_PAUSE_S:
        return statements.UNLIMITED
    soon = max(0.0, AHEAD_S - room.paused_s) * room.tokens_per_s
    sent = sum(load.sent_tokens for load in loads.values())
    return max(0, int(room.tokens + soon) - sent)


def pick_lane(
    session: Session | Moves,
    pool: str,
    known: dict[Lane, KnownSellers],
    *,
    lane: Lane,
    room: int,
    tokens: int = statements.UNLIMITED,
) -> list[Dispatch]:
    """Up to ``room`` jobs of one lane; who has jobs there is looked up anew when it is time to.

    It is time at the next tick, too, where those who are remembered had too little.
    """
    now_s, sellers = monotonic_s(), known.get(lane)
    if sellers is None or now_s >= sellers.until_s:
        ids = statements.list_active(session, pool=pool, lane=lane)
        sellers = known[lane] = KnownSellers(ids, now_s + len(ids) * KNOWN_S_PER_SELLER)
    if not sellers.ids:
        return []
    picked = statements.pick_due(
        session, pool=pool, lane=lane, room=room, sellers=sellers.ids, tokens=tokens
    )
    if len(picked) < room:
        del known[lane]
    return picked


def push_or_unmark(deps: Deps, dispatches: list[Dispatch]) -> None:
    """Send; what could not be sent is picked again."""
    try:
        deps.queue.push(dispatches)
    except UnavailableError as fault:
        log.warning("push_failed", jobs=len(dispatches), reason=fault.message)
        with deps.database.moves(system="unmark unsent", single=True) as moves:
            statements.clear_sent(moves, dispatches)


def rescue_lost(session: Session, deps: Deps) -> None:
    """Take back jobs whose process died or whose time is over."""
    rescued = jobs.rescue_jobs(
        session, pool=deps.pool, stale_s=STALE_S, max_crashes=MAX_CRASHES, limit=SWEEP_LIMIT
    )
    if not rescued:
        return
    ledger.mark_calls_unknown(session, [job.id for job in rescued])
    for job in rescued:
        if job.state in (JobState.DISCARDED, JobState.CANCELLED):
            add_counts(session, job, {job.state: 1})
        if job.state == JobState.DISCARDED:
            fail_import_of(
                session, job, code=job.error_code or "worker_lost", detail=job.error_detail or ""
            )
    log.warning("jobs_rescued", jobs=len(rescued))


def look_for_lost(deps: Deps, rounds: Rounds, now_s: float) -> None:
    """See to messages that vanished: every few seconds, and at once when the road is another one.

    No lock and no transaction is held while Redis is asked; two processes may do it at once.
    """
    is_new = is_new_road(deps, rounds, now_s)
    if is_new or now_s - rounds.aged_s > AGEING_EVERY_S:
        rounds.aged_s = now_s
        find_lost_messages(deps, at_once=is_new)


def is_new_road(deps: Deps, rounds: Rounds, now_s: float) -> bool:
    """Whether Redis was emptied or replaced since this process last looked."""
    if now_s - rounds.looked_s < ROAD_LOOK_S:
        return False
    rounds.looked_s = now_s
    try:
        before, rounds.epoch = rounds.epoch, deps.queue.read_epoch()
    except UnavailableError:
        return False
    if before in ("", rounds.epoch):
        return False
    log.warning("road_replaced")
    return True


def find_lost_messages(deps: Deps, *, at_once: bool) -> None:
    """Send again what was sent but is neither running nor on the road any more.

    Messages get a while to be claimed before they are missed, unless it must be ``at_once``.
    """
    least_s = 0.0 if at_once else min(AGED_DEFAULT_S, *AGED_S.values())
    with deps.database.moves(system="list sent", single=True) as moves:
        sent = statements.list_sent(moves, deps.pool, older_than_s=least_s, limit=1000)
    aged = [
        (d, age_s) for d, age_s in sent if at_once or age_s > AGED_S.get(d.lane, AGED_DEFAULT_S)
    ]
    if not aged:
        return
    try:
        missing = set(deps.queue.find_missing([d for d, _ in aged]))
    except UnavailableError as fault:
        log.warning("ageing_skipped", reason=fault.message)
        return
    with deps.database.moves(system="unmark lost", single=True) as moves:
        # Redis lists messages as in the hands of a worker that died, or that never got the reply.
        dead = statements.has_died_lately(moves, deps.pool, stale_s=STALE_S, within_s=2 * FRESH_S)
        patience_s = {Lane.INTERACTIVE: STALE_S}
        most_s = STALE_S if dead else FRESH_S
        again = [d for d, age_s in aged if d in missing or age_s > patience_s.get(d.lane, most_s)]
        if again:
            statements.clear_sent(moves, again)
    if again:
        log.warning("messages_lost", jobs=len(again))


def finish_batches(session: Session, deps: Deps) -> None:
    """Cancel what waits in halted batches; close batches whose last job has ended."""
    for job in jobs.cancel_halted(session, pool=deps.pool, limit=1000):
        add_counts(session, job, {JobState.CANCELLED.value: 1})
    for seller_id, batch_id in batches.complete_batches(session):
        imports.finish_of_batch(session, seller_id, batch_id)
        log.info("batch_completed", batch_id=str(batch_id))


def clean_up(deps: Deps) -> None:
    """The janitor: forgets dead processes, cancels what abandoned commands left, drops old keys."""
    with deps.database.transaction(system="clean up") as session:
        statements.delete_dead_processes(session, older_than_s=FORGET_PROCESS_S)
        idempotency.delete_old_keys(session)
        operator_events.delete_old_events(session, older_than_s=FORGET_EVENTS_S)
        cancel_abandoned(session)


def cancel_abandoned(session: Session) -> None:
    """End the jobs of commands that died: nobody will ever run them."""
    for pool in statements.list_abandoned_pools(session, stale_s=STALE_S):
        log.warning("pool_abandoned", pool=pool, jobs=cancel_pool(session, pool))


def cancel_pool(session: Session, pool: str) -> int:
    """Cancel everything unfinished of a pool, counted in its batches; how many jobs."""
    cancelled = statements.cancel_pool(session, pool)
    for (seller_id, batch_id), count in Counter(cancelled).items():
        if batch_id is not None:
            batches.add_tally(
                session,
                seller_id=seller_id,
                batch_id=batch_id,
                shard=0,
                counts={JobState.CANCELLED.value: count},
            )
    return len(cancelled)
