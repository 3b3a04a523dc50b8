"""The workloads of the scaling bench; each is made anew from a seed."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Final

from bench.scaling_sim import Scenario

HOUR_S: Final = 3600.0
Rate = Callable[[float], float]
"""Arrivals per second at a time."""


def list_scenarios(seed: int, *, threads: int = 12) -> list[Scenario]:
    """All of them."""
    return [build(seed, threads) for build in _BUILDERS]


def _seeded(name: str, seed: int) -> random.Random:
    return random.Random(f"{name}:{seed}")


def _draw_arrivals(
    rng: random.Random, rate: Rate, end_s: float, *, step_s: float = 1.0
) -> list[float]:
    """A Poisson process whose rate is constant within each step."""
    times_s, at_s = list[float](), 0.0
    while at_s < end_s:
        per_s = rate(at_s)
        due_s = at_s + (rng.expovariate(per_s) if per_s > 0 else math.inf)
        while due_s < at_s + step_s:
            times_s.append(due_s)
            due_s += rng.expovariate(per_s)
        at_s += step_s
    return times_s


def _build_steady(seed: int, threads: int) -> Scenario:
    rng = _seeded("steady", seed)
    urgent = _draw_arrivals(rng, lambda _: 6.0, HOUR_S)
    return Scenario(name="W1 steady 6/s", urgent=urgent, bulk=[], end_s=HOUR_S, threads=threads)


def _build_wave(seed: int, threads: int) -> Scenario:
    rng, end_s = _seeded("wave", seed), 24 * HOUR_S

    def rate(at_s: float) -> float:
        return 0.2 + 4.3 * max(0.0, math.sin((at_s / HOUR_S - 6) / 24 * 2 * math.pi)) ** 2

    urgent = _draw_arrivals(rng, rate, end_s)
    return Scenario(name="W2 daily wave", urgent=urgent, bulk=[], end_s=end_s, threads=threads)


def _build_high_wave(seed: int, threads: int) -> Scenario:
    """A day's wave whose peak needs more than one replica, as W2's does not."""
    rng, end_s = _seeded("high wave", seed), 24 * HOUR_S

    def rate(at_s: float) -> float:
        return 0.5 + 11.5 * max(0.0, math.sin((at_s / HOUR_S - 6) / 24 * 2 * math.pi)) ** 2

    urgent = _draw_arrivals(rng, rate, end_s)
    return Scenario(
        name="W13 daily wave to 12/s", urgent=urgent, bulk=[], end_s=end_s, threads=threads
    )


def _build_import(
    name: str, size: int, *, per_minute: int = 1000
) -> Callable[[int, int], Scenario]:
    def build(seed: int, threads: int) -> Scenario:
        rng = _seeded(name, seed)
        end_s = 600.0 + size / per_minute * 60 * 1.05
        return Scenario(
            name=name,
            urgent=_draw_arrivals(rng, lambda _: 0.5, end_s),
            bulk=[300.0] * size,
            end_s=end_s,
            calls_per_minute=per_minute,
            threads=threads,
        )

    return build


def _build_cron(seed: int, threads: int) -> Scenario:
    rng, at_s, end_s = _seeded("cron", seed), 2 * HOUR_S, 4 * HOUR_S
    return Scenario(
        name="W5 20k at 02:00",
        urgent=_draw_arrivals(rng, lambda _: 0.2, end_s),
        bulk=[at_s] * 20_000,
        end_s=end_s,
        threads=threads,
        schedule="01:58-02:05=3",
    )


def _build_outage(seed: int, threads: int) -> Scenario:
    rng = _seeded("outage", seed)
    return Scenario(
        name="W6 outage 15 min",
        urgent=_draw_arrivals(rng, lambda _: 2.0, 1.25 * HOUR_S),
        bulk=[],
        end_s=1.25 * HOUR_S,
        threads=threads,
        outages=((1800.0, 2700.0),),
    )


def _build_slow(seed: int, threads: int) -> Scenario:
    rng = _seeded("slow", seed)
    return Scenario(
        name="W7 provider 4x slow",
        urgent=_draw_arrivals(rng, lambda _: 3.0, 1.5 * HOUR_S),
        bulk=[],
        end_s=1.5 * HOUR_S,
        threads=threads,
        slow=((1800.0, 3000.0, 4.0),),
    )


def _build_noise(seed: int, threads: int) -> Scenario:
    rng, half_s = _seeded("noise", seed), 90
    urgent = _draw_arrivals(
        rng, lambda at_s: 10.0 if at_s % (2 * half_s) < half_s else 0.3, 2 * HOUR_S
    )
    return Scenario(
        name="W8 noise 90 s on/off", urgent=urgent, bulk=[], end_s=2 * HOUR_S, threads=threads
    )


def _build_small_imports(seed: int, threads: int) -> Scenario:
    rng, bulk, at_s = _seeded("small", seed), list[float](), 0.0
    while (at_s := at_s + rng.expovariate(1 / 600)) < 6 * HOUR_S:
        bulk += [at_s] * rng.choice((30, 60, 120, 250, 500, 1500))
    urgent = _draw_arrivals(rng, lambda _: 0.3, 6 * HOUR_S)
    return Scenario(
        name="W10 small imports", urgent=urgent, bulk=bulk, end_s=6 * HOUR_S, threads=threads
    )


def _build_ramp(seed: int, threads: int) -> Scenario:
    rng = _seeded("ramp", seed)
    urgent = _draw_arrivals(rng, lambda at_s: 1 + 11 * at_s / HOUR_S, HOUR_S)
    return Scenario(
        name="W11 ramp 1 to 12/s", urgent=urgent, bulk=[], end_s=HOUR_S, threads=threads
    )


def _build_square(seed: int, threads: int) -> Scenario:
    rng, half_s = _seeded("square", seed), 600
    urgent = _draw_arrivals(
        rng, lambda at_s: 8.0 if at_s % (2 * half_s) >= half_s else 2.0, 2 * HOUR_S
    )
    return Scenario(
        name="W12 steps of 10 min", urgent=urgent, bulk=[], end_s=2 * HOUR_S, threads=threads
    )


def _build_chat(seed: int, threads: int) -> Scenario:
    """As many and as even as in Azure's published chat trace: 5.5/s, little burstiness."""
    rng, levels = _seeded("chat", seed), dict[int, float]()

    def rate(at_s: float) -> float:
        minute = int(at_s // 60)
        levels.setdefault(minute, rng.gammavariate(60, 5.5 / 60))
        return levels[minute]

    urgent = _draw_arrivals(rng, rate, HOUR_S)
    return Scenario(
        name="T1 chat-like, 5.5/s", urgent=urgent, bulk=[], end_s=HOUR_S, threads=threads
    )


def _build_code(seed: int, threads: int) -> Scenario:
    """As bursty as Azure's published code trace: 2.5/s on average, in bursts of some seconds."""
    rng, levels = _seeded("code", seed), dict[int, float]()

    def rate(at_s: float) -> float:
        spell = int(at_s // 15)
        levels.setdefault(spell, rng.gammavariate(0.35, 2.5 / 0.35))
        return levels[spell]

    urgent = _draw_arrivals(rng, rate, HOUR_S)
    return Scenario(
        name="T2 code-like bursts", urgent=urgent, bulk=[], end_s=HOUR_S, threads=threads
    )


def _build_balancer(seed: int, threads: int) -> Scenario:
    """Counts per five minutes as at a published load balancer: a day's wave, noise and spikes."""
    rng, levels = _seeded("balancer", seed), dict[int, float]()

    def rate(at_s: float) -> float:
        part = int(at_s // 300)
        if part not in levels:
            wave = 2.2 + 1.6 * math.sin((at_s / HOUR_S - 9) / 24 * 2 * math.pi)
            spike = rng.choice((2.5, 3.5)) if rng.random() < 0.02 else 1.0
            levels[part] = wave * spike * rng.gammavariate(9, 1 / 9)
        return levels[part]

    urgent = _draw_arrivals(rng, rate, 24 * HOUR_S)
    return Scenario(
        name="T3 balancer-like day", urgent=urgent, bulk=[], end_s=24 * HOUR_S, threads=threads
    )


_BUILDERS: Final = (
    _build_steady,
    _build_wave,
    _build_import("W3 import of 10k", 10_000),
    _build_import("W4 import of 100k", 100_000),
    _build_cron,
    _build_outage,
    _build_slow,
    _build_noise,
    _build_import("W9 100k at 6000/min", 100_000, per_minute=6000),
    _build_small_imports,
    _build_ramp,
    _build_square,
    _build_high_wave,
    _build_chat,
    _build_code,
    _build_balancer,
)
