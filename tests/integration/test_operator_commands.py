"""`flask seller`: keys and links that work where the pages really are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.errors import NotFoundError, SettingsError
from embedded.operator import run_seller_create, run_seller_link
from embedded.state import ServersRecord, own_state, write_servers
from services.access import sign_in_by_link
from tests.support.jobs import make_seller

pytestmark = pytest.mark.servers

EMAIL = "ann@example.com"


@pytest.fixture
def environ(database_url, redis_url, tmp_path: Path):
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "LISTWRIGHT_STATE_DIR": str(tmp_path),
    }


def link(environ, capsys) -> str:
    assert run_seller_link(environ, EMAIL) == 0
    text: str = capsys.readouterr().out
    assert text.count("\n") == 1
    return text.strip()


def test_a_link_signs_in_and_names_the_port_of_the_settings(deps, environ, capsys):
    make_seller(deps, EMAIL)
    address = link({**environ, "PORT": "5123"}, capsys)
    assert address.startswith("http://127.0.0.1:5123/signin/")
    assert sign_in_by_link(deps, address.rpartition("/")[2]).token


def test_a_link_leads_to_the_public_address_where_there_is_one(deps, environ, capsys):
    make_seller(deps, EMAIL)
    address = link({**environ, "PUBLIC_URL": "https://shop.example/"}, capsys)
    assert address.startswith("https://shop.example/signin/")


def test_a_link_leads_to_the_port_that_make_run_really_took(
    deps, environ, database_url, redis_url, tmp_path: Path, capsys
):
    """Its own port may have been taken, so that it moved on."""
    make_seller(deps, EMAIL)
    record = ServersRecord(
        owner_pid=os.getpid(),
        database_url=database_url,
        redis_url=redis_url,
        web_url="http://127.0.0.1:5177",
    )
    embedded = {"LISTWRIGHT_STATE_DIR": environ["LISTWRIGHT_STATE_DIR"], "PORT": "5123"}
    with own_state(tmp_path):
        write_servers(tmp_path, record=record)
        assert link(embedded, capsys).startswith("http://127.0.0.1:5177/signin/")
        public = {**embedded, "PUBLIC_URL": "https://shop.example"}
        assert link(public, capsys).startswith("https://shop.example/signin/")


def test_nobody_gets_a_link_who_is_not_there(environ):
    with pytest.raises(NotFoundError, match="seller create"):
        run_seller_link(environ, EMAIL)


def test_a_key_is_printed_alone(environ, capsys):
    assert run_seller_create(environ, EMAIL) == 0
    assert capsys.readouterr().out.startswith("lw_")


def test_whoever_names_one_server_is_not_led_to_others(deps, environ, tmp_path: Path):
    """They may mean production, and would act on the demo."""
    make_seller(deps, EMAIL)
    record = ServersRecord(
        owner_pid=os.getpid(),
        database_url=environ["DATABASE_URL"],
        redis_url=environ["REDIS_URL"],
    )
    named = {"LISTWRIGHT_STATE_DIR": str(tmp_path), "DATABASE_URL": "postgresql://prod/app"}
    with own_state(tmp_path):
        write_servers(tmp_path, record=record)
        with pytest.raises(SettingsError, match="DATABASE_URL is set and REDIS_URL is not"):
            run_seller_link(named, EMAIL)
        same = {**named, "DATABASE_URL": environ["DATABASE_URL"]}
        assert run_seller_link(same, EMAIL) == 0
