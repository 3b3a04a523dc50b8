"""Builders for tests of the web: an app on real servers, a seller with a key, a client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from urllib3.filepost import encode_multipart_formdata

from core.clock import wait_until
from services.access import Seller, create_api_key, create_signin_link
from services.deps import Deps, build_web_deps, build_worker_deps
from tests.support.jobs import Worker, build_settings, make_seller, make_worker, run_all
from web.factory import create_app

CSV = (
    "sku,title,description,brand,color,price\n"
    "A-1,FREE SHIPPING!!! Northfold Merino Wool Beanie Hat for Men and Women Warm Winter Knitted"
    " Cap Soft Rib Knit,A rib-knit beanie of merino wool.,Northfold,Green,24.00\n"
    "A-2,Northfold Canvas Tote Bag,A tote bag of sturdy canvas.,Northfold,Natural,18.50\n"
)


@dataclass(slots=True, kw_only=True)
class Web:
    """An application, with what a test needs to act on it."""

    app: Any
    deps: Deps
    worker: Worker
    seller: Seller
    key: str

    @property
    def client(self) -> Any:
        return self.app.test_client()

    def get(self, path: str, *, key: str | None = None, **more: Any) -> Any:
        return self.client.get(path, headers=self._headers(key, more), **more)

    def post(self, path: str, *, key: str | None = None, **more: Any) -> Any:
        return self.client.post(path, headers=self._headers(key, more), **more)

    def _headers(self, key: str | None, more: dict[str, Any]) -> dict[str, str]:
        return {"Authorization": f"Bearer {key or self.key}", **more.pop("headers", {})}

    def work(self) -> int:
        """Run everything that is due."""
        return run_all(self.worker.deps, self.worker)

    def make_other_key(self) -> str:
        """A key of another seller."""
        return create_api_key(self.deps, make_seller(self.deps, "other@example.com").id)

    def sign_in(self) -> Any:
        """A browser that is signed in."""
        client = self.client
        token = create_signin_link(self.deps, self.seller.id)
        assert client.post(f"/signin/{token}").status_code == 303
        return client


@contextmanager
def open_web(database_url: str, redis_url: str, **more: str) -> Iterator[Web]:
    """An application with a seller, closed at the end."""
    settings = build_settings(database_url, redis_url, **more)
    deps, worker_deps = build_web_deps(settings), build_worker_deps(settings)
    try:
        seller = make_seller(deps)
        yield Web(
            app=create_app(deps=deps),
            deps=deps,
            worker=make_worker(worker_deps),
            seller=seller,
            key=create_api_key(deps, seller.id),
        )
    finally:
        deps.database.dispose()
        worker_deps.database.dispose()


def wait_for(done: Any, *, timeout_s: float = 10.0) -> None:
    """Fail when ``done`` does not become true."""
    assert wait_until(done, timeout_s=timeout_s)


def upload(web: Web, content: str | bytes = CSV, *, name: str = "shop.csv", **form: str) -> Any:
    """Send a file to the API."""
    body, content_type = build_form({"file": (name, content), **form})
    return web.post("/api/v1/imports", data=body, content_type=content_type)


def build_form(parts: dict[str, Any]) -> tuple[bytes, str]:
    """A multipart body and its type; a file is a pair of name and content."""
    return encode_multipart_formdata(parts)
