"""Which language model a command's worker may ask, found before anything is estimated."""

from __future__ import annotations

from collections.abc import Mapping

from core.settings import load_settings
from domain.batch_lane import Speed
from domain.brief import EngineChoice
from embedded.state import ServersRecord
from services.batch_lane_show import show_lane
from services.deps import Deps, build_web_deps
from services.llm_check import find_usable_llm, list_disabled, require_llm


def choose_llm(
    engine: EngineChoice, environ: Mapping[str, str], record: ServersRecord
) -> tuple[dict[str, str], list[str]]:
    """The environment for a run of ``engine``, and what its report must say of it.

    Where the configured model is out of use, ``auto`` goes along the chain, and without a key at
    its end (the rules write). Raises SettingsError where the model itself was asked for.
    """
    kept = {**environ, "DATABASE_URL": record.database_url, "REDIS_URL": record.redis_url}
    settings = load_settings(kept)
    if engine is EngineChoice.RULES or not settings.groq_api_key:
        return kept, []
    deps = build_web_deps(settings)
    try:
        if engine is EngineChoice.AUTO and settings.groq_model in (out := list_disabled(deps)):
            return _hop(kept, settings.groq_model, find_usable_llm(deps), out)
        require_llm(deps)
        return kept, []
    finally:
        deps.database.dispose()


def _hop(
    environ: dict[str, str], model: str, instead: str, out: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    note = (
        f"{model} is out of use ({out[model]}): {instead or 'the rules engine'} writes in its"
        f" place. Set GROQ_MODEL to another, or run `flask groq enable {model}`."
    )
    chosen = {"GROQ_MODEL": instead} if instead else {"GROQ_API_KEY": ""}
    return {**environ, **chosen}, [note]


def list_lane_notes(deps: Deps, speed: Speed) -> list[str]:
    """What a run must say that was to be cheaper, and is not where the plan has no batches."""
    if speed is not Speed.BATCH or not deps.has_llm:
        return []
    shown = show_lane(deps, limit=1)
    if shown["open"]:
        return []
    why = f" ({shown['refusal']})" if shown["refusal"] else ""
    return [f"Your plan has no batches, or they are switched off{why}: calls cost the full price."]
