"""Two versions of the product and sellers' programs that use them, for rehearsing a deployment."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import requests

from core.clock import wait_until
from embedded.ports import find_any_port
from tests.support.servers import ROOT

SENDERS = 4
STEP = 60
"""So many requests pass between two steps of the deployment."""

ENDED = ("completed", "discarded", "cancelled")

NEXT_MIGRATION = '''"""What a next version may add."""

from alembic import op

revision = "9999_pre"
down_revision = "{head}"
branch_labels = depends_on = None


def upgrade():
    op.execute("ALTER TABLE app.job ADD COLUMN next_version integer NOT NULL DEFAULT 0")
    op.execute("CREATE TABLE app.next_version (id uuid PRIMARY KEY)")
    op.execute("ALTER TABLE app.next_version ENABLE ROW LEVEL SECURITY")
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY job_next_version ON app.job (next_version)")


def downgrade():
    op.execute("ALTER TABLE app.job DROP COLUMN next_version")
    op.execute("DROP TABLE app.next_version")
'''


@dataclass(slots=True)
class Version:
    """One version's folder and its running processes."""

    folder: Path
    environ: Mapping[str, str]
    port: int = field(default_factory=find_any_port)
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where its web process listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, name: str, *argv: str) -> None:
        """Start one of its processes, in a group of its own."""
        with (self.folder / f"{name}.log").open("wb") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", *argv],
                cwd=self.folder,
                env=dict(self.environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start_web(self) -> None:
        """Start its web process and wait until it says that it is ready."""
        web = ("gunicorn", "web.factory:create_app()", "--no-control-socket", "--threads", "8")
        self.start("web", *web, "--bind", f"127.0.0.1:{self.port}", "--graceful-timeout", "20")
        assert wait_until(self.is_ready, timeout_s=60), self.read_log("web")

    def start_worker(self) -> None:
        """Start its worker; it is not ready yet."""
        lanes = ("interactive", "files", "bulk", "scheduled")
        worker = ("dramatiq", "workers.main", "--skip-logging", "--processes", "1")
        self.start(
            "worker",
            *(*worker, "--threads", "8", "--worker-shutdown-timeout", "20000", "--queues", *lanes),
        )

    def is_ready(self) -> bool:
        """What the platform asks before it sends requests."""
        try:
            return requests.get(f"{self.url}/readyz", timeout=5).ok
        except requests.RequestException:
            return False

    def stop(self, name: str) -> int:
        """As the platform stops it: TERM, then patience; its exit code."""
        process = self._running.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=40)

    def migrate(self) -> None:
        """Run its release command."""
        done = subprocess.run(
            [sys.executable, "-m", "alembic", "upgrade", "head"],
            cwd=self.folder,
            env=dict(self.environ),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def read_log(self, name: str) -> str:
        """What a process has said."""
        return (self.folder / f"{name}.log").read_text()

    def kill(self) -> None:
        """End what is left of it."""
        for process in self._running.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=10)


@dataclass(slots=True)
class Load:
    """Sellers' programs that post jobs and read them, each on a connection of its own."""

    urls: list[str]
    key: str
    statuses: Counter[str] = field(default_factory=Counter)
    _next: Iterator[int] = field(default_factory=count)
    _over: threading.Event = field(default_factory=threading.Event)

    def send(self) -> None:
        """Post a job, ask for it until it has ended, and again."""
        while not self._over.is_set():
            number = next(self._next)
            # A balancer keeps connections; a fresh one for each request is the harder case.
            url = self.urls[number % len(self.urls)]
            headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": f"k-{number}"}
            try:
                made = requests.post(
                    f"{url}/api/v1/jobs", json=build_job(number), headers=headers, timeout=15
                )
                self.statuses[f"POST {made.status_code}"] += 1
                self.follow(made.headers["Location"], headers)
            except (requests.RequestException, LookupError, ValueError) as fault:
                self.statuses[repr(fault)[:200]] += 1

    def follow(self, path: str, headers: Mapping[str, str]) -> None:
        """Ask for a job, of whichever process is told, until it has ended."""

        def has_ended() -> bool:
            seen = requests.get(self.urls[-1] + path, headers=headers, timeout=15)
            self.statuses[f"GET {seen.status_code}"] += 1
            return bool(seen.json()["state"] in ENDED)

        wait_until(has_ended, timeout_s=60)

    @contextmanager
    def running(self) -> Iterator[None]:
        """While the senders send."""
        threads = [threading.Thread(target=self.send) for _ in range(SENDERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def wait_for_more(self) -> None:
        """Until some more requests were answered, or not."""
        wanted = self.statuses.total() + STEP
        assert wait_until(lambda: self.statuses.total() >= wanted, timeout_s=60), self.statuses


def build_job(number: int) -> dict[str, object]:
    """A job that takes one call."""
    title = f"Northfold beanie {number} " + "soft rib knit green merino wool warm winter hat " * 3
    listing = {"sku": f"SKU-{number}", "title": title}
    return {"channel": "ebay", "listing": listing, "engine": "groq"}


def copy_version(folder: Path) -> Path:
    """The product as an image has it, without tests and papers."""
    left_out = (".*", "tests", "docs", "bench", "__pycache__", "out")
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*left_out))
    return folder


def add_migration(folder: Path, head: str) -> None:
    """Give the next version something to migrate."""
    path = folder / "migrations" / "versions" / "9999_pre_next.py"
    path.write_text(NEXT_MIGRATION.format(head=head))
