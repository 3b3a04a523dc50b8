"""Where an audit's findings go: standard output as JSON, a CSV file, a table for people."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, TextIO

from core.ids import new_id
from domain.audit.packs import Pack
from domain.audit.report import FINDING_KEYS, Audit, AuditFinding
from domain.files.cells import neutralize
from embedded.report import describe_format

HELD_BYTES: Final = 8 * 1024 * 1024
"""Findings wait in memory up to this size and on disk above it."""

RULES_SHOWN: Final = 8
NOTES_SHOWN: Final = 12
_EXCERPT_CHARS: Final = 60

Sink = Callable[[AuditFinding], None]


def write_text(stream: TextIO, text: str) -> None:
    """Write UTF-8 whatever the terminal's locale; half characters of a broken file become "?"."""
    stream.flush()
    stream.buffer.write(text.encode("utf-8", "replace"))
    stream.buffer.flush()


def print_json(value: Mapping[str, Any]) -> None:
    """One object alone on a line of standard output."""
    write_text(sys.stdout, f"{_dump(value)}\n")


def print_finding(finding: AuditFinding) -> None:
    """One finding on a line of standard output."""
    sys.stdout.buffer.write(f"{_dump(finding.to_json())}\n".encode("utf-8", "replace"))


def drop_stdout() -> None:
    """Nobody reads on: keep the interpreter from saying so once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _dump(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)


class HeldFindings:
    """Keeps findings off standard output until it is sure that the object can be completed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._count = 0

    def add(self, finding: AuditFinding) -> None:
        """Hold one more."""
        text = f"{', ' if self._count else ''}{_dump(finding.to_json())}"
        self._file.write(text.encode("utf-8", "replace"))
        self._count += 1

    def print(self, head: Mapping[str, Any], tail: Mapping[str, Any]) -> None:
        """The whole object: head, findings, tail."""
        write_text(sys.stdout, f'{_dump(head)[:-1]}, "findings": [')
        self._file.seek(0)
        shutil.copyfileobj(self._file, sys.stdout.buffer)
        write_text(sys.stdout, f"], {_dump(tail)[1:]}\n")


@contextmanager
def hold_findings() -> Iterator[HeldFindings]:
    """A place for findings that is gone afterwards."""
    with tempfile.SpooledTemporaryFile(max_size=HELD_BYTES) as file:
        yield HeldFindings(file)


@contextmanager
def open_findings_csv(path: Path) -> Iterator[Sink]:
    """A CSV file of findings, there only when it is complete; no cell of it is a formula."""
    draft = path.with_name(f".{path.name}.{new_id().hex[-8:]}")
    try:
        with draft.open("w", encoding="utf-8", errors="replace", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(FINDING_KEYS)

            def add(finding: AuditFinding) -> None:
                rows.writerow([neutralize(str(one)) for one in finding.to_json().values()])

            yield add
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def build_lines(audit: Audit, name: str) -> list[str]:
    """The audit for people: the packs first, then counts, then notes."""
    shape, scope, notes = audit.shape, audit.scope, audit.build_notes()
    about = describe_format(shape.profile, shape.confidence, chosen=audit.named)
    return [
        *_list_packs(audit.build_packs(), several=len(scope.channels) > 1),
        f"file      {name}: {about}, {shape.rows:,} rows, {audit.products:,} products",
        f"checked   {scope.channel}, store {scope.store}, rules of {scope.as_of.isoformat()}",
        *_list_counts(audit.build_counts()),
        *_list_muted(audit.build_muted()),
        *(f"note: {note}" for note in notes[:NOTES_SHOWN]),
        *([f"note: … and {len(notes) - NOTES_SHOWN} more"] if len(notes) > NOTES_SHOWN else []),
    ]


def _list_packs(packs: tuple[Pack, ...], *, several: bool) -> Iterator[str]:
    if not packs:
        yield "Nothing was found."
        yield ""
        return
    yield "What to fix, worst first"
    yield ""
    for number, pack in enumerate(packs, start=1):
        yield from _list_pack(number, pack, several=several)
        yield ""


def _list_pack(number: int, pack: Pack, *, several: bool) -> Iterator[str]:
    count = f"{pack.listings:,} listing{'' if pack.listings == 1 else 's'}"
    yield f"{number:>2}. {pack.level.value.upper():<6}  {pack.title}: {count}{_format_worth(pack)}"
    where = f" ({', '.join(pack.channels)})" if several else ""
    yield f"    {pack.consequence}{where}"
    for example in pack.examples:
        shown = example.excerpt[:_EXCERPT_CHARS]
        yield f"      line {example.line}, {example.product}: {shown or '(empty)'}"


def _format_worth(pack: Pack) -> str:
    """What is at stake, each currency by itself."""
    sums = [
        f"{minor / 100:,.2f} {currency}".rstrip() for currency, minor in pack.values_minor.items()
    ]
    return f", {' + '.join(sums)} at stake" if sums else ""


def _list_muted(muted: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for one in muted:
        yield f"muted     {one['rule']}: {one['findings']:,} findings left out ({one['reason']})"


def _list_counts(counts: Mapping[str, Any]) -> Iterator[str]:
    hard, advice, by_rule = counts["hard"], counts["advice"], list(counts["by_rule"].items())
    yield f"findings  {hard + advice:,}: {hard:,} hard, {advice:,} advice"
    if by_rule:
        shown = [f"{rule} {count:,}" for rule, count in by_rule[:RULES_SHOWN]]
        more = [f"{len(by_rule) - RULES_SHOWN} more"] if len(by_rule) > RULES_SHOWN else []
        yield f"by rule   {', '.join([*shown, *more])}"
