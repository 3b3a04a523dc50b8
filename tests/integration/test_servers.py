"""The test servers are real, private and fresh."""

from __future__ import annotations

from urllib.parse import urlsplit

import psycopg
import pytest
import redis

pytestmark = pytest.mark.servers


def test_a_test_gets_a_fresh_writable_database(database_url):
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE only_here (id int)")
        (name,) = connection.execute("SELECT current_database()").fetchone() or ("",)
    assert name.startswith("test_")


def test_the_next_test_does_not_see_it(database_url):
    with psycopg.connect(database_url) as connection:
        found = connection.execute("SELECT to_regclass('only_here')").fetchone()
    assert found == (None,)


def test_redis_is_empty_and_needs_its_password(redis_url):
    client = redis.Redis.from_url(redis_url)
    assert client.dbsize() == 0
    client.close()
    secret = urlsplit(redis_url).password or ""
    stranger = redis.Redis.from_url(redis_url.replace(secret, "wrong"))
    with pytest.raises(redis.AuthenticationError):
        stranger.ping()
    stranger.close()
