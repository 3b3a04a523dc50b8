"""Who is let in: keys, one-time links, sessions, and nobody else."""

from __future__ import annotations

import pytest

from core.errors import InvalidFieldError, UnauthorizedError
from services.access import (
    create_api_key,
    create_seller,
    create_signin_link,
    find_signed_in,
    require_api_key,
    sign_in_by_key,
    sign_in_by_link,
    sign_out,
)
from tests.support.jobs import execute, make_seller, query

pytestmark = pytest.mark.servers


def test_a_key_opens_its_own_seller_and_only_its_hash_is_kept(deps, seller):
    make_seller(deps, "other@example.com")
    key = create_api_key(deps, seller.id)
    assert require_api_key(deps, key) == seller
    stored = str(query(deps, "SELECT * FROM app.api_key"))
    secret = key.split("_", 2)[2]  # which may hold an underscore itself
    assert secret not in stored


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: key[:0],
        lambda key: key[:-1] + ("a" if key[-1] != "a" else "b"),
        lambda key: key.replace("lw_", "xx_"),
        lambda key: key.rpartition("_")[0] + "_",
        lambda key: "lw_0123456789_" + key.rpartition("_")[2],
        lambda key: key + "\x00",
    ],
    ids=["none", "last letter", "prefix", "no secret", "unknown", "NUL"],
)
def test_a_wrong_key_opens_nothing(deps, seller, spoil):
    key = create_api_key(deps, seller.id)
    with pytest.raises(UnauthorizedError) as caught:
        require_api_key(deps, spoil(key))
    assert caught.value.remedy
    assert key not in str(caught.value)


def test_the_same_address_is_the_same_seller_and_a_wrong_one_none(deps, seller):
    assert create_seller(deps, f" {seller.email} ") == seller
    with pytest.raises(InvalidFieldError, match="no e-mail"):
        create_seller(deps, "nobody")


def test_a_link_signs_in_once(deps, seller):
    token = create_signin_link(deps, seller.id)
    begun = sign_in_by_link(deps, token)
    signed_in = find_signed_in(deps, begun.token)
    assert signed_in is not None
    assert (signed_in.seller, signed_in.csrf_token) == (seller, begun.csrf_token)
    with pytest.raises(UnauthorizedError, match="used"):
        sign_in_by_link(deps, token)


def test_an_old_link_and_an_ended_session_open_nothing(deps, seller):
    token = create_signin_link(deps, seller.id)
    execute(deps, "UPDATE app.signin_link SET expires_at = clock_timestamp()")
    with pytest.raises(UnauthorizedError):
        sign_in_by_link(deps, token)
    begun = sign_in_by_key(deps, create_api_key(deps, seller.id))
    sign_out(deps, begun.token)
    assert find_signed_in(deps, begun.token) is None


@pytest.mark.parametrize("column", ["expires_at", "last_seen_at"])
def test_a_session_ends_by_age_and_by_idleness(deps, seller, column):
    begun = sign_in_by_key(deps, create_api_key(deps, seller.id))
    assert find_signed_in(deps, begun.token) is not None
    ages = {
        "expires_at": "UPDATE app.web_session SET expires_at = clock_timestamp()",
        "last_seen_at": "UPDATE app.web_session SET last_seen_at = last_seen_at - interval '1 day'",
    }
    execute(deps, ages[column])
    assert find_signed_in(deps, begun.token) is None


def test_who_only_reads_is_let_in_while_nothing_can_be_written(deps, seller, database_url):
    key = create_api_key(deps, seller.id)
    begun = sign_in_by_key(deps, key)
    long_ago = "SET last_{} = clock_timestamp() - interval '1 hour'"
    execute(deps, f"UPDATE app.api_key {long_ago.format('used_at')}")
    execute(deps, f"UPDATE app.web_session {long_ago.format('seen_at')}")
    name = database_url.rpartition("/")[2].partition("?")[0]
    execute(deps, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    deps.database.dispose()
    assert require_api_key(deps, key) == seller
    assert find_signed_in(deps, begun.token) is not None
