"""Builds the web application."""

from __future__ import annotations

from typing import Any, Final, NoReturn

from apiflask import APIFlask
from flask.json.provider import DefaultJSONProvider

from core.log import configure_logging
from core.settings import Settings, load_settings, process_environ
from services.deps import Deps, build_web_deps
from web import assets
from web.api import (
    audits,
    health,
    imports,
    jobs,
    listings,
    schedules,
    stores,
    suggestions,
    voice,
)
from web.api.schemas import ProblemOut
from web.auth import Access, access
from web.cache import register_cache
from web.context import EXTENSION
from web.dashboard import account, review
from web.dashboard import imports as import_pages
from web.dashboard import listings as listing_pages
from web.dashboard import operator as operator_pages
from web.dashboard import schedules as schedule_pages
from web.dashboard import voice as voice_pages
from web.dashboard.pages import register_pages
from web.errors import PROBLEM_TYPE, register_errors
from web.requests import MAX_BODY_BYTES, SizedRequest, register_hooks

API_VERSION: Final = "1.0.0"
SPEC_PATH: Final = "/api/v1/openapi.json"
PAGES: Final = (
    account,
    listing_pages,
    review,
    import_pages,
    voice_pages,
    schedule_pages,
    operator_pages,
    assets,
)
API: Final = (jobs, imports, listings, suggestions, voice, stores, schedules, audits, health)


class StrictJson(DefaultJSONProvider):
    """JSON as the standard says it: no NaN, and no nesting that exhausts the stack."""

    sort_keys = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:  # noqa: ANN401 - the parent's signature
        """Parse; raises ValueError for whatever is not JSON."""
        try:
            return super().loads(s, parse_constant=_refuse_constant, **kwargs)
        except RecursionError:
            message = "it is nested too deeply"
            raise ValueError(message) from None


def _refuse_constant(name: str) -> NoReturn:
    message = f"{name} is not JSON"
    raise ValueError(message)


def create_app(settings: Settings | None = None, deps: Deps | None = None) -> APIFlask:
    """The application; without arguments, for this process's environment.

    Raises SettingsError.
    """
    if deps is None:
        if settings is None:
            settings = load_settings(process_environ())
            configure_logging(level=settings.log_level, json_lines=settings.log_format == "json")
        deps = build_web_deps(settings)
    app = _build_app()
    app.extensions[EXTENSION] = deps
    register_hooks(app)
    register_errors(app)
    register_pages(app)
    register_cache(app, deps.settings.cache_url)
    for module in (*API, *PAGES):
        app.register_blueprint(module.blueprint)
    return app


def _build_app() -> APIFlask:
    app = APIFlask(
        "web",
        title="Listwright",
        version=API_VERSION,
        spec_path=SPEC_PATH,
        docs_path=None,
        docs_oauth2_redirect_path=None,
        json_errors=False,
        static_folder=None,  # type: ignore[arg-type]  # our own view serves it, with its own rules
    )
    app.request_class = SizedRequest
    app.json = StrictJson(app)
    app.security_schemes = {"key": {"type": "http", "scheme": "bearer"}}
    app.description = "Audits listings, proposes texts that keep the rules, and hands files back."
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_BODY_BYTES,
        AUTO_404_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        HTTP_ERROR_SCHEMA=ProblemOut.model_json_schema(),
    )
    app.spec_processor(_name_problems)
    access(Access.PUBLIC)(app.view_functions["openapi.spec"])
    return app


def _name_problems(spec: dict[Any, Any] | str) -> dict[Any, Any] | str:
    """Errors have a media type of their own, which the framework cannot be told."""
    if isinstance(spec, str):
        return spec
    for path in spec["paths"].values():
        for operation in path.values():
            for status, response in operation.get("responses", {}).items():
                if status >= "4" and "application/json" in response.get("content", {}):
                    content = response["content"]
                    content[PROBLEM_TYPE] = content.pop("application/json")
    return spec
