"""What the scaling policy keeps, whatever it is shown."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.scaling import decide
from domain.scaling.values import ScalingConfig, ScalingState, Snapshot, Workload
from domain.scaling.wish import build_wish, find_connection_cap, find_provider_cap

counts = st.integers(0, 200_000)
rates = st.floats(0, 500)
seconds = st.floats(0, 1e6)
maybe_seconds = st.none() | st.floats(0.001, 600)

workloads = st.builds(
    Workload,
    urgent_waiting=counts,
    bulk_waiting=counts,
    urgent_oldest_s=seconds,
    bulk_oldest_s=seconds,
    running=st.integers(0, 5000),
    urgent_per_s=rates,
    bulk_per_s=rates,
    service_s=maybe_seconds,
    calls_per_job=st.none() | st.floats(0, 5),
    tokens_per_call=st.none() | st.floats(0, 50_000),
    calls_answered=st.integers(0, 10_000),
    calls_failed=st.integers(0, 10_000),
    connections_max=st.none() | st.integers(1, 1000),
    requests_left=st.none() | st.integers(-100, 1_000_000),
    tokens_left=st.none() | st.integers(-100_000, 10**12),
)
configs = st.builds(
    lambda low, more, threads, rpm, tpm: ScalingConfig(
        replicas_min=low,
        replicas_max=low + more,
        threads=threads,
        requests_per_minute=rpm,
        tokens_per_minute=tpm,
    ),
    st.integers(1, 5),
    st.integers(0, 45),
    st.integers(1, 64),
    st.none() | st.integers(1, 100_000),
    st.none() | st.integers(1, 10_000_000),
)
steps = st.lists(
    st.tuples(st.floats(-100, 900), st.none() | workloads, st.booleans(), st.integers(0, 20)),
    min_size=1,
    max_size=25,
)
FEW = settings(max_examples=60, deadline=None)


@FEW
@given(configs, steps)
def test_never_raised_above_any_cap_and_never_lowered_below_the_least(config, steps):
    at_s, replicas, state = 1.8e9, 1, ScalingState()
    for passed_s, workload, paused, others in steps:
        at_s += passed_s
        if others > 17:  # now and then somebody else sets the count
            replicas = others
        snapshot = Snapshot(at_s=at_s, replicas=replicas, workload=workload, paused=paused)
        decision, state = decide(config, snapshot, state)
        if workload is None or paused:
            assert decision.held
        if decision.held:
            assert decision.wanted == replicas
        elif decision.wanted > replicas:
            assert workload is not None
            provider = max(find_provider_cap(config, workload), config.replicas_min)
            caps = (config.replicas_max, provider, find_connection_cap(config, workload))
            assert decision.wanted <= min(caps)
        elif decision.wanted < replicas:
            assert workload is not None
            least = min(config.replicas_min, find_connection_cap(config, workload))
            assert decision.wanted >= least
        replicas = decision.wanted


@FEW
@given(configs, workloads, st.integers(1, 50), st.integers(0, 100_000), st.booleans())
def test_more_backlog_never_means_fewer_replicas(config, workload, replicas, more, urgent):
    name = "urgent_waiting" if urgent else "bulk_waiting"
    larger = replace(workload, **{name: getattr(workload, name) + more})
    wishes = [
        build_wish(config, Snapshot(at_s=1.8e9, replicas=replicas, workload=one), one)
        for one in (workload, larger)
    ]
    assert wishes[0].replicas <= wishes[1].replicas


@FEW
@given(configs, workloads, st.integers(1, 50))
def test_the_same_figures_give_the_same_decision_and_a_state_that_can_be_stored(
    config, workload, replicas
):
    snapshot = Snapshot(at_s=1.8e9, replicas=replicas, workload=workload)
    first = decide(config, snapshot, ScalingState())
    assert decide(config, snapshot, ScalingState()) == first
    assert ScalingState.from_json(first[1].to_json()) == first[1]


@FEW
@given(configs, workloads, st.integers(1, 50))
def test_it_settles(config, workload, replicas):
    # Under figures that stay as they are, the count stops moving.
    at_s, state, seen = 1.8e9, ScalingState(), []
    calm = replace(workload, urgent_oldest_s=0.0, bulk_oldest_s=0.0)
    for _ in range(200):
        snapshot = Snapshot(at_s=at_s, replicas=replicas, workload=calm)
        decision, state = decide(config, snapshot, state)
        replicas = decision.wanted
        seen.append(replicas)
        at_s += 30
    assert len(set(seen[-50:])) == 1
