"""Pages of imports: send a file, look at it, confirm it, watch it, take it back."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any, Final

from flask import make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from core.errors import InputError, NotFoundError
from domain.batch_lane import Speed
from domain.brief import EngineChoice, Mode
from domain.files.choices import AUTOMATIC
from domain.files.forms import Form
from domain.files.profile import list_profile_names, load_profile
from domain.listing import Channel
from services.accept import find_acceptance, submit_accept
from services.export import choose_form_of
from services.failures import list_failures
from services.import_show import get_import, list_columns, list_imports
from services.imports import cancel_import, confirm_import
from web.auth import Access, access
from web.cache import forget
from web.context import get_deps, get_seller
from web.dashboard.listings import COUNTS
from web.dashboard.pages import build_blueprint, show_page
from web.dashboard.review import ACTOR
from web.dashboard.voice import build_own_wishes
from web.dashboard.wording import IMPORT_STATES, name_of
from web.downloads import EXPORTABLE, build_download, build_problems
from web.requests import takes_file
from web.uploads import parse_count, receive_upload

blueprint = build_blueprint("import_pages")

MOVING: Final = frozenset({"receiving", "received", "parsing", "confirmed", "running"})
CANCELLABLE: Final = MOVING | {"ready"}


@blueprint.get("/imports")
@access(Access.SESSION)
def show_imports() -> str:
    """Show the newest imports and the form for another."""
    return _render_imports(fault=None)


def _render_imports(*, fault: InputError | None) -> str:
    return show_page(
        "imports.html",
        imports=list_imports(get_deps(), get_seller().id),
        channels=list(Channel),
        modes=list(Mode),
        engines=list(EngineChoice),
        speeds=list(Speed),
        profiles=[(name, load_profile(name).label) for name in list_profile_names()],
        fault=fault,
        sent=request.form,
        max_mb=get_deps().settings.max_upload_bytes // 2**20,
    )


@blueprint.post("/imports")
@access(Access.SESSION)
@takes_file
def send_file() -> ResponseReturnValue:
    """Take a file in and lead to its page."""
    try:
        own = build_own_wishes(request.form)
        form = {**request.form, **({"voice": json.dumps(own)} if own else {})}
        import_id = receive_upload(request.files.get("file"), form)
    except InputError as fault:
        return make_response(_render_imports(fault=fault), fault.http_status)
    return redirect(url_for("import_pages.show_import", import_id=import_id), code=303)


@blueprint.get("/imports/<uuid:import_id>")
@access(Access.SESSION)
def show_import(import_id: uuid.UUID) -> str:
    """Show one import: what stands in it, what it costs, how far it is."""
    deps, seller = get_deps(), get_seller()
    shown = get_import(deps, seller.id, import_id)
    failures = list_failures(deps, seller.id, shown["batch_id"]) if shown["batch_id"] else []
    acceptance = find_acceptance(deps, seller.id, import_id)
    return show_page(
        "import.html",
        shown=shown,
        progress=summarize_progress(shown),
        failures=failures,
        columns=list_columns(deps, seller.id, import_id),
        acceptance=summarize_acceptance(acceptance) if acceptance else None,
        format_label=load_profile(shown["format"]).label if shown["format"] else "",
        is_named=shown["options"]["profile"] not in ("", AUTOMATIC),
        forms=list_forms(shown),
        is_moving=shown["state"] in MOVING,
        is_cancellable=shown["state"] in CANCELLABLE,
    )


def list_forms(shown: Mapping[str, Any]) -> list[Form]:
    """The forms that make sense for a file, the safest first."""
    if shown["state"] not in EXPORTABLE or not shown["format"]:
        return []
    pasted = [Form.PASTE] if shown["channel"] == Channel.ETSY else []
    if choose_form_of(shown, None) is Form.SUPPLEMENT:
        return [*pasted, Form.SUPPLEMENT]
    return [*pasted, Form.CHANGES, Form.REVERT, Form.FULL]


def summarize_progress(shown: Mapping[str, Any]) -> dict[str, Any]:
    """How far an import is, for the page and its script alike."""
    progress = shown["progress"]
    total, finished = progress["total"], int(progress["finished"])
    return {
        "state": shown["state"],
        "label": name_of(IMPORT_STATES, shown["state"]),
        "over": shown["state"] not in MOVING,
        "total": total,
        "finished": finished,
        "percent": round(100 * finished / total) if total else 0,
        "text": describe_progress(finished, total, waiting=progress["waiting"]),
    }


def describe_progress(finished: int, total: int, *, waiting: int) -> str:
    """The counts in words; "" before they are known."""
    if not total:
        return ""
    text = f"{finished:,} of {total:,} products"
    return f"{text}; {waiting:,} wait for cheaper answers, within a day" if waiting else text


@blueprint.get("/imports/<uuid:import_id>/progress")
@access(Access.SESSION)
def show_progress(import_id: uuid.UUID) -> dict[str, Any]:
    """How far an import is, for the script of the page."""
    return summarize_progress(get_import(get_deps(), get_seller().id, import_id))


@blueprint.post("/imports/<uuid:import_id>/confirm")
@access(Access.SESSION)
def confirm(import_id: uuid.UUID) -> Response:
    """Let the work begin."""
    top = parse_count(request.form, "llm_top")
    confirm_import(get_deps(), get_seller().id, import_id, llm_top=top)
    return _back(import_id, "confirmed")


@blueprint.post("/imports/<uuid:import_id>/cancel")
@access(Access.SESSION)
def cancel(import_id: uuid.UUID) -> Response:
    """Stop an import."""
    cancel_import(get_deps(), get_seller().id, import_id, "cancelled by the seller")
    return _back(import_id, "cancelled")


@blueprint.post("/imports/<uuid:import_id>/accept-all")
@access(Access.SESSION)
def accept_all(import_id: uuid.UUID) -> Response:
    """Have every open suggestion of an import accepted."""
    submit_accept(get_deps(), get_seller().id, import_id, actor=ACTOR)
    return _back(import_id, "bulk")


@blueprint.get("/imports/<uuid:import_id>/acceptance")
@access(Access.SESSION)
def show_acceptance(import_id: uuid.UUID) -> dict[str, Any]:
    """How accepting everything goes, for the script of the page."""
    deps, seller = get_deps(), get_seller()
    get_import(deps, seller.id, import_id)
    found = find_acceptance(deps, seller.id, import_id)
    if found is None:
        raise NotFoundError("nothing of this import is being accepted.", field="id")
    return summarize_acceptance(found)


def summarize_acceptance(found: Mapping[str, Any]) -> dict[str, Any]:
    """How accepting everything goes, in the page's words."""
    seen, total = found["seen"], found["total"]
    return {
        "state": found["state"],
        "over": found["over"],
        "label": "Everything is accepted" if found["over"] else "Accepting everything",
        "total": total,
        "percent": round(100 * seen / total) if total else 0,
        "text": f"{seen:,} of {total:,} products looked at, {found['accepted']:,} accepted",
        "accepted": found["accepted"],
    }


@blueprint.get("/imports/<uuid:import_id>/export")
@access(Access.SESSION)
def download(import_id: uuid.UUID) -> Response:
    """Hand the file back."""
    return build_download(import_id, form=request.args.get("form", ""))


@blueprint.get("/imports/<uuid:import_id>/problems")
@access(Access.SESSION)
def download_problems(import_id: uuid.UUID) -> Response:
    """Hand the row problems out as CSV."""
    return build_problems(import_id)


def _back(import_id: uuid.UUID, notice: str) -> Response:
    forget(COUNTS, get_seller().id)
    address = url_for("import_pages.show_import", import_id=import_id, notice=notice)
    return redirect(address, code=303)
