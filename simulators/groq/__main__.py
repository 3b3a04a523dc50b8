"""``python -m simulators.groq --port 9099``: the simulator as a program; Ctrl-C or TERM ends it."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simulators.groq.config import PLANS, SimulatorConfig
from simulators.groq.faults import Fault
from simulators.groq.server import GroqServer

LIMIT_FLAGS = {
    "rpm": "requests_per_minute",
    "tpm": "tokens_per_minute",
    "rpd": "requests_per_day",
    "tpd": "tokens_per_day",
    "itpm": "input_tokens_per_minute",
    "otpm": "output_tokens_per_minute",
}


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    plain = SimulatorConfig()
    parser = argparse.ArgumentParser(prog="python -m simulators.groq", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--seed", type=int, default=plain.seed)
    parser.add_argument("--latency-ms", type=float, default=plain.latency_ms)
    parser.add_argument("--plan", choices=PLANS, default=plain.plan, help="sets the limits")
    for flag, of in LIMIT_FLAGS.items():
        parser.add_argument(f"--{flag}", type=int, help=f"{of.replace('_', ' ')}; 0: no limit")
    parser.add_argument("--key", default="", help="the one accepted API key; any when not given")
    parser.add_argument("--blocked-model", action="append", default=[], metavar="MODEL")
    parser.add_argument("--gone-model", action="append", default=[], metavar="MODEL")
    parser.add_argument("--spend-cap-usd", type=float, default=plain.spend_cap_usd)
    parser.add_argument("--spend-lag-s", type=float, default=plain.spend_lag_s)
    parser.add_argument(
        "--batch-work-s", type=float, default=plain.batch_work_s, help="how long a batch takes"
    )
    parser.add_argument(
        "--time-scale", type=float, default=plain.time_scale, help="seconds of batches in a second"
    )
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
    parser.add_argument(
        "--file-fault",
        action="append",
        nargs="+",
        default=[],
        metavar="KIND:P",
        help="the same for requests about models, files and batches",
    )
    parser.add_argument("--script", type=Path, help="a file naming the fault of each request")
    return parser


def read_limits(arguments: argparse.Namespace) -> dict[str, Any]:
    """The plan's limits, less those that the command line sets."""
    limits: dict[str, Any] = dict(PLANS[arguments.plan])
    for flag, name in LIMIT_FLAGS.items():
        told = getattr(arguments, flag)
        if told is not None:
            limits[name] = told
    return limits


def parse_config(arguments: argparse.Namespace) -> SimulatorConfig:
    """The set-up that a command line asks for; raises OSError when the script cannot be read."""
    script = arguments.script.read_text().split() if arguments.script else ()
    return SimulatorConfig(
        seed=arguments.seed,
        latency_ms=arguments.latency_ms,
        plan=arguments.plan,
        **read_limits(arguments),
        key=arguments.key,
        blocked_models=tuple(arguments.blocked_model),
        gone_models=tuple(arguments.gone_model),
        spend_cap_usd=arguments.spend_cap_usd,
        spend_lag_s=arguments.spend_lag_s,
        batch_work_s=arguments.batch_work_s,
        time_scale=arguments.time_scale,
        faults=tuple(fault for group in arguments.fault for fault in group),
        file_faults=tuple(fault for group in arguments.file_fault for fault in group),
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
