"""What came of a fault: the truth of Postgres against the provider's books."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from domain.job import MOVES, JobState
from tests.chaos.stage import Scene

ENDED = "state IN ('completed', 'discarded', 'cancelled')"
ANSWERS = "app.llm_answer"
RECOVERED = """
SELECT min(extract(epoch FROM m.at - CAST(:killed AS timestamptz)))::float8
FROM app.chaos_move m WHERE m.job_id = ANY(:jobs) AND m.became = 'running'
  AND m.at > CAST(:killed AS timestamptz) GROUP BY m.job_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One line of the fault table; ``breaches`` says what is not as promised.

    ``rebilled`` are calls billed for which no answer is kept, ``in_flight`` those under way when
    something was killed: the most that may be billed again.
    """

    injected: str
    jobs: int
    lost: int
    rebilled: int
    in_flight: int = 0
    recovery_s: tuple[float, ...] = ()
    said: str = ""
    breaches: tuple[str, ...] = ()

    def require(self, *, holds: bool, else_: str) -> Verdict:
        """The same verdict, with a breach where something does not hold."""
        return self if holds else replace(self, breaches=(*self.breaches, else_))

    def recover(self, times: Sequence[float]) -> Verdict:
        """The same verdict, with these times of recovery in seconds."""
        return replace(self, recovery_s=tuple(sorted(times)))

    def say(self, what: str) -> Verdict:
        """The same verdict, with something to tell beside its figures."""
        return replace(self, said=what)


@dataclass(slots=True)
class Kills:
    """The faults of one run, and the jobs each of them struck."""

    scene: Scene
    in_flight: int = 0
    struck: list[tuple[dt.datetime, list[str]]] = field(default_factory=list)

    def note(self, owners: Sequence[str]) -> None:
        """These processes were killed this moment: remember what they had in hand."""
        [(now,)] = self.scene.query("SELECT clock_timestamp()")
        rows = self.scene.query(
            "SELECT id FROM app.job WHERE state = 'running' AND lease_owner::text = ANY(:owners)",
            owners=list(owners),
        )
        jobs = [str(row[0]) for row in rows]
        self.struck.append((now, jobs))
        self.in_flight += self.scene.count(
            "app.llm_call WHERE state = 'planned' AND job_id::text = ANY(:jobs)", jobs=jobs
        )

    def measure(self) -> tuple[float, ...]:
        """Seconds from each kill to the next claim of each job it struck."""
        found: list[float] = []
        for killed, jobs in self.struck:
            rows = self.scene.query(
                RECOVERED.replace("ANY(:jobs)", "ANY(CAST(:jobs AS uuid[]))"),
                killed=killed,
                jobs=jobs,
            )
            found += [float(row[0]) for row in rows]
        return tuple(sorted(found))


def judge(
    scene: Scene,
    *,
    injected: str,
    jobs: int,
    kills: Kills | None = None,
    dead: int = 0,
    asks_again: bool = False,
) -> Verdict:
    """Compare the books once everything has ended.

    ``jobs`` were promised, ``dead`` of them are to end as dead letters. Where no answer is
    ``asks_again`` for, each listing may stand in the provider's book once.
    """
    ended = scene.count(f"app.job WHERE kind = 'optimize' AND {ENDED}")
    completed = scene.count("app.job WHERE kind = 'optimize' AND state = 'completed'")
    ledger = scene.groq.ledger()
    unkept = int(ledger["billed_calls"]) - scene.count(ANSWERS)
    doubled = 0 if asks_again else sum(times - 1 for times in ledger["by_job"].values())
    verdict = Verdict(
        injected=injected,
        jobs=jobs,
        lost=jobs - ended,
        rebilled=max(0, unkept, doubled),
        in_flight=kills.in_flight if kills else 0,
        recovery_s=kills.measure() if kills else (),
    )
    return check_books(scene, verdict).require(
        holds=jobs - completed == dead,
        else_=f"{completed} of {jobs} completed, {dead} were to die",
    )


def check_books(scene: Scene, verdict: Verdict) -> Verdict:
    """What must hold whatever the fault was."""
    illegal = [
        (was, became)
        for was, became in scene.query("SELECT DISTINCT was, became FROM app.chaos_move")
        if JobState(became) not in MOVES[JobState(was)]
    ]
    ended_twice = scene.query(
        "SELECT job_id FROM app.chaos_move WHERE became IN ('completed', 'discarded', 'cancelled')"
        " GROUP BY job_id HAVING count(*) > 1"
    )
    twins = scene.query("SELECT job_id FROM app.suggestion GROUP BY job_id HAVING count(*) > 1")
    planned = scene.count("app.llm_call WHERE state = 'planned'")
    unpaid = scene.count(
        f"{ANSWERS} a WHERE NOT EXISTS (SELECT FROM app.llm_call c"
        " WHERE c.job_id = a.job_id AND c.step = a.step AND c.state = 'answered')"
    )
    bad_tallies = scene.query(_TALLIES)
    return (
        verdict.require(holds=verdict.lost == 0, else_=f"{verdict.lost} jobs lost")
        .require(
            holds=verdict.rebilled <= verdict.in_flight,
            else_=f"{verdict.rebilled} billed again, {verdict.in_flight} were in flight",
        )
        .require(holds=not illegal, else_=f"moves that are not in the table: {illegal}")
        .require(holds=not ended_twice, else_=f"{len(ended_twice)} jobs ended twice")
        .require(holds=not twins, else_=f"{len(twins)} jobs with two suggestions")
        .require(holds=planned == 0, else_=f"{planned} calls still planned")
        .require(holds=unpaid == 0, else_=f"{unpaid} answers without a bill")
        .require(holds=not bad_tallies, else_=f"tallies that do not add up: {bad_tallies}")
    )


_TALLIES = """
SELECT t.batch_id, t.completed, j.completed FROM (
  SELECT batch_id, sum(coalesce((counts->>'completed')::numeric, 0)) AS completed
  FROM app.batch_tally GROUP BY batch_id) t
JOIN (SELECT batch_id, count(*) FILTER (WHERE state = 'completed') AS completed
  FROM app.job WHERE batch_id IS NOT NULL GROUP BY batch_id) j USING (batch_id)
WHERE t.completed <> j.completed
"""


def find_percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of them do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
