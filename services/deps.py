"""Wires ports to gateways, once per process; nothing else imports a gateway."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dramatiq
import redis

from core.clock import today
from core.errors import SettingsError
from core.ids import hash_text
from core.settings import Settings
from domain.batch_lane import BatchProvider
from domain.budget.values import BudgetLimits, Purse
from domain.catalogue import get_llm, list_chain
from domain.ports import JobQueue, ModelList, ReplicaTarget
from gateways.alarm_webhook import AlarmWebhook
from gateways.bell import BellBroker
from gateways.breaker import SharedBreaker
from gateways.groq_batches import GroqBatches
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
from services.alarm_bell import AlarmBell
from services.llm_disabled import DisabledLlms
from services.llm_door import LlmDoor
from services.llm_meters import LlmMeter
from services.llm_purses import ORGANISATION, Purses
from services.llm_watch import DoorWatch

PICO_PER_CENT = 10**10
ACCOUNT = "groq"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """What services work with.

    ``doors`` lead to the models of the chain, the primary one first; there are none where there is
    no key, or no need of one. ``meters`` are read by those who never ask a model. ``batches`` takes
    calls in files; None where nobody works the lane. ``backlogs`` remembers large backlogs of
    sellers: how many jobs, and when they were counted.
    """

    settings: Settings
    database: Database
    queue: JobQueue
    pool: str
    llm_model: str
    alarms: AlarmBell
    disabled: DisabledLlms
    doors: tuple[LlmDoor, ...] = ()
    meters: tuple[LlmMeter, ...] = ()
    batches: BatchProvider | None = None
    backlogs: dict[uuid.UUID, tuple[int, float]] = field(default_factory=dict, compare=False)

    @property
    def door(self) -> LlmDoor | None:
        """The door to the primary model."""
        return self.doors[0] if self.doors else None

    @property
    def has_llm(self) -> bool:
        """Whether a language model is configured (workers also hold its door)."""
        return bool(self.settings.groq_api_key)


def build_web_deps(settings: Settings) -> Deps:
    """For processes that answer people: short patience with Redis, no language model."""
    database = _open_database(settings, name="listwright-web")
    return Deps(
        settings=settings,
        database=database,
        queue=RedisJobQueue(connect_web(settings.broker_url), pool=settings.worker_pool),
        pool=settings.worker_pool,
        llm_model=settings.groq_model,
        alarms=_open_alarms(settings, database),
        disabled=DisabledLlms(database),
        meters=_open_meters(settings) if settings.groq_api_key else (),
    )


def build_worker_deps(settings: Settings) -> Deps:
    """For workers: the road they dispatch on, and the language models when there is a key."""
    get_llm(settings.groq_model, as_of=today())
    bells = None
    if settings.worker_doorbell:
        bells = open_bells(settings.broker_url, pool=settings.worker_pool)
    database = _open_database(settings, name="listwright-worker")
    queue = RedisJobQueue(
        connect_dispatcher(settings.broker_url), pool=settings.worker_pool, bells=bells
    )
    alarms = _open_alarms(settings, database)
    watch = DoorWatch(database=database, queue=queue, pool=settings.worker_pool, alarms=alarms)
    return Deps(
        settings=settings,
        database=database,
        queue=queue,
        pool=settings.worker_pool,
        llm_model=settings.groq_model,
        alarms=alarms,
        disabled=DisabledLlms(database),
        doors=_open_doors(settings, watch) if settings.groq_api_key else (),
        batches=_open_batches(settings),
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


def _open_alarms(settings: Settings, database: Database) -> AlarmBell:
    url = settings.alarm_webhook_url
    return AlarmBell(database=database, hook=AlarmWebhook(url) if url else None)


def _open_doors(settings: Settings, watch: DoorWatch) -> tuple[LlmDoor, ...]:
    """A door for each model of the chain: one client and one key, limits of their own."""
    groq = _open_groq(settings)
    # Not the queue's patient client: without Redis each process goes on with what it knows.
    client = connect_web(settings.broker_url)
    purses = _open_purses(settings, watch)
    return tuple(
        LlmDoor(
            llm=groq,
            budget=_open_budget(settings, client, model),
            breaker=SharedBreaker(client, name=model, account=name_account(settings.groq_api_key)),
            model=model,
            watch=watch,
            purses=purses,
        )
        for model in list_chain(settings.groq_model, as_of=today())
    )


def _open_meters(settings: Settings) -> tuple[LlmMeter, ...]:
    client = connect_web(settings.broker_url)
    return tuple(
        LlmMeter(
            model=model,
            budget=_open_budget(settings, client, model),
            breaker=SharedBreaker(client, name=model, account=name_account(settings.groq_api_key)),
        )
        for model in list_chain(settings.groq_model, as_of=today())
    )


def name_account(api_key: str) -> str:
    """Whose key it is: its models share what is refused to it, and another key nothing of it."""
    return f"{ACCOUNT}:{hash_text(api_key)[:16]}"


def _open_purses(settings: Settings, watch: DoorWatch) -> Purses:
    organisation = Purse(
        name=ORGANISATION,
        day_max=settings.spend_day_max_cents * PICO_PER_CENT or None,
        month_max=settings.spend_month_max_cents * PICO_PER_CENT or None,
    )
    return Purses(database=watch.database, alarms=watch.alarms, organisation=organisation)


def _open_budget(settings: Settings, client: redis.Redis, model: str) -> RedisBudget:
    return RedisBudget(
        client,
        name=f"{ACCOUNT}:{model}",
        limits=BudgetLimits(
            requests_per_minute=settings.groq_requests_per_minute,
            tokens_per_minute=settings.groq_tokens_per_minute,
            requests_per_day=settings.groq_requests_per_day or None,
            tokens_per_day=settings.groq_tokens_per_day or None,
        ),
        fallback_share=1 / (settings.workers_max + 1),
    )


def _open_batches(settings: Settings) -> BatchProvider | None:
    if not settings.groq_api_key or not settings.groq_batch:
        return None
    return GroqBatches(api_key=settings.groq_api_key, base_url=settings.groq_base_url or None)


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
