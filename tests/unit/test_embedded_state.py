"""Where the state folder is, who owns it, and what others learn from it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from core.errors import ConflictError, UnavailableError
from embedded import state
from embedded.clean import clean_state
from embedded.state import (
    ServersRecord,
    find_servers,
    is_in_use,
    is_owned,
    list_state_homes,
    own_state,
    resolve_state_dir,
    use_state,
    write_servers,
)

RECORD = ServersRecord(owner_pid=1, database_url="postgresql://x", redis_url="redis://y")


def test_an_explicit_folder_wins_and_is_made(tmp_path):
    wanted = tmp_path / "deep" / "state"
    assert resolve_state_dir({"LISTWRIGHT_STATE_DIR": str(wanted)}) == wanted
    assert stat.S_IMODE(wanted.stat().st_mode) in {0o700, 0o711}


def test_an_explicit_folder_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match="file/state cannot be used"):
        resolve_state_dir({"LISTWRIGHT_STATE_DIR": str(tmp_path / "file" / "state")})


def test_users_keep_state_at_home_and_root_outside_its_home():
    environ = {"HOME": "/home/ann", "XDG_STATE_HOME": "/state"}
    assert list_state_homes(environ, uid=0) == [Path("/var/lib/listwright")]
    assert list_state_homes(environ, uid=1000) == [
        Path("/state/listwright"),
        Path("/home/ann/.local/state/listwright"),
    ]
    assert list_state_homes({"HOME": "relative"}, uid=1000) == []


def test_two_checkouts_never_share(tmp_path, monkeypatch):
    monkeypatch.setattr(state, "list_state_homes", lambda *_a, **_k: [tmp_path])
    first = resolve_state_dir({})
    monkeypatch.setattr(state, "_CHECKOUT", Path("/elsewhere"))
    assert resolve_state_dir({}) != first


def test_without_a_writable_home_a_temporary_folder_is_used(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(state, "list_state_homes", lambda *_a, **_k: [tmp_path / "file"])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert resolve_state_dir({}).parent.parent == tmp_path


def test_there_is_one_owner_and_others_are_told_who(tmp_path):
    assert not is_owned(tmp_path)
    with own_state(tmp_path):
        assert is_owned(tmp_path)
        with (
            pytest.raises(ConflictError, match=r"already running \(process \d+"),
            own_state(tmp_path),
        ):
            pass
    assert not is_owned(tmp_path)


def test_users_are_seen_until_the_last_one_leaves(tmp_path):
    with use_state(tmp_path):
        with use_state(tmp_path):
            assert is_in_use(tmp_path)
        assert is_in_use(tmp_path)
    assert not is_in_use(tmp_path)


def test_the_record_counts_only_while_its_owner_lives(tmp_path):
    with own_state(tmp_path):
        assert find_servers(tmp_path) is None
        write_servers(tmp_path, record=RECORD)
        assert find_servers(tmp_path) == RECORD
        assert stat.S_IMODE((tmp_path / "servers.json").stat().st_mode) == 0o600
    assert find_servers(tmp_path) is None


def test_a_record_left_by_a_killed_owner_is_ignored(tmp_path):
    write_servers(tmp_path, record=RECORD)
    assert find_servers(tmp_path) is None


def test_clean_removes_what_is_ours_and_nothing_else(tmp_path):
    environ = {"LISTWRIGHT_STATE_DIR": str(tmp_path)}
    (tmp_path / "postgres").mkdir()
    (tmp_path / "somebody's.txt").write_text("keep")
    clean_state(environ)
    assert [path.name for path in tmp_path.iterdir()] == ["somebody's.txt"]


def test_clean_refuses_while_it_runs(tmp_path):
    (tmp_path / "postgres").mkdir()
    with own_state(tmp_path), pytest.raises(ConflictError):
        clean_state({"LISTWRIGHT_STATE_DIR": str(tmp_path)})
    assert (tmp_path / "postgres").exists()
