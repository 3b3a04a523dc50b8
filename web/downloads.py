"""The seller's file as it is handed back, for the API and the pages alike."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from itertools import chain
from typing import Final

from werkzeug.wrappers import Response

from core.errors import ConflictError
from domain.files.problems import write_problems
from services.export import Export, export_import, parse_form
from services.import_show import get_import, list_problems
from web.context import get_deps, get_seller

NOTES_HEADER: Final = "Listwright-Notes"
FORM_HEADER: Final = "Listwright-Form"
PROBLEMS_NAME: Final = "problems.csv"
EXPORTABLE: Final = frozenset({"done", "cancelled"})
_MAX_HEADER_CHARS: Final = 4000


def build_download(import_id: uuid.UUID, *, form: str) -> Response:
    """The file as an attachment that streams; ``form`` "" is the one that fits.

    Raises NotFoundError, ConflictError before the import is done, InvalidFieldError.
    """
    deps, seller = get_deps(), get_seller()
    state = get_import(deps, seller.id, import_id)["state"]
    if state not in EXPORTABLE:
        raise ConflictError(
            f"the import is {state}, so its file is not ready.",
            remedy="Ask again when its state is done.",
        )
    return _attach(export_import(deps, seller.id, import_id, form=parse_form(form)))


def build_problems(import_id: uuid.UUID) -> Response:
    """The row problems of an import as a CSV; raises NotFoundError."""
    problems = list_problems(get_deps(), get_seller().id, import_id)
    response = Response(write_problems(problems), content_type="text/csv; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=PROBLEMS_NAME)
    return response


def _attach(export: Export) -> Response:
    # The first piece is made before the headers leave, so that what fails early is an error.
    first = next(export.body, b"")
    response = Response(_join(first, export.body), content_type=_content_type(export.name))
    response.headers.set("Content-Disposition", "attachment", filename=export.name)
    response.headers[FORM_HEADER] = export.form.value
    response.headers[NOTES_HEADER] = json.dumps(list(export.notes))[:_MAX_HEADER_CHARS]
    return response


def _join(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    return chain([first], rest)


def _content_type(name: str) -> str:
    """Without a charset: the file keeps the seller's own."""
    if name.lower().endswith((".xlsx", ".xlsm")):
        return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return "text/csv" if name.lower().endswith(".csv") else "text/plain"
