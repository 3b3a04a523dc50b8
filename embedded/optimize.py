"""`flask optimize`: one file through the real path, from the shell."""

from __future__ import annotations

import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from core.clock import monotonic_s, sleep
from core.errors import (
    AppError,
    ConflictError,
    CostLimitError,
    InputError,
    InvalidFieldError,
    SettingsError,
)
from core.ids import new_id
from core.settings import Settings, load_settings
from domain.brief import EngineChoice
from domain.catalogue import format_usd
from domain.files.forms import Form
from domain.files.problems import write_problems
from domain.files.source import RowProblem, name_place
from embedded.progress import Progress
from embedded.report import build_object, print_object, print_table
from embedded.run_llm import choose_llm, list_lane_notes
from embedded.run_waits import WaitWatch
from embedded.run_worker import RunWorker, build_run_worker
from embedded.session import open_servers
from embedded.signals import StopSignals
from services.accept import accept_import
from services.access import Seller, create_seller
from services.deps import Deps, build_web_deps
from services.export import choose_form_of, export_import, require_form
from services.failures import find_fallback_reason, list_failures, sum_unanswered
from services.import_options import ImportOptions, parse_channel, parse_fields
from services.import_receive import receive_import
from services.import_show import get_import, list_problems
from services.imports import cancel_import, confirm_import
from services.left_alone import list_left_alone
from services.pool import close_pool, end_abandoned

SELLER: Final = "command-line@localhost"
ACTOR: Final = "command line"
READ_BYTES: Final = 1024 * 1024
POLL_S: Final = 0.1
LONG_RUN_S: Final = 86_400.0
"""A run that takes longer is said to, with a way to have most of it at once."""

DONE, SOME_FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line asks for."""

    file: Path
    channel: str = ""
    out: Path | None = None
    options: ImportOptions = field(default_factory=ImportOptions)
    form: Form | None = None
    problems: Path | None = None
    max_cost_usd: float = 1.0
    as_json: bool = False


@dataclass(slots=True)
class Run:
    """One run of the command."""

    deps: Deps
    seller: Seller
    worker: RunWorker
    request: Request
    progress: Progress
    began_s: float = field(default_factory=monotonic_s)
    notes: list[str] = field(default_factory=list)


def run_optimize_command(request: Request, environ: Mapping[str, str]) -> int:
    """Optimize a file; the exit code. Nothing is written on bad input."""
    try:
        with StopSignals():
            return _run(check_request(request, environ), environ)
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. Nothing was written; what was paid for is kept.\n")
        return INTERRUPTED
    except AppError as fault:
        bad = isinstance(fault, (InputError, SettingsError, CostLimitError))
        sys.stderr.write(f"{fault}\n")
        code = BAD_INPUT if bad else SOME_FAILED
        if request.as_json:
            print_object({"exit_code": code, "error": {"code": fault.code, "message": str(fault)}})
        return code


def check_request(request: Request, environ: Mapping[str, str]) -> Request:
    """Find what is wrong before anything is started; fills in where the result goes."""
    settings = load_settings(environ)
    parse_channel(request.channel)
    if not request.file.is_file():
        raise InvalidFieldError(f"there is no file {request.file}.", field="FILE")
    if request.options.engine is EngineChoice.GROQ and not settings.groq_api_key:
        raise InvalidFieldError(
            "the engine groq needs a key.",
            field="--engine",
            remedy="Set GROQ_API_KEY, or use --engine rules.",
        )
    out = request.out or request.file.with_name(
        f"{request.file.stem}-optimized{request.file.suffix}"
    )
    if out.exists() and out.samefile(request.file):
        raise InvalidFieldError(
            "it would overwrite your file.", field="--out", remedy="Name another file."
        )
    for name, place in (("--out", out), ("--problems", request.problems or out)):
        if not place.parent.is_dir():
            raise InvalidFieldError(f"there is no folder {place.parent}.", field=name)
    options = replace(request.options, fields=parse_fields(request.options.fields))
    return replace(request, out=out, options=options)


def _run(request: Request, environ: Mapping[str, str]) -> int:
    with open_servers(environ) as record, tempfile.TemporaryDirectory() as scratch:
        environ, notes = choose_llm(request.options.engine, environ, record)
        settings = load_settings({**environ, "LISTWRIGHT_POOL": f"run-{new_id().hex[-12:]}"})
        deps = build_web_deps(settings)
        run = Run(
            deps=deps,
            seller=create_seller(deps, SELLER),
            worker=_build_worker(request, environ, settings, Path(scratch) / "worker.log"),
            request=request,
            progress=Progress(sys.stderr),
            notes=notes,
        )
        try:
            return _optimize(run)
        finally:
            run.progress.close()
            run.worker.stop()
            close_pool(deps)
            deps.database.dispose()


def _build_worker(
    request: Request, environ: Mapping[str, str], settings: Settings, log_path: Path
) -> RunWorker:
    llm = bool(settings.groq_api_key) and request.options.engine is not EngineChoice.RULES
    return build_run_worker(environ, settings, llm=llm, log_path=log_path)


def _optimize(run: Run) -> int:
    end_abandoned(run.deps)
    run.worker.ensure_running()
    import_id = receive_import(
        run.deps,
        run.seller.id,
        name=run.request.file.name,
        channel=run.request.channel,
        options=run.request.options,
        body=_read(run.request.file),
    )
    try:
        read = _wait(run, import_id, {"ready"}, "reading")
        _write_problems(run, import_id, read)
        form = choose_form_of(read, run.request.form)
        require_form(run.deps, run.seller.id, import_id, form)
        _check_cost(run, read)
        confirm_import(run.deps, run.seller.id, import_id)
        done = _wait(run, import_id, {"done"}, "optimizing")
    except BaseException:
        cancel_import(run.deps, run.seller.id, import_id, "the command was stopped")
        raise
    run.worker.begin_stop()
    if done["progress"]["counts"].get("completed"):
        run.progress.show("accepting", 0, 0)
        accept_import(run.deps, run.seller.id, import_id, actor=ACTOR)
    _write(run, import_id, form)
    return _report(run, done, form)


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            yield block


def _wait(run: Run, import_id: uuid.UUID, states: set[str], label: str) -> dict[str, Any]:
    """Wait for a state of the import, keeping the worker alive; raises when it has failed."""
    watch = WaitWatch(run.deps, run.seller.id)
    while True:
        shown = get_import(run.deps, run.seller.id, import_id)
        if shown["state"] in states:
            return shown
        if shown["state"] == "failed":
            raise_failure(run.request.file, shown["error"])
        if shown["state"] == "cancelled":
            raise ConflictError(
                "the run was cancelled from elsewhere.", remedy="Run the command again."
            )
        progress = shown["progress"]
        waiting = ", waiting for cheaper answers" if progress["waiting"] else ""
        finished, total = int(progress["finished"]), int(progress["total"])
        run.progress.show(label + waiting, finished, total, waits=watch.look(shown))
        run.worker.ensure_running()
        sleep(POLL_S)


def raise_failure(file: Path, error: Mapping[str, Any]) -> None:
    """Say where and why a file cannot be worked on."""
    place = str(file)
    if error.get("line"):
        place += f", line {error['line']}"
    if error.get("column"):
        place += f", {name_place(error['column'])}"
    raise InputError(error["message"], remedy=error.get("remedy", ""), field=place)


def _check_cost(run: Run, read: Mapping[str, Any]) -> None:
    estimate = read["estimate"]
    cost_usd = estimate["cost_microusd"] / 1_000_000
    run.progress.close()
    if estimate["calls"]:
        sys.stderr.write(
            f"Estimate: {estimate['calls']} calls, at most ${cost_usd:.4f}"
            f" ({estimate['tokens']} tokens), {estimate['duration']} within the limits.\n"
        )
        if estimate["duration_s"] > LONG_RUN_S:
            sys.stderr.write(
                f"The limits allow about {estimate['calls_a_day']} listings a day. With --llm-top"
                f" {estimate['calls_a_day']} the language model writes the most valuable ones and"
                " rules write all others at once.\n"
            )
    else:
        sys.stderr.write("Estimate: no call of a language model, no cost.\n")
    if cost_usd > run.request.max_cost_usd:
        raise CostLimitError(
            f"the estimate of ${cost_usd:.4f} is above"
            f" ${format_usd(round(run.request.max_cost_usd * 10**12))};"
            " nothing was spent.",
            field="--max-cost-usd",
            remedy="Raise it, or lower --limit, or use --engine rules.",
        )


def _write_problems(run: Run, import_id: uuid.UUID, read: Mapping[str, Any]) -> None:
    path = run.request.problems
    if path is not None:
        with path.open("wb") as file:
            file.writelines(write_problems(list_problems(run.deps, run.seller.id, import_id)))
        run.notes.append(f"The row problems stand in {path}.")
    elif read["problems_total"]:
        run.notes.append("--problems FILE writes all row problems as CSV.")


def _write(run: Run, import_id: uuid.UUID, form: Form) -> None:
    """Write the result beside its place first, so that no half file is ever there."""
    out = run.request.out
    if out is None:
        raise InvalidFieldError("no place for the result.", field="--out")
    unwritable: list[RowProblem] = []
    export = export_import(
        run.deps, run.seller.id, import_id, form=form, report=unwritable.append, own_work=True
    )
    draft = out.with_name(f".{out.name}.{new_id().hex[-8:]}")
    try:
        with draft.open("wb") as file:
            file.writelines(export.body)
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
    run.notes += export.notes
    run.notes += [
        f"line {one.line}, {one.column}: {one.message} The cell was left as it was."
        for one in unwritable[:20]
    ]


def _report(run: Run, done: Mapping[str, Any], form: Form) -> int:
    failures = list_failures(run.deps, run.seller.id, done["batch_id"])
    why = find_fallback_reason(run.deps, run.seller.id, done["batch_id"])
    left = []
    if done["progress"]["counts"].get("hard_left_alone"):
        left = list_left_alone(run.deps, run.seller.id, done["id"])
    result = build_object(
        {
            **done,
            "fallback_reason": why,
            "left_alone": left,
            "unanswered": sum_unanswered(run.deps, run.seller.id, done["batch_id"]),
        },
        form=form,
        out=str(run.request.out),
        notes=[*run.notes, *list_lane_notes(run.deps, run.request.options.speed)],
        failures=failures,
        duration_s=monotonic_s() - run.began_s,
    )
    run.progress.close()
    if run.request.as_json:
        print_object(result)
    print_table(result, sys.stderr if run.request.as_json else sys.stdout)
    return int(result["exit_code"])
