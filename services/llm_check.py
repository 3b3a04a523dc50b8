"""The catalogue against the provider's list: drift is told, a model that is gone is disabled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.clock import today
from core.errors import InvalidFieldError, LlmTransientError, SettingsError
from core.log import get_logger
from domain.alarms import Alarm, AlarmKind, AlarmLevel
from domain.catalogue import get_llm, list_chain, list_llms
from domain.llm_check import DRIFTED, CheckState, ModelCheck, compare_models
from domain.ports import ListedLlm, ModelList
from models import disabled_llm as disabled
from services.alarms import raise_alarm
from services.deps import Deps

log = get_logger(__name__)

LIST_TIMEOUT_S: Final = 15.0
ALARMS: Final = {
    CheckState.MISSING: AlarmKind.MODEL_RETIRED,
    CheckState.PRICE_DRIFT: AlarmKind.PRICE_DRIFT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What the comparison came to; ``newly_disabled`` are models taken out of use by it."""

    primary: str
    checks: tuple[ModelCheck, ...]
    newly_disabled: tuple[str, ...]
    others_listed: tuple[str, ...]

    @property
    def has_drifted(self) -> bool:
        """Whether something is not as the catalogue says."""
        return any(one.state in DRIFTED for one in self.checks)


def check_models(deps: Deps, models: ModelList) -> CheckReport:
    """Ask the provider and compare; alarms what drifted, and disables models that are gone.

    The catalogue itself is never changed: prices are a person's to confirm. Raises the errors of
    LanguageModel.complete; a list without any model we know is taken for a fault of the provider's.
    """
    listed = models.list_models(timeout_s=LIST_TIMEOUT_S)
    if not {one.id for one in listed} & set(list_llms()):
        raise LlmTransientError("The provider lists no model we know; nothing was changed.")
    checks = compare_models(listed, today=today(), disabled=list_disabled(deps))
    gone = [one.model for one in checks if one.state is CheckState.MISSING]
    newly = tuple(name for name in gone if disable_llm(deps, name, "the provider lists it no more"))
    for check in checks:
        _tell(deps, check)
    return CheckReport(
        primary=deps.llm_model,
        checks=tuple(checks),
        newly_disabled=newly,
        others_listed=_list_others(listed),
    )


def _list_others(listed: list[ListedLlm]) -> tuple[str, ...]:
    known = set(list_llms())
    return tuple(sorted(one.id for one in listed if one.active and one.id not in known))


def _tell(deps: Deps, check: ModelCheck) -> None:
    kind = ALARMS.get(check.state)
    if kind is None:
        return
    is_primary = check.model == deps.llm_model
    remedy = (
        "Set GROQ_MODEL to another."
        if kind is AlarmKind.MODEL_RETIRED
        else ("Add a line of prices to the catalogue once they are confirmed.")
    )
    raise_alarm(
        deps,
        Alarm(
            kind=kind,
            key=check.model,
            message=f"{check.model}: {check.message}. {remedy}",
            level=AlarmLevel.ERROR if is_primary else AlarmLevel.WARNING,
            details={"state": check.state, "primary": is_primary},
        ),
    )


def disable_llm(deps: Deps, model: str, reason: str) -> bool:
    """Take a model out of use until somebody enables it; False when it was already."""
    with deps.database.transaction(system="disable model") as session:
        return disabled.insert_disabled(session, model=model, reason=reason)


def enable_llm(deps: Deps, model: str) -> bool:
    """Let a model be used again; False when it was not out of use.

    Raises InvalidFieldError for a model that the catalogue does not know or that is shut off.
    """
    get_llm(model, as_of=today())
    with deps.database.transaction(system="enable model") as session:
        return disabled.delete_disabled(session, model)


def list_disabled(deps: Deps) -> dict[str, str]:
    """Models out of use, with the reason of each."""
    with deps.database.statements(system="list disabled models") as session:
        return disabled.list_disabled(session)


def require_llm(deps: Deps) -> None:
    """Raises SettingsError when the configured model is shut off or was taken out of use.

    Only where there is a key: without one no model is asked.
    """
    if not deps.has_llm:
        return
    try:
        get_llm(deps.llm_model, as_of=today())
    except InvalidFieldError as fault:
        raise SettingsError(fault.message, field="GROQ_MODEL", remedy=fault.remedy) from fault
    reason = list_disabled(deps).get(deps.llm_model)
    if reason is not None:
        raise SettingsError(
            f"{deps.llm_model} is out of use: {reason}.",
            field="GROQ_MODEL",
            remedy=f"Set another model, or run `flask groq enable {deps.llm_model}`.",
        )


def find_usable_llm(deps: Deps) -> str:
    """The first model of the configured one's chain that is not out of use, "" where all are."""
    chain = list_chain(deps.llm_model, as_of=today(), without=list_disabled(deps))
    return chain[0] if chain else ""
