"""The least a job could cost: a stock Dramatiq actor that makes one call and one INSERT.

It promises nothing: what is killed is lost or paid twice. bench/jobs.py compares with it.
"""

from __future__ import annotations

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from sqlalchemy import text

from core.clock import today
from core.settings import load_settings, process_environ
from domain.brief import Brief, Mode
from domain.prompts.request import PROMPT_VERSION, build_request
from gateways.groq_llm import GroqModel
from gateways.job_queue import connect_worker
from models.session import Database
from services.measures import get_rules
from tests.support.jobs import make_long_listing

NAMESPACE = "bare"
settings = load_settings(process_environ())
broker = RedisBroker(  # type: ignore[no-untyped-call]
    client=connect_worker(settings.redis_url), namespace=NAMESPACE, middleware=[]
)
dramatiq.set_broker(broker)
database = Database(settings.database_url, pool_size=settings.database_pool_size)
llm = GroqModel(api_key="any", base_url=settings.groq_base_url, max_connections=32)

_listing = make_long_listing()
_rules = get_rules("ebay", _listing)
_brief = Brief(
    listing=_listing,
    channel="ebay",
    as_of=today(),
    rules_digest=_rules.digest,
    prompt_version=PROMPT_VERSION,
    mode=Mode.FIX,
)
REQUEST = build_request(_brief, _rules, ("title",), model=settings.groq_model)


@dramatiq.actor(broker=broker, actor_name="bare", queue_name="bare")
def run_bare(number: int) -> None:
    """Ask, and keep the answer."""
    reply = llm.complete(REQUEST, timeout_s=30.0)
    with database.statements(system="bench") as session:
        session.execute(
            text("INSERT INTO app.bare (number, body) VALUES (:number, :body)"),
            {"number": number, "body": reply.text},
        )
