"""``python -m simulators.railway --port 9098``; Ctrl-C or TERM ends it."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Final

from simulators.railway.server import RailwayServer
from simulators.railway.service import Fault, RailwayConfig

SERVICES: Final = {
    "svc-worker": "to be scaled",
    "svc-scaler": "the scaler's own",
    "svc-cron": "runs by a schedule",
    "svc-disk": "has a volume",
}


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    plain = RailwayConfig()
    parser = argparse.ArgumentParser(
        prog="python -m simulators.railway",
        description=__doc__,
        epilog="Services: " + "; ".join(f"{name}, {what}" for name, what in SERVICES.items()) + ".",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--token", default=plain.token, help="the one accepted project token")
    parser.add_argument("--environment", default=plain.environment_id, help="the only one's id")
    parser.add_argument(
        "--start-s", type=float, default=plain.start_s, help="seconds until a new instance runs"
    )
    parser.add_argument("--most", type=int, default=plain.most, help="replicas the plan allows")
    parser.add_argument(
        "--fault",
        action="append",
        default=argparse.SUPPRESS,
        choices=[fault.value for fault in Fault],
        help="of the next request; again for the one after it",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until told to stop; 2 when it cannot start."""
    arguments = build_parser().parse_args(argv)
    config = RailwayConfig(
        token=arguments.token,
        environment_id=arguments.environment,
        start_s=arguments.start_s,
        most=arguments.most,
    )
    try:
        server = RailwayServer(config, port=arguments.port)
    except OSError as error:
        sys.stderr.write(f"The simulator cannot start: {error}\n")
        return 2
    server.platform.plan_faults(*getattr(arguments, "fault", ()))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with server:
        sys.stderr.write(f"Simulated Railway (nothing here is the real service): {server.url}\n")
        sys.stderr.flush()
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
