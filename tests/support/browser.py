"""A real browser against a real server: the system's Chromium, and the app on a free port."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

Scheme = Literal["light", "dark"]
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_ARGS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_chromium() -> str | None:
    """The path of a Chromium of this system."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


@contextmanager
def serve(app: Any) -> Iterator[str]:
    """Run the app on a free port; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A Chromium, closed at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=_ARGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass(slots=True)
class Watched:
    """A page, and everything that went wrong on it."""

    page: Page
    faults: list[str] = field(default_factory=list)


@contextmanager
def open_page(
    browser: Browser, address: str, *, scheme: Scheme = "light", width: int = 1200
) -> Iterator[Watched]:
    """A new window; errors of scripts and the console are kept."""
    context = browser.new_context(
        base_url=address,
        color_scheme=scheme,
        viewport={"width": width, "height": 900},
    )
    page = context.new_page()
    watched = Watched(page)
    page.on("pageerror", lambda fault: watched.faults.append(str(fault)))
    page.on(
        "console",
        lambda said: (
            watched.faults.append(said.text) if said.type in ("error", "warning") else None
        ),
    )
    page.set_default_timeout(10_000)
    try:
        yield watched
    finally:
        context.close()
