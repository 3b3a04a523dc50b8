"""The entry for Flask's discovery: the operator's commands, and the WSGI app built on demand.

Commands need no valid app (a wrong setting must not keep `flask doctor` from saying so), so the
real application is built at its first request. gunicorn uses ``web.factory:create_app()``.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from flask import Flask

from embedded.commands import register_commands

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

app = Flask("listwright", static_folder=None)
register_commands(app.cli)


@cache
def build_real_app() -> Flask:
    """The application that answers requests."""
    from web.factory import create_app  # noqa: PLC0415 - commands must not pay for it

    built: Flask = create_app()
    return built


def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Hand a request to the real application."""
    return build_real_app().wsgi_app(environ, start_response)


app.wsgi_app = answer  # type: ignore[method-assign]
