"""When a child that dies is started again, and when not any more."""

from __future__ import annotations

import sys

from core.clock import monotonic_s, wait_until
from embedded.children import Child, CrashCount
from embedded.processes import ProcessSpec


def test_the_wait_doubles_up_to_a_ceiling():
    crashes = CrashCount()
    waits = []
    for second in range(8):
        crashes.add(float(second))
        waits.append(crashes.delay_s)
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]


def test_five_deaths_within_a_minute_are_the_end():
    crashes = CrashCount()
    for second in (0, 10, 20, 30):
        crashes.add(float(second))
    assert not crashes.is_over
    crashes.add(59.0)
    assert crashes.is_over


def test_deaths_that_are_long_past_are_forgotten():
    crashes = CrashCount()
    for second in range(0, 600, 30):
        crashes.add(float(second))
    assert not crashes.is_over
    assert crashes.delay_s <= 0.8


def test_output_comes_line_by_line_and_the_rest_at_the_end():
    script = "import sys; sys.stdout.write('one\\ntwo\\nthr'); sys.stdout.flush()"
    spec = ProcessSpec(name="child", argv=[sys.executable, "-c", script])
    child = Child(spec=spec, label="child")
    child.start()
    assert child.process is not None
    child.process.wait()
    assert child.read_lines() == ["one", "two"]
    assert child.close() == ["thr"]
    assert child.get_last_lines() == "one\ntwo\nthr"
    assert child.process is None


def test_asking_twice_does_not_move_the_deadline():
    child = Child(spec=ProcessSpec(name="x", argv=[], stop_timeout_s=5), label="x")
    child.ask_to_stop(100.0)
    child.ask_to_stop(103.0)
    assert child.stop_by_s == 105.0


def test_kill_reaches_a_running_child():
    spec = ProcessSpec(name="x", argv=[sys.executable, "-c", "input()"])
    child = Child(spec=spec, label="x")
    child.start()
    process = child.process
    assert process is not None
    child.kill()
    assert wait_until(lambda: process.poll() is not None, timeout_s=10)
    child.close()
    assert monotonic_s() > 0
