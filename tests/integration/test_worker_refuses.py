"""A worker that may not start ends with its reason; a command that waits for it says so."""

from __future__ import annotations

import os

import pytest

from core.clock import wait_until
from core.errors import SettingsError
from core.settings import load_settings
from domain.catalogue import DEFAULT_LLM
from embedded.run_worker import build_run_worker
from services.llm_check import disable_llm
from tests.support.jobs import open_deps

pytestmark = pytest.mark.servers


def test_a_worker_that_refuses_to_start_ends_the_command_with_its_reason(
    database_url, redis_url, tmp_path
):
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "GROQ_API_KEY": "gsk_test",
        "LISTWRIGHT_POOL": "run-refused",
    }
    with open_deps(database_url, redis_url) as deps:
        disable_llm(deps, DEFAULT_LLM, "somebody said so")
    worker = build_run_worker(
        environ, load_settings(environ), llm=True, log_path=tmp_path / "worker.log"
    )
    reasons: list[str] = []

    def is_refused() -> bool:
        try:
            worker.ensure_running()
        except SettingsError as fault:
            reasons.append(str(fault))
        return bool(reasons)

    try:
        assert wait_until(is_refused, timeout_s=30.0)
        assert f"{DEFAULT_LLM} is out of use: somebody said so" in reasons[0]
    finally:
        worker.stop()
