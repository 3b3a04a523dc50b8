"""The doctor tells what is wrong, whatever else is wrong, and never a secret."""

from __future__ import annotations

import pytest

from embedded import doctor
from embedded.doctor import run_doctor


@pytest.fixture
def examine(tmp_path, capsys):
    def run(**environ):
        status = run_doctor({"LISTWRIGHT_STATE_DIR": str(tmp_path), **environ})
        return status, capsys.readouterr().out

    return run


def test_a_sound_machine(examine, tmp_path):
    status, text = examine()
    assert status == 0
    assert str(tmp_path) in text
    assert "rules engine" in text
    assert "FAIL" not in text


def test_every_wrong_setting_is_listed_and_the_rest_still_checked(examine):
    status, text = examine(PORT="x", WORKERS_MIN="many", REDIS_URL="ftp://u:hidden@h")
    assert status == 1
    for fault in ("PORT is not", "WORKERS_MIN is not", "REDIS_URL is not", "database   embedded"):
        assert fault in text


def test_no_secret_is_printed(examine):
    _, text = examine(
        GROQ_API_KEY="hidden-key",
        DATABASE_URL="postgresql://u:hidden-word@127.0.0.1:1/x",
        REDIS_URL="redis://:hidden-too@127.0.0.1:1/0",
    )
    assert "a key is set" in text
    assert "does not answer" in text
    assert "hidden" not in text


def test_a_far_database_is_a_warning(examine, monkeypatch):
    monkeypatch.setattr(doctor, "_measure_ms", lambda _url: 42.0)
    status, text = examine(DATABASE_URL="postgresql://u@h/x")
    assert status == 0
    assert "warn  database   round trip 42.0 ms" in text


def test_a_machine_without_servers(examine, monkeypatch):
    monkeypatch.setattr(doctor, "find_postgres", lambda: None)
    status, text = examine()
    assert status == 1
    assert "set DATABASE_URL" in text
