"""`flask audit`: a file held against the rules, from the shell. No server, network or settings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from core.errors import AppError, FileFormatError, InputError, InvalidFieldError
from domain.files.source import name_place
from domain.marketplaces.mutes import parse_ignores
from embedded.audit_output import (
    Sink,
    build_lines,
    drop_stdout,
    hold_findings,
    open_findings_csv,
    print_finding,
    print_json,
    write_text,
)
from embedded.progress import Progress
from services.audit import AuditWish, OpenAudit, build_head, build_tail, open_audit

READ_BYTES: Final = 1024 * 1024
PROGRESS_EVERY: Final = 500
DONE, BAD_INPUT = 0, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRequest:
    """What the command line asks for."""

    file: Path
    wish: AuditWish = field(default_factory=AuditWish)
    ignores: tuple[str, ...] = ()
    out: Path | None = None
    as_json: bool = False
    as_lines: bool = False


def run_audit_command(request: AuditRequest) -> int:
    """Audit a file; the exit code, which does not depend on what is found.

    Nothing is written on bad input but the reason, on standard error (and as an object on standard
    output with ``--json``).
    """
    try:
        _check_request(request)
        _run(request)
    except BrokenPipeError:
        drop_stdout()
    except (AppError, OSError) as fault:
        message = _describe(fault, request.file)
        sys.stderr.write(f"{message}\n")
        if request.as_json:
            print_json({"exit_code": BAD_INPUT, "error": _build_error(fault, message)})
        return BAD_INPUT
    return DONE


def _check_request(request: AuditRequest) -> None:
    if request.as_json and request.as_lines:
        raise InvalidFieldError("choose one of --json and --jsonl.", field="--json")
    if not request.file.is_file():
        raise InvalidFieldError(
            f"there is no file {request.file}.", field="FILE", remedy="Check its name."
        )
    out = request.out
    if out is None:
        return
    if out.exists() and out.samefile(request.file):
        raise InvalidFieldError(
            "it would overwrite your file.", field="--out", remedy="Name another file."
        )
    if out.is_dir() or not out.parent.is_dir():
        raise InvalidFieldError(
            f"{out} is no place for a file.", field="--out", remedy="Name a file in a folder."
        )


def _describe(fault: AppError | OSError, file: Path) -> str:
    """One line: the file, line and column where they are known, reason, remedy."""
    if isinstance(fault, OSError):
        return f"{fault.filename or file}: {fault.strerror or fault}"
    if isinstance(fault, FileFormatError):
        place = str(file)
        place += f", line {fault.line}" if fault.line else ""
        place += f", {name_place(fault.column)}" if fault.column else ""
        return str(InputError(fault.message, remedy=fault.remedy, field=place))
    return str(fault)


def _build_error(fault: AppError | OSError, message: str) -> dict[str, Any]:
    error: dict[str, Any] = {"code": getattr(fault, "code", "bad_input"), "message": message}
    if isinstance(fault, FileFormatError):
        error.update(line=fault.line, column=fault.column)
    return error


def _run(request: AuditRequest) -> None:
    wish = replace(request.wish, mutes=parse_ignores(request.ignores))
    opened = open_audit(_open_again(request.file), wish)
    _require_used(wish, opened)
    with ExitStack() as held_open:
        held = held_open.enter_context(hold_findings()) if request.as_json else None
        with ExitStack() as places:
            sinks: list[Sink] = [held.add] if held else []
            if request.as_lines:
                sinks.append(print_finding)
            if request.out is not None:
                sinks.append(places.enter_context(open_findings_csv(request.out)))
            _pass_on(opened, sinks)
        if held is not None:
            held.print(build_head(opened.audit), build_tail(opened.audit))
    table = sys.stderr if request.as_json or request.as_lines else sys.stdout
    write_text(table, "\n".join(build_lines(opened.audit, request.file.name)) + "\n")


def _require_used(wish: AuditWish, opened: OpenAudit) -> None:
    scope = opened.audit.scope
    if unused := [rule for rule in wish.mutes if rule not in scope.mutes]:
        raise InvalidFieldError(
            f"{unused[0]} is no rule of {scope.channel}.",
            field="--ignore",
            remedy="Leave it out, or name its channel.",
        )


def _pass_on(opened: OpenAudit, sinks: Sequence[Sink]) -> None:
    audit, progress = opened.audit, Progress(sys.stderr)
    for number, finding in enumerate(opened.iter_findings()):
        for sink in sinks:
            sink(finding)
        if number % PROGRESS_EVERY == PROGRESS_EVERY - 1:
            progress.show("auditing", audit.rows, audit.shape.rows)
    progress.close()


def _open_again(path: Path) -> Callable[[], Iterator[bytes]]:
    def read() -> Iterator[bytes]:
        with path.open("rb") as file:
            while block := file.read(READ_BYTES):
                yield block

    return read
