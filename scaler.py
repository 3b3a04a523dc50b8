"""The scaler: an always-on loop that sets the number of worker replicas from the queue."""

from __future__ import annotations

import signal
import sys
import threading

from core.errors import AppError
from core.log import configure_logging
from core.settings import load_settings, process_environ
from services.scale import build_scaler

TICK_S = 10.0


def main(arguments: list[str]) -> int:
    """Run until a signal comes; ``--once`` runs one round. Exit 2 on a wrong setting."""
    try:
        settings = load_settings(process_environ())
        configure_logging(level=settings.log_level, json_lines=settings.log_format == "json")
        scaler = build_scaler(settings)
    except AppError as fault:
        sys.stderr.write(f"scaler: {fault}\n")
        return 2
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    while True:
        decision = scaler.run_tick()
        if "--once" in arguments:
            sys.stdout.write(f"{decision.wanted} {decision.reason}\n")
            return 0
        if stopped.wait(TICK_S):
            return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
