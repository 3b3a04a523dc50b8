"""Workers whose clock is wrong, or jumps."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.chaos.load import Size, submit_all, wait_for_all
from tests.chaos.programs import running
from tests.chaos.rows.killed import build_member
from tests.chaos.stage import Stage, open_scene
from tests.chaos.verdict import Verdict, judge

SKEWS_S = ("61", "-61", "3600", "-3600", "-61/61")
SHIM = Path(__file__).resolve().parents[1] / "skew"


def build_environ(skew_s: str) -> dict[str, str]:
    """What gives a process a wrong clock: ``faketime``'s library where it is, else our shim."""
    library = find_faketime()
    if library and "/" not in skew_s:
        shift = skew_s if skew_s.startswith("-") else f"+{skew_s}"
        return {"LD_PRELOAD": library, "FAKETIME": shift, "DONT_FAKE_MONOTONIC": "1"}
    return {"PYTHONPATH": str(SHIM), "CLOCK_SKEW": skew_s}


def find_faketime() -> str:
    """The path of faketime's library, "" where it is not installed."""
    if shutil.which("faketime") is None:
        return ""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    return str(found[0]) if found else ""


def run_skewed(stage: Stage, size: Size) -> Verdict:
    """Row 10: workers whose clocks differ, beside one that is right; calls are long."""
    skews = SKEWS_S[: size.faults]
    with open_scene(stage, latency_ms=size.latency_ms) as scene:
        fleet = [build_member(scene, size.threads)]
        fleet += [
            build_member(scene, size.threads + n, **build_environ(skew))
            for n, skew in enumerate(skews, start=1)
        ]
        submit_all(scene, size.jobs)
        with running(*fleet):
            wait_for_all(scene, size.jobs, longest_s=size.longest_s)
            used = "SELECT count(DISTINCT owner) FROM app.chaos_move WHERE became = 'running'"
            [(owners,)] = scene.query(used)
        how = "faketime" if find_faketime() else "shifted time()"
        verdict = judge(scene, injected=f"clocks {', '.join(skews)} s ({how})", jobs=size.jobs)
        again = scene.count("app.job WHERE claim_no > 1")
    return verdict.require(holds=again == 0, else_=f"{again} jobs claimed twice").say(
        f"{owners} of {len(fleet)} processes took part"
    )
