"""The operator's commands, as Flask's command line offers them."""

from __future__ import annotations

import math
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from core.errors import AppError, UnavailableError
from core.settings import process_environ
from domain.alarms import AlarmKind
from domain.brief import EngineChoice, Mode
from domain.files.forms import Form
from domain.listing import Channel

MAX_USD: Final = 1_000_000.0
MAX_JOBS: Final = 10_000_000


def register_commands(group: click.Group) -> None:
    """Add all commands; each imports what it needs only when it runs."""
    for command in (up, doctor, audit, optimize, reoptimize, seller, jobs, events, groq):
        group.add_command(command)


def fail_plainly(run: Callable[[], int], *, away: int = 2) -> None:
    """Run a command; its faults become one line and exit code 2, ``away`` for what is away."""
    try:
        code = run()
    except AppError as fault:
        click.echo(str(fault), err=True)
        code = away if isinstance(fault, UnavailableError) else 2
    sys.exit(code)


def refuse_nan(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    """A range lets NaN through: nothing is below it, and nothing above."""
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is no amount of dollars.")
    return value


@click.command()
def up() -> None:
    """Run everything on this machine: servers, web, workers, scaler."""
    from embedded.up import run_up

    sys.exit(run_up(process_environ()))


@click.command()
def doctor() -> None:
    """Say what was found and chosen on this machine."""
    from embedded.doctor import run_doctor

    sys.exit(run_doctor(process_environ()))


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--channel", default="", help=f"{', '.join(Channel)} or all; default: the file's own")
@click.option("--store", default="US", show_default=True, help="country of the store, two letters")
@click.option("--category", default="", help="category of all listings; default: each one's own")
@click.option("--on", default="", help="rules of that day, YYYY-MM-DD; default: today")
@click.option("--profile", default="", help="the file's format, where we recognise another one")
@click.option("--ignore", multiple=True, help="RULE=REASON: its breaches are counted apart; again")
@click.option("--json", "as_json", is_flag=True, help="print one object on standard output")
@click.option("--jsonl", "as_lines", is_flag=True, help="print one finding a line, as they come")
@click.option("--out", type=click.Path(path_type=Path), help="write the findings there as CSV")
def audit(**given: Any) -> None:
    """Say what breaks a marketplace's rules in FILE. Needs no server, no network, no key."""
    from embedded.audit import AuditRequest, run_audit_command
    from services.audit import AuditWish

    typed = {name: given[name] for name in ("channel", "store", "category", "on", "profile")}
    request = AuditRequest(
        file=given["file"],
        wish=AuditWish(**typed),
        ignores=given["ignore"],
        out=given["out"],
        as_json=given["as_json"],
        as_lines=given["as_lines"],
    )
    sys.exit(run_audit_command(request))


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--channel", default="", help=f"{', '.join(Channel)}; default: the file's own")
@click.option("--out", type=click.Path(path_type=Path), help="where the result goes")
@click.option("--json", "as_json", is_flag=True, help="print one object on standard output")
@click.option("--engine", default="auto", type=click.Choice([one.value for one in EngineChoice]))
@click.option("--mode", default="fix", type=click.Choice([one.value for one in Mode]))
@click.option("--form", default=None, type=click.Choice([one.value for one in Form]))
@click.option("--fields", default="", help="only these fields may change: title,description,…")
@click.option("--limit", type=click.IntRange(min=0), help="so many products, in file order")
@click.option("--profile", default="", help="the file's format, where we recognise another one")
@click.option(
    "--llm-top",
    type=click.IntRange(min=0),
    help="the language model writes so many products, those worth most; rules write the others",
)
@click.option("--map", "pairs", multiple=True, help='title="Column name"; again for others; auto')
@click.option(
    "--voice",
    type=click.File(encoding="utf-8", errors="replace"),
    help="your wishes, as JSON: docs/api.md",
)
@click.option("--ignore", multiple=True, help="RULE=REASON: that rule does not hold; again")
@click.option("--problems", type=click.Path(path_type=Path), help="write row problems as CSV")
@click.option("--max-cost-usd", type=click.FloatRange(min=0), default=1.0, show_default=True)
@click.option(
    "--cheaper", is_flag=True, help="half the price, within a day: waits for Groq's batch"
)
def optimize(**given: Any) -> None:
    """Optimize FILE and write it back with the cells of passed suggestions changed."""
    from domain.batch_lane import Speed
    from domain.files.choices import parse_pairs, parse_profile
    from domain.marketplaces.mutes import parse_ignores
    from domain.voice import parse_wishes
    from embedded.optimize import Request, run_optimize_command
    from services.import_options import ImportOptions

    def run() -> int:
        options = ImportOptions(
            mode=Mode(given["mode"]),
            engine=EngineChoice(given["engine"]),
            fields=tuple(given["fields"].split(",")),
            limit=given["limit"],
            llm_top=given["llm_top"],
            profile=parse_profile(given["profile"], field="--profile"),
            mapping=parse_pairs(given["pairs"]),
            voice=parse_wishes(given["voice"].read() if given["voice"] else ""),
            mutes=parse_ignores(given["ignore"]),
            speed=Speed.BATCH if given["cheaper"] else Speed.NOW,
        )
        request = Request(
            file=given["file"],
            channel=given["channel"].lower(),
            out=given["out"],
            problems=given["problems"],
            options=options,
            form=Form(given["form"]) if given["form"] else None,
            max_cost_usd=given["max_cost_usd"],
            as_json=given["as_json"],
        )
        return run_optimize_command(request, process_environ())

    fail_plainly(run)


@click.command()
@click.option("--limit", type=click.IntRange(1, MAX_JOBS), default=1000, show_default=True)
@click.option(
    "--budget-usd",
    type=click.FloatRange(0, MAX_USD),
    callback=refuse_nan,
    help="the jobs may cost so much at most",
)
@click.option("--timeout-s", type=click.IntRange(1, 86_400), help="default: REOPTIMIZE_TIMEOUT_S")
@click.option("--all", "everything", is_flag=True, help="all stores but those switched off")
@click.option("--dry-run", is_flag=True, help="say what is due, change nothing")
@click.option("--json", "as_json", is_flag=True, help="print one object on standard output")
def reoptimize(*, as_json: bool, **given: Any) -> None:
    """Propose anew where it pays, for stores whose schedule is due today; then end (for cron).

    Exit codes: 0 done, 1 some trouble, 2 bad input, 3 another run is under way.
    """
    from embedded.reoptimize import run_reoptimize

    fail_plainly(lambda: run_reoptimize(process_environ(), given, as_json=as_json), away=1)


@click.group()
def seller() -> None:
    """Sellers and their keys."""


@seller.command("create")
@click.argument("email")
def seller_create(email: str) -> None:
    """Add a seller and print a new API key, alone, on standard output."""
    from embedded.operator import run_seller_create

    fail_plainly(lambda: run_seller_create(process_environ(), email))


@seller.command("operator")
@click.argument("email")
@click.argument("switch", type=click.Choice(["on", "off"]))
def seller_operator(email: str, switch: str) -> None:
    """Let a seller see the operator's page of this installation, or no longer."""
    from embedded.operator import run_seller_operator

    fail_plainly(lambda: run_seller_operator(process_environ(), email, on=switch == "on"))


@seller.command("caps")
@click.argument("email")
@click.option("--in-flight", type=click.IntRange(0), help="calls under way at once; 0: no cap")
@click.option("--day-usd", type=click.FloatRange(0), help="a UTC day's cap; 0: no cap")
@click.option("--month-usd", type=click.FloatRange(0), help="a UTC month's cap; 0: no cap")
def seller_caps(
    email: str, in_flight: int | None, day_usd: float | None, month_usd: float | None
) -> None:
    """Show what a seller may spend and has spent; change the caps that are named."""
    from embedded.spending import run_seller_caps

    fail_plainly(
        lambda: run_seller_caps(
            process_environ(), email, in_flight=in_flight, day_usd=day_usd, month_usd=month_usd
        )
    )


@seller.command("link")
@click.argument("email")
def seller_link(email: str) -> None:
    """Print a link that signs a seller in once, within a day."""
    from embedded.operator import run_seller_link

    fail_plainly(lambda: run_seller_link(process_environ(), email))


@click.group()
def jobs() -> None:
    """The queue: its figures, its dead letters, retry and cancel."""


@jobs.command("stats")
@click.option("--json", "as_json", is_flag=True, help="print one object on standard output")
def jobs_stats(*, as_json: bool) -> None:
    """Print what the queue holds, by lane."""
    from embedded.job_desk import run_stats

    fail_plainly(lambda: run_stats(process_environ(), as_json=as_json))


@jobs.command("dead")
@click.option("--reason", help="only those with this error code")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="print one object on standard output")
def jobs_dead(reason: str | None, limit: int, *, as_json: bool) -> None:
    """List dead letters: jobs that ended without a result."""
    from embedded.job_desk import run_dead

    fail_plainly(lambda: run_dead(process_environ(), reason=reason, limit=limit, as_json=as_json))


@jobs.command("retry")
@click.argument("job_id", type=click.UUID, required=False)
@click.option("--reason", help="all dead letters with this error code")
@click.option("--all", "everything", is_flag=True, help="all dead letters")
def jobs_retry(job_id: uuid.UUID | None, reason: str | None, *, everything: bool) -> None:
    """Let a dead letter run again, with all its attempts; its history is kept."""
    from embedded.job_desk import run_retry

    require_one(JOB_ID=job_id, reason=reason, all=everything)
    fail_plainly(lambda: run_retry(process_environ(), job_id=job_id, reason=reason))


@jobs.command("cancel")
@click.argument("job_id", type=click.UUID, required=False)
@click.option("--seller", "email", help="everything of the seller with this address")
@click.option("--import", "import_id", type=click.UUID, help="all jobs of an import")
def jobs_cancel(job_id: uuid.UUID | None, email: str | None, import_id: uuid.UUID | None) -> None:
    """Cancel jobs: what waits never starts, what runs ends at its next step."""
    from embedded.job_desk import run_cancel

    require_one(JOB_ID=job_id, seller=email, **{"import": import_id})
    fail_plainly(
        lambda: run_cancel(process_environ(), job_id=job_id, email=email, import_id=import_id)
    )


@click.command()
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
@click.option(
    "--kind",
    default="",
    type=click.Choice(["", *(kind.value for kind in AlarmKind)]),
    help="only this kind",
)
@click.option("--json", "as_json", is_flag=True, help="print one list on standard output")
def events(limit: int, kind: str, *, as_json: bool) -> None:
    """List alarms: what the operator had to hear of, the newest first."""
    from embedded.operator import run_events

    fail_plainly(lambda: run_events(process_environ(), limit=limit, kind=kind, as_json=as_json))


@click.group()
def groq() -> None:
    """The language models: compare the catalogue with Groq's list, enable one again."""


@groq.command("check")
@click.option("--json", "as_json", is_flag=True, help="print one object on standard output")
def groq_check(*, as_json: bool) -> None:
    """Compare prices and models with Groq's own list; costs nothing.

    Exit codes: 0 all as in the catalogue, 1 something drifted or is out of use, 2 Groq could not be
    asked. A model that is gone is taken out of use; drift raises an alarm.
    """
    from embedded.llm_desk import run_groq_check

    fail_plainly(lambda: run_groq_check(process_environ(), as_json=as_json))


@groq.command("enable")
@click.argument("model")
def groq_enable(model: str) -> None:
    """Let a model be used again that a check took out of use."""
    from embedded.llm_desk import run_groq_enable

    fail_plainly(lambda: run_groq_enable(process_environ(), model))


@groq.command("batches")
@click.option("--again", is_flag=True, help="try batches again after the plan refused them")
@click.option("--json", "as_json", is_flag=True, help="print one object on standard output")
def groq_batches(*, again: bool, as_json: bool) -> None:
    """List the files of calls that wait for cheaper answers, and whether Groq takes them."""
    from embedded.batch_desk import run_batches

    fail_plainly(lambda: run_batches(process_environ(), again=again, as_json=as_json))


def require_one(**given: object) -> None:
    """Exactly one of these was given; else click says how to call the command."""
    if sum(bool(one) for one in given.values()) != 1:
        names = ", ".join(name if name.isupper() else f"--{name}" for name in given)
        raise click.UsageError(f"give exactly one of: {names}")
