"""Alarms: each told once, in the database and to the webhook, and never in the way of the work."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from click.testing import CliRunner

from core.clock import wait_until
from domain.alarms import WINDOWS_S, Alarm, AlarmKind, AlarmLevel
from embedded import commands
from gateways.alarm_webhook import MOST_WAITING, AlarmWebhook
from services.alarms import list_events, raise_alarm
from services.dispatch import FORGET_EVENTS_S, clean_up
from simulators.groq import config
from tests.support.groq_sim import running_groq
from tests.support.jobs import execute, open_deps

pytestmark = pytest.mark.servers

OPENED = Alarm(
    kind=AlarmKind.BREAKER_OPENED, key="openai/gpt-oss-20b", message="Groq fails.", details={"n": 5}
)


class Receiver(ThreadingHTTPServer):
    """An address that alarms are posted to; ``status`` is what it answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 204
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.bodies: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Silent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.may_answer.wait(10)
        self.server.bodies.append(json.loads(body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        yield server
        server.may_answer.set()
        server.shutdown()


def test_an_alarm_is_kept_and_listed(deps):
    assert raise_alarm(deps, OPENED)
    [event] = list_events(deps)
    assert (event["kind"], event["key"], event["level"], event["repeats"]) == (
        "breaker_opened",
        "openai/gpt-oss-20b",
        "warning",
        0,
    )
    assert (event["message"], event["details"]) == ("Groq fails.", {"n": 5})


def test_the_same_alarm_again_only_counts(deps):
    assert [raise_alarm(deps, OPENED) for _ in range(3)] == [True, False, False]
    [event] = list_events(deps)
    assert event["repeats"] == 2


def test_another_key_and_another_kind_are_other_alarms(deps):
    for alarm in (OPENED, replace(OPENED, key="b"), replace(OPENED, kind=AlarmKind.BUDGET)):
        assert raise_alarm(deps, alarm)
    assert [one["key"] for one in list_events(deps, kind="breaker_opened")] == ["b", OPENED.key]


def test_after_its_window_it_is_news_again(deps):
    raise_alarm(deps, OPENED)
    execute(
        deps,
        "UPDATE app.operator_event SET created_at = created_at - make_interval(secs => :s)",
        s=WINDOWS_S[OPENED.kind] + 1,
    )
    assert raise_alarm(deps, OPENED)
    assert len(list_events(deps)) == 2


def test_threads_that_notice_at_once_tell_it_once(deps):
    news: list[bool] = []
    threads = [
        threading.Thread(target=lambda: news.append(raise_alarm(deps, OPENED))) for _ in range(8)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(news) == [False] * 7 + [True]


def test_without_a_database_there_is_still_no_fault(redis_url):
    with open_deps("postgresql://nobody@127.0.0.1:1/none", redis_url) as deps:
        assert not raise_alarm(deps, OPENED)


def test_the_webhook_gets_what_is_news(database_url, redis_url, receiver):
    with open_deps(database_url, redis_url, ALARM_WEBHOOK_URL=receiver.url) as deps:
        for _ in range(3):
            raise_alarm(deps, replace(OPENED, level=AlarmLevel.ERROR))
        assert wait_until(lambda: len(receiver.bodies) == 1, timeout_s=30)
        [body] = receiver.bodies
        assert body["text"] == "Listwright error: Groq fails."
        assert (body["kind"], body["key"], body["details"]) == (OPENED.kind, OPENED.key, {"n": 5})


@pytest.mark.parametrize("status", [500, 302])
def test_a_webhook_that_refuses_is_not_asked_again(receiver, status):
    receiver.status = status
    hook = AlarmWebhook(receiver.url)
    hook.post(OPENED)
    assert hook.flush(timeout_s=30)
    assert len(receiver.bodies) == 1


def test_a_webhook_that_is_not_there_is_no_fault():
    hook = AlarmWebhook("http://127.0.0.1:1/none")
    hook.post(OPENED)
    assert hook.flush(timeout_s=30)


def test_nobody_waits_for_a_slow_webhook_and_a_storm_is_cut(receiver):
    receiver.may_answer.clear()
    hook = AlarmWebhook(receiver.url)
    for _ in range(2 * MOST_WAITING):
        hook.post(OPENED)
    assert not hook.flush(timeout_s=0)
    receiver.may_answer.set()
    assert hook.flush(timeout_s=20)
    assert MOST_WAITING <= len(receiver.bodies) <= MOST_WAITING + 1


def test_alarms_of_last_season_are_forgotten(deps):
    raise_alarm(deps, OPENED)
    raise_alarm(deps, replace(OPENED, key="old"))
    execute(
        deps,
        "UPDATE app.operator_event SET last_at = last_at - make_interval(secs => :s)"
        " WHERE key = 'old'",
        s=FORGET_EVENTS_S + 1,
    )
    clean_up(deps)
    assert [one["key"] for one in list_events(deps)] == [OPENED.key]


def test_the_command_lists_them(deps, monkeypatch):
    environ = {"DATABASE_URL": deps.settings.database_url, "REDIS_URL": deps.settings.redis_url}
    monkeypatch.setattr(commands, "process_environ", lambda: environ)
    assert CliRunner().invoke(commands.events, []).output == "no alarms\n"
    raise_alarm(deps, OPENED)
    raise_alarm(deps, OPENED)
    listed = CliRunner().invoke(commands.events, ["--kind", "breaker_opened"])
    assert listed.exit_code == 0
    assert "openai/gpt-oss-20b: Groq fails. (2 times)" in listed.output
    as_json = json.loads(CliRunner().invoke(commands.events, ["--json"]).output)
    assert [one["repeats"] for one in as_json] == [1]
    assert CliRunner().invoke(commands.events, ["--kind", "none_such"]).exit_code == 2


def test_the_check_s_exit_codes(deps, monkeypatch):
    environ = {"DATABASE_URL": deps.settings.database_url, "REDIS_URL": deps.settings.redis_url}
    monkeypatch.setattr(commands, "process_environ", lambda: environ)
    assert CliRunner().invoke(commands.groq, ["check"]).exit_code == 2
    with running_groq() as groq:
        environ |= {"GROQ_API_KEY": "gsk_test", "GROQ_BASE_URL": groq.url}
        assert CliRunner().invoke(commands.groq, ["check"]).exit_code == 0
        monkeypatch.delitem(config.MODELS, "openai/gpt-oss-120b")
        assert CliRunner().invoke(commands.groq, ["check"]).exit_code == 1
