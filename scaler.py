"""The scaler: an always-on loop that sets the number of worker replicas from the work there is."""

from __future__ import annotations

import argparse
import signal
import sys

from core.clock import sleep
from core.errors import AppError, InputError, SettingsError
from core.log import configure_logging
from core.settings import Settings, load_settings, process_environ
from embedded.session import find_environ
from services.process import SCHEMA_WAIT_S
from services.scale import build_scaler, run_rounds
from services.scale_wish import obey_operator, parse_wish

EXIT_BAD_INPUT = 2


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="one round, then end")
    parser.add_argument("--explain", action="store_true", help="print the inputs and the reason")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--dry-run", action="store_true", help="change nothing")
    what.add_argument("--set", metavar="WISH", help="pause, resume, or a number of replicas")
    parser.add_argument("--minutes", type=float, help="how long a set number holds (60)")
    return parser


def run(settings: Settings, given: argparse.Namespace) -> None:
    """Obey, or look once, or look until a signal comes; raises AppError."""
    applies = settings.scaler_apply and not given.dry_run
    wish = parse_wish(given.set, minutes=given.minutes, most=settings.workers_max)
    scaler = build_scaler(settings, apply=applies, once=given.once)
    if wish is not None:
        sys.stdout.write(obey_operator(scaler.deps, scaler.watch.target.name, wish) + "\n")
        return
    for tick in run_rounds(scaler, wait_s=0 if given.once else SCHEMA_WAIT_S):
        if given.explain or given.once:
            sys.stdout.write(f"{tick.explain() if given.explain else tick}\n")
        if given.once:
            return
        sleep(settings.scaler_tick_s)


def main(argv: list[str]) -> int:
    """Run until a signal, which ends it at once: 0; 1 some trouble; 2 wrong input or setting."""
    given = build_parser().parse_args(argv)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        settings = load_settings(find_environ(process_environ()))
        configure_logging(level=settings.log_level, json_lines=settings.log_format == "json")
        run(settings, given)
    except AppError as fault:
        sys.stderr.write(f"scaler: {fault}\n")
        return EXIT_BAD_INPUT if isinstance(fault, (SettingsError, InputError)) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
