"""Dead letters come back with their history; cancelled jobs end; sellers reach only their own."""

from __future__ import annotations

import uuid

import pytest

from core.errors import ConflictError, NotFoundError
from core.ids import new_id
from domain.job import MAX_ATTEMPTS
from services.deps import Deps
from services.finish import discard
from services.import_options import ImportOptions
from services.import_receive import receive_import
from services.import_show import get_import
from services.imports import confirm_import
from services.intervene import (
    SELLER,
    cancel_any_import,
    cancel_job,
    cancel_seller,
    list_dead_letters,
    retry_dead_letters,
    retry_job,
)
from services.submit import get_job, submit_job
from tests.support.jobs import (
    claim,
    execute,
    make_listing,
    make_order,
    make_seller,
    make_worker,
    put_into_batch,
    query,
    run_all,
    sum_counts,
)

pytestmark = pytest.mark.servers

CSV = b"sku,title,description\nA-1,GREAT beanie FREE SHIPPING!!!,A beanie\nA-2,Scarf L@@K,A scarf\n"


def make_dead(deps: Deps, seller, key="SKU-1", code="internal_error") -> uuid.UUID:
    """A job that was discarded for that reason."""
    job_id = submit_job(deps, seller.id, make_order(make_listing(key))).job_id
    discard(deps, claim(make_worker(deps), job_id), code=code, detail="it broke")
    return job_id


def get_state(deps: Deps, job_id: uuid.UUID) -> str:
    [(state,)] = query(deps, "SELECT state FROM app.job WHERE id = :id", id=job_id)
    return str(state)


def test_dead_letters_are_listed_by_reason_newest_first(deps, seller):
    first = make_dead(deps, seller, "A")
    make_dead(deps, seller, "B", code="llm_refused")
    last = make_dead(deps, seller, "C")
    found = list_dead_letters(deps)
    assert found.counts == {"internal_error": 2, "llm_refused": 1}
    assert [one["id"] for one in list_dead_letters(deps, reason="internal_error").jobs] == [
        *(last, first)
    ]
    assert len(list_dead_letters(deps, limit=1).jobs) == 1


def test_a_retried_job_has_all_its_attempts_again_and_completes(deps, seller):
    job_id = make_dead(deps, seller)
    execute(deps, "UPDATE app.job SET failures = :n", n=MAX_ATTEMPTS)
    retry_job(deps, job_id)
    assert query(deps, "SELECT state, failures, error_code, finalized_at FROM app.job") == [
        ("available", 0, None, None)
    ]
    assert run_all(deps, make_worker(deps)) == 1
    assert get_state(deps, job_id) == "completed"


def test_what_it_was_before_is_kept(deps, seller):
    job_id = make_dead(deps, seller)
    execute(deps, "UPDATE app.job SET failures = 5, crash_count = 3")
    retry_job(deps, job_id, seller_id=seller.id, actor=SELLER)
    discard(deps, claim(make_worker(deps), job_id), code="again", detail="it broke again")
    [shown] = list_dead_letters(deps).jobs
    [event] = shown["history"]
    assert (event["action"], event["actor"], event["state"]) == ("retry", "seller", "discarded")
    assert (event["failures"], event["crash_count"]) == (5, 3)
    assert event["error"] == {"code": "internal_error", "message": "it broke"}
    assert shown["crash_count"] == 3, "what killed three processes is not forgotten"


def test_a_batch_counts_a_retried_job_once(deps, seller):
    job_id = submit_job(deps, seller.id, make_order()).job_id
    batch_id = put_into_batch(deps, seller, job_id)
    discard(deps, claim(make_worker(deps), job_id), code="internal_error", detail="it broke")
    run_all(deps, make_worker(deps))
    [(closed,)] = query(deps, "SELECT completed_at IS NOT NULL FROM app.batch")
    assert closed
    retry_job(deps, job_id)
    assert query(deps, "SELECT completed_at FROM app.batch") == [(None,)]
    run_all(deps, make_worker(deps))
    counts = sum_counts(deps, seller, batch_id)
    assert (counts["discarded"], counts["completed"]) == (0, 1)


def test_retrying_lifts_the_halt_that_a_refused_key_caused(deps, seller):
    job_id = submit_job(deps, seller.id, make_order()).job_id
    put_into_batch(deps, seller, job_id)
    discard(deps, claim(make_worker(deps), job_id), code="llm_refused", detail="bad key")
    assert query(deps, "SELECT halt_reason FROM app.batch") == [("bad key",)]
    assert retry_dead_letters(deps, reason="llm_refused") == 1
    run_all(deps, make_worker(deps))
    assert get_state(deps, job_id) == "completed"


def test_all_or_those_of_one_reason_are_retried(deps, seller):
    for key, code in (("A", "one"), ("B", "two"), ("C", "two"), ("D", "three")):
        make_dead(deps, seller, key, code=code)
    assert retry_dead_letters(deps, reason="two") == 2
    assert retry_dead_letters(deps, reason="two") == 0
    assert retry_dead_letters(deps) == 2


def test_of_one_work_only_one_job_comes_back(deps, seller):
    make_dead(deps, seller)
    newest = make_dead(deps, seller)
    assert retry_dead_letters(deps) == 1
    assert get_state(deps, newest) == "available"
    assert retry_dead_letters(deps) == 0


@pytest.mark.parametrize("state", ["available", "completed", "cancelled"])
def test_only_the_dead_are_retried(deps, seller, state):
    job_id = submit_job(deps, seller.id, make_order()).job_id
    execute(deps, "UPDATE app.job SET state = :state", state=state)
    with pytest.raises(ConflictError, match=state):
        retry_job(deps, job_id)


def test_jobs_of_a_cancelled_import_stay_dead(deps, seller):
    import_id = upload(deps, seller)
    job_id = make_dead(deps, seller)
    execute(deps, "UPDATE app.job SET subject_id = :i WHERE id = :j", i=import_id, j=job_id)
    cancel_any_import(deps, import_id)
    with pytest.raises(ConflictError, match="import was cancelled"):
        retry_job(deps, job_id)


def test_a_failed_import_is_read_again(deps, seller):
    import_id = upload(deps, seller)
    [(job_id,)] = query(deps, "SELECT id FROM app.job")
    discard(deps, claim(make_worker(deps), job_id), code="internal_error", detail="it broke")
    execute(deps, "UPDATE app.import_file SET state = 'failed', error = '{}'")
    retry_job(deps, job_id)
    run_all(deps, make_worker(deps))
    assert get_import(deps, seller.id, import_id)["state"] == "ready"


def test_a_waiting_job_is_cancelled_at_once_and_counted(deps, seller):
    job_id = submit_job(deps, seller.id, make_order()).job_id
    batch_id = put_into_batch(deps, seller, job_id)
    assert cancel_job(deps, job_id) == "cancelled"
    assert cancel_job(deps, job_id) == "cancelled", "twice is once"
    assert sum_counts(deps, seller, batch_id)["cancelled"] == 1
    assert query(deps, "SELECT action, state FROM app.job_event") == [("cancel", "available")]
    assert run_all(deps, make_worker(deps)) == 0


def test_a_running_job_is_asked_to_end_and_counted_by_its_worker(deps, seller):
    job_id = submit_job(deps, seller.id, make_order()).job_id
    batch_id = put_into_batch(deps, seller, job_id)
    job = claim(make_worker(deps), job_id)
    assert cancel_job(deps, job_id) == "running"
    discard(deps, job, code="internal_error", detail="whatever")
    assert get_state(deps, job_id) == "cancelled"
    assert sum_counts(deps, seller, batch_id)["cancelled"] == 1


def test_what_has_ended_is_not_cancelled(deps, seller):
    job_id = make_dead(deps, seller)
    with pytest.raises(ConflictError, match="discarded"):
        cancel_job(deps, job_id)


def test_everything_of_a_seller_is_cancelled_and_nothing_of_another(deps, seller):
    other = make_seller(deps, "other@example.com")
    for key in ("A", "B", "C"):
        submit_job(deps, seller.id, make_order(make_listing(key)))
    kept = submit_job(deps, other.id, make_order()).job_id
    import_id = upload(deps, seller)
    run_all(deps, make_worker(deps))
    confirm_import(deps, seller.id, import_id)
    submit_job(deps, seller.id, make_order(make_listing("D")))
    execute(
        deps, "UPDATE app.job SET state = 'available', finalized_at = NULL WHERE id = :i", i=kept
    )
    assert cancel_seller(deps, seller.email) >= 1
    assert get_import(deps, seller.id, import_id)["state"] == "cancelled"
    assert query(
        deps,
        "SELECT count(*) FROM app.job WHERE seller_id = :s"
        " AND state IN ('available', 'running', 'retryable')",
        s=seller.id,
    ) == [(0,)]
    assert get_state(deps, kept) == "available"


def test_another_seller_s_jobs_are_not_there(deps, seller):
    other = make_seller(deps, "other@example.com")
    job_id = make_dead(deps, seller)
    for act in (retry_job, cancel_job):
        with pytest.raises(NotFoundError):
            act(deps, job_id, seller_id=other.id)
    assert get_job(deps, seller.id, job_id)["state"] == "discarded"


def test_what_is_unknown_is_said_to_be(deps):
    with pytest.raises(NotFoundError):
        cancel_job(deps, new_id())
    with pytest.raises(NotFoundError):
        cancel_any_import(deps, new_id())
    with pytest.raises(NotFoundError):
        cancel_seller(deps, "nobody@example.com")


def upload(deps: Deps, seller) -> uuid.UUID:
    return receive_import(
        deps, seller.id, name="a.csv", channel="ebay", options=ImportOptions(), body=[CSV]
    )
