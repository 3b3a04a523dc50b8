"""A page of suggestions accepted at once comes to what accepting each by itself comes to."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from core.clock import wait_until
from models import listing as listings
from services.accept import accept_import
from services.access import Seller
from services.deps import Deps
from services.measures import measure_listing
from services.muting import add_mute
from services.review import Decision, decide, get_suggestion, undo
from services.voicing import put_voice
from tests.support.jobs import (
    execute,
    import_all,
    make_seller,
    make_worker,
    query,
    run_all,
    upload,
)

pytestmark = pytest.mark.servers

COUNT = 7
WORDS = "Northfold beanie soft rib knit green merino wool warm winter hat FREE SHIPPING!!! "
COLUMNS = "sku,title,description,color,tags,price"
ACCEPT = Decision(action="accept")

LISTINGS = (
    "SELECT p.source_key, l.title, l.state, l.hard, l.advice, l.score, l.value_minor,"
    " l.open_suggestion_id IS NULL, r.fields, r.html_fields, r.origin, r.hash,"
    " (SELECT b.hash FROM app.revision b WHERE b.id = r.parent_id)"
    " FROM app.listing l JOIN app.product p ON p.id = l.product_id"
    " JOIN app.revision r ON r.id = l.current_revision_id"
    " WHERE l.seller_id = :seller ORDER BY p.source_key"
)
SUGGESTIONS = (
    "SELECT p.source_key, s.status, s.decided_at IS NULL, f.field, f.before, f.after, f.action,"
    " f.final FROM app.suggestion s JOIN app.suggestion_field f ON f.suggestion_id = s.id"
    " JOIN app.listing l ON l.id = s.listing_id JOIN app.product p ON p.id = l.product_id"
    " WHERE s.seller_id = :seller ORDER BY p.source_key, s.id, f.field"
)
DECISIONS = (
    "SELECT p.source_key, d.field, d.action, d.before, d.after, d.reason, d.actor"
    " FROM app.decision d JOIN app.suggestion s ON s.id = d.suggestion_id"
    " JOIN app.listing l ON l.id = s.listing_id JOIN app.product p ON p.id = l.product_id"
    " WHERE d.seller_id = :seller ORDER BY p.source_key, d.field, d.created_at"
)
OPEN = (
    "SELECT p.source_key, s.id FROM app.suggestion s"
    " JOIN app.listing l ON l.id = s.listing_id JOIN app.product p ON p.id = l.product_id"
    " WHERE s.seller_id = :seller AND s.status = 'open' ORDER BY p.source_key"
)
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND wait_event_type = 'Lock'"
)


@dataclass(frozen=True, slots=True)
class Shop:
    """A seller whose file was worked off."""

    deps: Deps
    seller: Seller
    import_id: uuid.UUID

    @property
    def seller_id(self) -> uuid.UUID:
        """Whose it is."""
        return self.seller.id

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        """Rows of this seller."""
        return query(self.deps, statement, seller=self.seller_id)

    def list_open(self) -> dict[str, uuid.UUID]:
        """Open suggestions by the product's key."""
        return dict(query(self.deps, OPEN, seller=self.seller_id))

    def list_offered(self, suggestion_id: uuid.UUID) -> list[str]:
        """Fields that are offered and undecided."""
        fields = get_suggestion(self.deps, self.seller_id, suggestion_id)["fields"]
        return [f["field"] for f in fields if f["after"] is not None and f["action"] is None]

    def accept_each(self) -> int:
        """Accept all that is offered, a suggestion at a time."""
        found = self.list_open().values()
        for one in found:
            accepts = dict.fromkeys(self.list_offered(one), ACCEPT)
            decide(self.deps, self.seller_id, one, accepts, actor="ann")
        return len(found)

    def accept_all(self) -> int:
        """Accept the whole import."""
        return accept_import(self.deps, self.seller_id, self.import_id, actor="ann")

    def read(self) -> list[list[tuple[object, ...]]]:
        """All that accepting may write."""
        return [self.ask(statement) for statement in (LISTINGS, SUGGESTIONS, DECISIONS)]


def write_row(n: int, words: str) -> str:
    tags = f"beanie,beanie,a very long tag that no shop will ever take as it is {n}"
    return f'SKU-{n},{words}{n},"A rib-knit beanie, style {n}. BUY NOW!!!",Green,"{tags}",{n}.50'


def make_file() -> bytes:
    """Products whose titles and tags break rules, and one with nothing to mend."""
    rows = [write_row(n, WORDS * 2) for n in range(COUNT)]
    fine = 'SKU-X,Northfold Beanie,"A rib-knit beanie of merino wool.",Green,beanie,3.00'
    return "\r\n".join([COLUMNS, *rows, fine, ""]).encode()


@pytest.fixture
def make_shop(deps: Deps) -> Callable[[str], Shop]:
    """Makes shops that are all alike."""

    def make(email: str) -> Shop:
        seller = make_seller(deps, email)
        import_id = import_all(deps, seller, make_file(), channel="etsy", engine="rules")
        shop = Shop(deps, seller, import_id)
        assert len(shop.list_open()) == COUNT
        return shop

    return make


def leave_alone(shop: Shop) -> None:
    """Everything is as the jobs left it."""


def decide_before(shop: Shop) -> None:
    """Some fields were edited or rejected before; of one product, the text is another by now."""
    found = shop.list_open()
    assert len(shop.list_offered(found["SKU-1"])) > 1
    edit = {"title": Decision(action="edit", text="Northfold Beanie, Green")}
    decide(shop.deps, shop.seller_id, found["SKU-1"], edit, actor="bob")
    reject = {"title": Decision(action="reject", reason="mine is better")}
    decide(shop.deps, shop.seller_id, found["SKU-2"], reject, actor="bob")
    changed = "\n".join([COLUMNS, write_row(3, "Other ")]).encode()
    upload(shop.deps, shop.seller, changed, channel="etsy")
    run_all(shop.deps, make_worker(shop.deps))
    assert list(shop.list_open()) == ["SKU-0", "SKU-1", "SKU-2", "SKU-4", "SKU-5", "SKU-6"]


def change_rows(shop: Shop) -> None:
    """Suggestions of before their measures were noted, refused fields, other facts than then."""
    found = shop.list_open()
    for change, key in (
        ("suggestion SET advice_after = NULL WHERE id", "SKU-0"),
        ("suggestion_field SET after = NULL WHERE field = 'title' AND suggestion_id", "SKU-0"),
        ("suggestion SET advice_after = NULL WHERE id", "SKU-1"),
        ("suggestion_field SET after = before WHERE suggestion_id", "SKU-1"),
    ):
        execute(shop.deps, f"UPDATE app.{change} = :id", id=found[key])
    execute(
        shop.deps,
        "INSERT INTO app.suggestion_field (seller_id, suggestion_id, field, engine, before)"
        " VALUES (:seller, :id, 'materials', 'rules', '[]')",
        seller=shop.seller_id,
        id=found["SKU-2"],
    )
    execute(
        shop.deps,
        "UPDATE app.product SET facts = facts || jsonb_build_object('color', 'Blue')"
        " WHERE seller_id = :seller AND source_key = 'SKU-3'",
        seller=shop.seller_id,
    )


def mute_a_rule(shop: Shop) -> None:
    """What the jobs measured with holds no more."""
    add_mute(shop.deps, shop.seller_id, "etsy", rule="etsy.tags.use_all", reason="few will do")


def wish_for_terms(shop: Shop) -> None:
    """Texts are measured against search terms by now."""
    put_voice(shop.deps, shop.seller_id, {"keywords": ["bobble hat"]})


@pytest.fixture
def measured(monkeypatch) -> list[str]:
    """Keys of the listings that the page measures itself."""
    keys: list[str] = []

    def note(listing, rules, *, keywords):
        keys.append(listing.key)
        return measure_listing(listing, rules, keywords=keywords)

    monkeypatch.setattr("services.accept_page.measure_listing", note)
    return keys


ALL = [f"SKU-{n}" for n in range(COUNT)]


@pytest.mark.parametrize(
    ("happen", "again"),
    [
        (leave_alone, []),
        (decide_before, ["SKU-1", "SKU-2"]),
        (change_rows, ["SKU-0", "SKU-1", "SKU-3"]),
        (mute_a_rule, ALL),
        (wish_for_terms, ALL),
    ],
)
def test_it_is_what_one_by_one_comes_to(make_shop, measured, happen, again):
    one, other = make_shop("one@example.com"), make_shop("other@example.com")
    happen(one)
    happen(other)
    assert one.read() == other.read()
    assert other.accept_all() == one.accept_each()
    assert other.read() == one.read()
    assert (other.list_open(), other.accept_all()) == ({}, 0)
    assert sorted(measured) == again


def test_what_is_decided_while_it_waits_stands(deps, make_shop):
    """Somebody rejects a field while the page waits for that very listing."""
    shop = make_shop("one@example.com")
    found = shop.list_open()["SKU-4"]
    rows = query(deps, "SELECT listing_id FROM app.suggestion WHERE id = :id", id=found)
    page = threading.Thread(target=shop.accept_all)
    with deps.database.transaction(seller=shop.seller_id) as session:
        listings.lock_listing(session, shop.seller_id, rows[0][0])
        page.start()
        assert wait_until(lambda: query(deps, WAITING) == [(1,)], timeout_s=10)
        session.execute(
            text(
                "UPDATE app.suggestion_field SET action = 'reject' WHERE field = 'title'"
                " AND suggestion_id = :id"
            ),
            {"id": found},
        )
    page.join(timeout=10)
    told = get_suggestion(deps, shop.seller_id, found)
    title = next(one for one in told["fields"] if one["field"] == "title")
    assert (told["status"], title["action"], title["final"]) == ("partly_accepted", "reject", None)
    assert len(shop.ask(DECISIONS)) == 2 * COUNT - 1


def test_a_suggestion_for_a_newer_text_is_left_open(deps, make_shop):
    shop = make_shop("one@example.com")
    newer = "\n".join([COLUMNS, write_row(3, WORDS * 2 + "newer ")]).encode()
    second = import_all(deps, shop.seller, newer, channel="etsy", engine="rules")
    left = shop.list_open()["SKU-3"]
    assert shop.accept_all() == COUNT - 1
    assert shop.list_open() == {"SKU-3": left}
    assert Shop(deps, shop.seller, second).accept_all() == 1


def test_each_can_be_undone_and_accepted_again(deps, make_shop):
    shop = make_shop("one@example.com")
    before, found = shop.ask(LISTINGS), shop.list_open()
    shop.accept_all()
    accepted = shop.ask(LISTINGS)
    for one in found.values():
        undo(deps, shop.seller_id, one, actor="bob")
    assert [row[1] for row in shop.ask(LISTINGS)] == [row[1] for row in before]
    assert shop.list_open() == found
    assert shop.accept_all() == COUNT
    assert shop.ask(LISTINGS) == accepted
