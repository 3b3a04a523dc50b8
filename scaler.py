"""The scaler: an always-on loop that sets the number of worker replicas from the work there is."""

from __future__ import annotations

import argparse
import signal
import sys

from core.clock import sleep
from core.errors import AppError, SettingsError
from core.log import configure_logging
from core.settings import load_settings, process_environ
from services.scale import build_scaler, obey_operator, run_rounds

EXIT_BAD_SETTINGS = 2


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="one round, then end")
    parser.add_argument("--dry-run", action="store_true", help="change nothing")
    parser.add_argument("--explain", action="store_true", help="print the inputs and the reason")
    parser.add_argument("--set", metavar="WISH", help="pause, resume, or a number of replicas")
    parser.add_argument("--minutes", type=float, default=60.0, help="how long a set number holds")
    return parser


def main(argv: list[str]) -> int:
    """Run until a signal comes, which ends it at once. Exit 2 on a wrong setting."""
    arguments = build_parser().parse_args(argv)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        settings = load_settings(process_environ())
        configure_logging(level=settings.log_level, json_lines=settings.log_format == "json")
        scaler = build_scaler(settings, apply=settings.scaler_apply and not arguments.dry_run)
        if arguments.set:
            obey_operator(scaler, arguments.set, minutes=arguments.minutes)
            return 0
        for tick in run_rounds(scaler):
            if arguments.explain or arguments.once:
                sys.stdout.write(tick.explain() + "\n" if arguments.explain else f"{tick}\n")
            if arguments.once:
                return 0
            sleep(settings.scaler_tick_s)
    except AppError as fault:
        sys.stderr.write(f"scaler: {fault}\n")
        return EXIT_BAD_SETTINGS if isinstance(fault, SettingsError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
