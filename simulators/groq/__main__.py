"""``python -m simulators.groq --port 9099``: the simulator as a program; Ctrl-C or TERM ends it."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from simulators.groq.config import SimulatorConfig
from simulators.groq.faults import Fault
from simulators.groq.server import GroqServer


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    plain = SimulatorConfig()
    parser = argparse.ArgumentParser(prog="python -m simulators.groq", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--seed", type=int, default=plain.seed)
    parser.add_argument("--latency-ms", type=float, default=plain.latency_ms)
    parser.add_argument("--rpm", type=int, default=plain.requests_per_minute)
    parser.add_argument("--tpm", type=int, default=plain.tokens_per_minute)
    parser.add_argument("--rpd", type=int, default=plain.requests_per_day)
    parser.add_argument("--key", default="", help="the one accepted API key; any when not given")
    parser.add_argument("--retry-after-s", type=float, default=plain.retry_after_s)
    parser.add_argument("--hang-s", type=float, default=plain.hang_s)
    parser.add_argument(
        "--fault",
        action="append",
        nargs="+",
        default=[],
        metavar="KIND:P",
        help=f"KIND:0.05, KIND@3 or KIND@3-9; KIND is one of {', '.join(Fault)}",
    )
    parser.add_argument("--script", type=Path, help="a file naming the fault of each request")
    return parser


def parse_config(arguments: argparse.Namespace) -> SimulatorConfig:
    """The set-up that a command line asks for; raises OSError when the script cannot be read."""
    script = arguments.script.read_text().split() if arguments.script else ()
    return SimulatorConfig(
        seed=arguments.seed,
        latency_ms=arguments.latency_ms,
        requests_per_minute=arguments.rpm,
        tokens_per_minute=arguments.tpm,
        requests_per_day=arguments.rpd,
        key=arguments.key,
        faults=tuple(fault for group in arguments.fault for fault in group),
        script=tuple(script),
        retry_after_s=arguments.retry_after_s,
        hang_s=arguments.hang_s,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until told to stop; 2 when it cannot start."""
    arguments = build_parser().parse_args(argv)
    try:
        server = GroqServer(parse_config(arguments), port=arguments.port)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"The simulator cannot start: {error}\n")
        return 2
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with server:
        sys.stderr.write(f"Simulated Groq (nothing here is the real service): {server.url}\n")
        sys.stderr.flush()
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
