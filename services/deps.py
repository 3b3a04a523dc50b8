"""Wires ports to gateways, once per process; nothing else imports a gateway."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dramatiq

from core.clock import today
from core.errors import SettingsError
from core.settings import Settings
from domain.budget.values import BudgetLimits
from domain.catalogue import get_llm
from domain.ports import AlarmHook, JobQueue, ModelList, ReplicaTarget
from gateways.alarm_webhook import AlarmWebhook
from gateways.bell import BellBroker
from gateways.groq_llm import GroqModel
from gateways.job_queue import (
    RedisJobQueue,
    build_broker,
    connect_dispatcher,
    connect_web,
    open_bells,
)
from gateways.local_replicas import LocalReplicas
from gateways.provider_budget import RedisBudget
from gateways.railway import build_railway_target
from models.session import Database
from services.llm_door import LlmDoor


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """What services work with. ``door`` is None where there is no key, or no need of one.

    ``backlogs`` remembers large backlogs of sellers: how many jobs, and when they were counted.
    """

    settings: Settings
    database: Database
    queue: JobQueue
    pool: str
    llm_model: str
    door: LlmDoor | None = None
    alarm_hook: AlarmHook | None = None
    backlogs: dict[uuid.UUID, tuple[int, float]] = field(default_factory=dict, compare=False)

    @property
    def has_llm(self) -> bool:
        """Whether a language model is configured (workers also hold its door)."""
        return bool(self.settings.groq_api_key)


def build_web_deps(settings: Settings) -> Deps:
    """For processes that answer people: short patience with Redis, no language model."""
    return Deps(
        settings=settings,
        database=_open_database(settings, name="listwright-web"),
        queue=RedisJobQueue(connect_web(settings.broker_url), pool=settings.worker_pool),
        pool=settings.worker_pool,
        llm_model=settings.groq_model,
        alarm_hook=_open_alarm_hook(settings),
    )


def build_worker_deps(settings: Settings) -> Deps:
    """For workers: the road they dispatch on, and the language model when there is a key."""
    get_llm(settings.groq_model, as_of=today())
    bells = None
    if settings.worker_doorbell:
        bells = open_bells(settings.broker_url, pool=settings.worker_pool)
    return Deps(
        settings=settings,
        database=_open_database(settings, name="listwright-worker"),
        queue=RedisJobQueue(
            connect_dispatcher(settings.broker_url), pool=settings.worker_pool, bells=bells
        ),
        pool=settings.worker_pool,
        llm_model=settings.groq_model,
        door=_open_door(settings) if settings.groq_api_key else None,
        alarm_hook=_open_alarm_hook(settings),
    )


def build_worker_broker(
    settings: Settings, middleware: Sequence[dramatiq.Middleware]
) -> BellBroker:
    """The Dramatiq broker of one worker process."""
    return build_broker(
        settings.broker_url,
        pool=settings.worker_pool,
        middleware=middleware,
        doorbell=settings.worker_doorbell,
    )


def _open_database(settings: Settings, *, name: str) -> Database:
    return Database(settings.database_url, pool_size=settings.database_pool_size, name=name)


def _open_alarm_hook(settings: Settings) -> AlarmHook | None:
    return AlarmWebhook(settings.alarm_webhook_url) if settings.alarm_webhook_url else None


def _open_door(settings: Settings) -> LlmDoor:
    budget = RedisBudget(
        # Not the queue's patient client: without Redis each process goes on with its own share.
        connect_web(settings.broker_url),
        name=f"groq:{settings.groq_model}",
        limits=BudgetLimits(
            requests_per_minute=settings.groq_requests_per_minute,
            tokens_per_minute=settings.groq_tokens_per_minute,
        ),
        fallback_share=1 / (settings.workers_max + 1),
    )
    return LlmDoor(llm=_open_groq(settings), budget=budget, model=settings.groq_model)


def _open_groq(settings: Settings) -> GroqModel:
    return GroqModel(
        api_key=settings.groq_api_key,
        base_url=settings.groq_base_url or None,
        max_connections=settings.worker_threads,
    )


@contextmanager
def open_model_list(settings: Settings) -> Iterator[ModelList]:
    """The provider's list of models, for a command that ends afterwards."""
    with closing(_open_groq(settings)) as groq:
        yield groq


def build_replica_target(settings: Settings) -> ReplicaTarget:
    """What the scaler sets; raises SettingsError when the adapter's settings are not there."""
    if settings.scaler_adapter == "railway":
        return build_railway_target(settings)
    if not settings.state_dir:
        raise SettingsError(
            "LISTWRIGHT_STATE_DIR is not set.",
            field="settings",
            remedy="The local adapter writes there; `flask up` sets it.",
        )
    return LocalReplicas(Path(settings.state_dir))
