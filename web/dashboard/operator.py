"""The operator's page: what the installation does and why; dead letters may be tried again."""

from __future__ import annotations

import uuid

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from core.errors import InvalidFieldError
from services.intervene import retry_dead_letters, retry_job
from services.overview import read_overview
from web.auth import Access, access
from web.context import get_deps
from web.dashboard.pages import build_blueprint, show_page

blueprint = build_blueprint("operator_pages")


@blueprint.get("/operator")
@access(Access.OPERATOR)
def show_overview() -> str:
    """Show queue, scaler, dead letters, alarms and runs."""
    return show_page("operator.html", view=read_overview(get_deps()))


@blueprint.post("/operator/dead-letters/retry")
@access(Access.OPERATOR)
def retry_dead() -> Response:
    """Let the dead letters of one reason run again; "" is the reason of those without one."""
    reason = request.form.get("reason")
    if reason is None:
        raise InvalidFieldError("no reason was sent.", field="reason")
    retry_dead_letters(get_deps(), reason=reason)
    return _lead_back("retried")


@blueprint.post("/operator/jobs/<uuid:job_id>/retry")
@access(Access.OPERATOR)
def retry_one(job_id: uuid.UUID) -> Response:
    """Let one dead letter run again."""
    retry_job(get_deps(), job_id)
    return _lead_back("retried")


def _lead_back(notice: str) -> Response:
    address = url_for("operator_pages.show_overview", notice=notice, _anchor="dead")
    return redirect(address, code=303)
