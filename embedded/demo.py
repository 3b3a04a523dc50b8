"""The first start's demo: a seller, our sample catalogue, and a link to look at it.

Run as a process of its own (``python -m embedded.demo``) once the pages answer.
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from core.clock import wait_until
from core.errors import AppError
from core.log import configure_logging
from core.settings import load_settings, process_environ
from domain.brief import Mode
from services.access import Seller, create_seller, create_signin_link
from services.deps import Deps, build_web_deps
from services.import_options import ImportOptions
from services.import_receive import receive_import
from services.import_show import get_import, list_imports
from services.imports import confirm_import

EMAIL: Final = "demo@listwright.example"
SAMPLES: Final = Path(__file__).resolve().parent.parent / "docs" / "samples"
PLANS: Final = {
    "etsy_download.csv": ("etsy", Mode.IMPROVE),
    "generic_semicolon_cp1252.csv": ("walmart", Mode.FIX),
    "generic_tab_utf16.txt": ("amazon", Mode.FIX),
    "shopify_catalog.csv": ("shopify", Mode.IMPROVE),
    "woocommerce_catalog.csv": ("ebay", Mode.FIX),
}
"""Each sample's channel and mode, so that the first pages show all that can happen."""
READ_TIMEOUT_S: Final = 120.0
READ_BYTES: Final = 1 << 16


def prepare_demo(deps: Deps) -> str:
    """Import and optimize the samples unless that was done; a new one-time sign-in path."""
    seller = create_seller(deps, EMAIL)
    there = {one["name"] for one in list_imports(deps, seller.id, limit=100)}
    for name in PLANS:
        if name not in there:
            import_sample(deps, seller, SAMPLES / name)
    return f"/signin/{create_signin_link(deps, seller.id)}"


def import_sample(deps: Deps, seller: Seller, path: Path) -> None:
    """Import one file and confirm it; what it suggests is left to be reviewed."""
    channel, mode = PLANS[path.name]
    import_id = receive_import(
        deps,
        seller.id,
        name=path.name,
        channel=channel,
        options=ImportOptions(mode=mode),
        body=_read(path),
    )
    if wait_until(
        lambda: _state(deps, seller, import_id) in ("ready", "failed"),
        timeout_s=READ_TIMEOUT_S,
        poll_s=0.2,
    ):
        confirm_import(deps, seller.id, import_id)


def _state(deps: Deps, seller: Seller, import_id: uuid.UUID) -> str:
    return str(get_import(deps, seller.id, import_id)["state"])


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            yield block


def main() -> int:
    """Print the link to the pages; a fault costs the demo, never the product."""
    settings = load_settings(process_environ())
    configure_logging(level="warning", json_lines=settings.log_format == "json")
    deps = build_web_deps(settings)
    try:
        path = prepare_demo(deps)
    except AppError as fault:
        sys.stderr.write(f"The demo could not be prepared: {fault}\n")
        return 1
    finally:
        deps.database.dispose()
    base = settings.public_url or f"http://127.0.0.1:{settings.port}"
    sys.stdout.write(f"Sign in once within a day: {base.rstrip('/')}{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
