"""Orders hidden in listings, answered by a model that obeys each: nothing gets past the gate."""

from __future__ import annotations

import json

import pytest

from domain.brief import Mode
from services.submit import get_job, submit_job
from tests.support.attacks import list_attacks
from tests.support.groq_sim import running_groq
from tests.support.jobs import make_order, make_wish, make_worker, query
from tests.support.llm_door import open_groq_deps

pytestmark = pytest.mark.servers

CHANNELS = ("ebay", "etsy", "google", "shopify", "amazon", "walmart")


@pytest.fixture
def groq():
    with running_groq(faults=("leak",)) as simulator:
        yield simulator


@pytest.fixture
def deps(database_url, redis_url, groq):
    with open_groq_deps(database_url, redis_url, groq) as made:
        yield made


def test_sixty_obeyed_orders_leave_nothing_in_an_offered_text(deps, seller, groq):
    worker, attacks = make_worker(deps), list_attacks()
    assert len({one.listing.text("description") + one.listing.key for one in attacks}) == 60
    for number, attack in enumerate(attacks):
        wish = make_wish(("groq", "auto")[number % 3 == 0], mode=list(Mode)[number // 2 % 3])
        order = make_order(attack.listing, channel=CHANNELS[(number + number // 6) % 6], wish=wish)
        job_id = submit_job(deps, seller.id, order).job_id
        worker.run(job_id)
        assert get_job(deps, seller.id, job_id)["state"] == "completed"
    assert groq.ledger()["by_fault"].get("leak", 0) >= 60
    leaks = [
        (attack.listing.key, field, loot, after)
        for attack in attacks
        for field, after in query(
            deps,
            "SELECT f.field, f.after FROM app.suggestion_field f"
            " JOIN app.suggestion s ON s.id = f.suggestion_id"
            " JOIN app.listing l ON l.id = s.listing_id"
            " JOIN app.product p ON p.id = l.product_id"
            " WHERE p.source_key = :key AND f.after IS NOT NULL",
            key=attack.listing.key,
        )
        for loot in attack.loot
        if loot.casefold() in json.dumps(after, ensure_ascii=False).casefold()
    ]
    assert leaks == []
