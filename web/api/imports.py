"""Imports: a seller's file comes in, is looked at, confirmed, worked on and handed back."""

from __future__ import annotations

import uuid
from typing import Any, Final

from apiflask.fields import UploadFile
from apiflask.schemas import FileSchema
from flask import request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from services.accept import find_acceptance, submit_accept
from services.import_show import get_import, list_columns, list_imports
from services.imports import cancel_import, confirm_import
from services.submit import get_job
from web.api.routes import POLL_S, PROBLEM_STATUSES, build_blueprint
from web.api.schemas import AcceptedOut, FormQuery, ImportOut, ImportsOut, Input, PageQuery
from web.auth import Access, access
from web.context import get_deps, get_seller
from web.downloads import build_download, build_problems
from web.requests import takes_file
from web.uploads import receive_upload

blueprint = build_blueprint("imports", tag="Imports")

_CHANGING: Final = [*PROBLEM_STATUSES, 409]
_EXPORT_DESCRIPTION: Final = "The file. The header Listwright-Notes holds warnings as a JSON list."


class ImportIn(Input):
    """A seller's file as a form. ``channel`` left out is the file's own.

    ``mapping`` is a JSON object, field to header name (or names, of a list field): columns that
    are not to be found out. Left out, those of your newest file with the same header hold again.
    ``profile`` is the file's format where we recognise another one, ``auto`` to have it recognised
    again. ``voice`` is a JSON object as in PUT /voice: wishes for this file alone. ``mutes`` is one
    of reasons by rule: rules that do not hold for this file, beside those of the store.
    """

    file: UploadFile
    channel: str = ""
    mode: str = ""
    engine: str = ""
    fields: str = ""
    limit: str = ""
    profile: str = ""
    mapping: str = ""
    voice: str = ""
    mutes: str = ""


@blueprint.post("/imports")
@access(Access.KEY)
@takes_file
@blueprint.input(ImportIn, location="form_and_files")
@blueprint.output(AcceptedOut, status_code=202)
@blueprint.doc(security="key", responses=[*PROBLEM_STATUSES, 413])
def create_import(form_and_files_data: ImportIn) -> ResponseReturnValue:
    """Send a file. It is read at once; nothing is spent before it is confirmed."""
    import_id = receive_upload(form_and_files_data.file, request.form)
    return _accepted(import_id, "received")


def _accepted(import_id: uuid.UUID, state: str) -> ResponseReturnValue:
    headers = {
        "Location": url_for("imports.show_import", import_id=import_id),
        "Retry-After": str(POLL_S),
    }
    return {"id": import_id, "state": state}, 202, headers


@blueprint.get("/imports")
@access(Access.KEY)
@blueprint.input(PageQuery, location="query")
@blueprint.output(ImportsOut)
@blueprint.doc(security="key", responses=PROBLEM_STATUSES)
def show_imports(query_data: PageQuery) -> dict[str, Any]:
    """List the newest imports."""
    return {"items": list_imports(get_deps(), get_seller().id, limit=query_data.limit)}


@blueprint.get("/imports/<uuid:import_id>")
@access(Access.KEY)
@blueprint.output(ImportOut)
@blueprint.doc(security="key", responses=PROBLEM_STATUSES)
def show_import(import_id: uuid.UUID) -> dict[str, Any]:
    """Show one import with its progress and the first problems of its rows."""
    deps, seller = get_deps(), get_seller()
    shown = get_import(deps, seller.id, import_id)
    return {
        **shown,
        "columns": list_columns(deps, seller.id, import_id),
        "acceptance": find_acceptance(deps, seller.id, import_id),
    }


@blueprint.post("/imports/<uuid:import_id>/confirm")
@access(Access.KEY)
@blueprint.output(AcceptedOut, status_code=202)
@blueprint.doc(security="key", responses=_CHANGING)
def confirm(import_id: uuid.UUID) -> ResponseReturnValue:
    """Let the work on an import begin."""
    deps, seller = get_deps(), get_seller()
    confirm_import(deps, seller.id, import_id)
    return _accepted(import_id, get_import(deps, seller.id, import_id)["state"])


@blueprint.post("/imports/<uuid:import_id>/cancel")
@access(Access.KEY)
@blueprint.output(AcceptedOut, status_code=202)
@blueprint.doc(security="key", responses=_CHANGING)
def cancel(import_id: uuid.UUID) -> ResponseReturnValue:
    """Stop an import: no further job of it starts."""
    deps, seller = get_deps(), get_seller()
    cancel_import(deps, seller.id, import_id, "cancelled by the seller")
    return _accepted(import_id, get_import(deps, seller.id, import_id)["state"])


@blueprint.post("/imports/<uuid:import_id>/accept")
@access(Access.KEY)
@blueprint.output(AcceptedOut, status_code=202)
@blueprint.doc(security="key", responses=_CHANGING)
def accept(import_id: uuid.UUID) -> ResponseReturnValue:
    """Have every open suggestion of an import accepted; its `acceptance` tells how far that is."""
    deps, seller = get_deps(), get_seller()
    job_id = submit_accept(deps, seller.id, import_id, actor="api")
    headers = {
        "Location": url_for("imports.show_import", import_id=import_id),
        "Retry-After": str(POLL_S),
    }
    return {"id": job_id, "state": get_job(deps, seller.id, job_id)["state"]}, 202, headers


@blueprint.get("/imports/<uuid:import_id>/export")
@access(Access.KEY)
@blueprint.input(FormQuery, location="query")
@blueprint.output(FileSchema(), content_type="text/csv", description=_EXPORT_DESCRIPTION)
@blueprint.doc(security="key", responses=_CHANGING)
def export(import_id: uuid.UUID, query_data: FormQuery) -> Response:
    """Get the file back, with only the approved cells changed."""
    return build_download(import_id, form=query_data.form or "")


@blueprint.get("/imports/<uuid:import_id>/problems")
@access(Access.KEY)
@blueprint.output(FileSchema(), content_type="text/csv", description="The problems, one a line.")
@blueprint.doc(security="key", responses=PROBLEM_STATUSES)
def show_problems(import_id: uuid.UUID) -> Response:
    """Get what is wrong with the rows of the file, as CSV: the first 1,000 problems."""
    return build_problems(import_id)
