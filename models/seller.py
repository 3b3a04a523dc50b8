"""Sellers, their API keys, sign-in links and web sessions."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Final

from sqlalchemy import BigInteger, Update, func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.clock import utc_now
from domain.budget.values import Caps
from models.base import Base, MadeAt, Time
from models.session import READ_ONLY_SQLSTATE

NOTED_FOR: Final = dt.timedelta(minutes=1)
"""A use of a key or a session is not written down again for so long."""


class SellerRow(Base):
    """A tenant."""

    __tablename__ = "seller"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    paused_at: Mapped[Time | None]
    is_operator: Mapped[bool] = mapped_column(server_default="false")
    in_flight_max: Mapped[int | None]
    day_cap_pico: Mapped[int | None] = mapped_column(BigInteger)
    month_cap_pico: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[MadeAt]


class ApiKeyRow(Base):
    """A key of a seller: its public part to look it up by, and the hash of its secret."""

    __tablename__ = "api_key"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    seller_id: Mapped[uuid.UUID]
    lookup: Mapped[str]
    secret_hash: Mapped[str]
    created_at: Mapped[MadeAt]
    last_used_at: Mapped[Time | None]
    revoked_at: Mapped[Time | None]


class SigninLinkRow(Base):
    """A link that signs a seller in once."""

    __tablename__ = "signin_link"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    seller_id: Mapped[uuid.UUID]
    created_at: Mapped[MadeAt]
    expires_at: Mapped[Time]
    used_at: Mapped[Time | None]


class WebSessionRow(Base):
    """A signed-in browser."""

    __tablename__ = "web_session"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    seller_id: Mapped[uuid.UUID]
    csrf_token: Mapped[str]
    created_at: Mapped[MadeAt]
    last_seen_at: Mapped[MadeAt]
    expires_at: Mapped[Time]


def find_seller_by_email(session: Session, email: str) -> SellerRow | None:
    """The seller with this address, compared without case."""
    return session.scalars(select(SellerRow).where(SellerRow.email == email.lower())).first()


def get_seller(session: Session, seller_id: uuid.UUID) -> SellerRow:
    """The seller; the id comes from a key or session, so it exists."""
    return session.get_one(SellerRow, seller_id)


def get_caps(session: Session, seller_id: uuid.UUID) -> Caps:
    """What the seller allows us."""
    row = get_seller(session, seller_id)
    return Caps(
        in_flight_max=row.in_flight_max, day_pico=row.day_cap_pico, month_pico=row.month_cap_pico
    )


def set_caps(session: Session, seller_id: uuid.UUID, caps: Caps) -> None:
    """Replace what the seller allows us."""
    row = get_seller(session, seller_id)
    row.in_flight_max = caps.in_flight_max
    row.day_cap_pico, row.month_cap_pico = caps.day_pico, caps.month_pico


def insert_seller(session: Session, seller_id: uuid.UUID, email: str) -> SellerRow:
    """Add a seller, or return the one with this address if another transaction was first."""
    session.execute(
        text("INSERT INTO app.seller (id, email) VALUES (:id, :email) ON CONFLICT DO NOTHING"),
        {"id": seller_id, "email": email.lower()},
    )
    return session.scalars(select(SellerRow).where(SellerRow.email == email.lower())).one()


def set_operator(session: Session, seller_id: uuid.UUID, *, on: bool) -> None:
    """Say whether the seller is an operator of this installation."""
    session.execute(update(SellerRow).where(SellerRow.id == seller_id).values(is_operator=on))


def insert_api_key(
    session: Session, *, key_id: uuid.UUID, seller_id: uuid.UUID, lookup: str, secret_hash: str
) -> None:
    """Add a key."""
    session.add(ApiKeyRow(id=key_id, seller_id=seller_id, lookup=lookup, secret_hash=secret_hash))


def find_api_key(session: Session, lookup: str) -> ApiKeyRow | None:
    """The key that is not revoked."""
    found = select(ApiKeyRow).where(ApiKeyRow.lookup == lookup, ApiKeyRow.revoked_at.is_(None))
    return session.scalars(found).first()


def touch_api_key(session: Session, key: ApiKeyRow) -> None:
    """Note the use of a key, about once a minute so that it costs nothing."""
    if key.last_used_at is None or key.last_used_at < utc_now() - NOTED_FOR:
        used = update(ApiKeyRow).where(ApiKeyRow.id == key.id)
        _note(session, used.values(last_used_at=func.clock_timestamp()))


def _note(session: Session, use: Update) -> None:
    """Write down a use where it can be: a database without room to write still lets people read."""
    try:
        with session.begin_nested():
            session.execute(use, execution_options={"synchronize_session": False})
    except DBAPIError as fault:
        if getattr(fault.orig, "sqlstate", "") != READ_ONLY_SQLSTATE:
            raise


def insert_signin_link(
    session: Session, *, token_hash: str, seller_id: uuid.UUID, expires_at: dt.datetime
) -> None:
    """Add a one-time link."""
    session.add(SigninLinkRow(token_hash=token_hash, seller_id=seller_id, expires_at=expires_at))


def claim_signin_link(session: Session, token_hash: str) -> uuid.UUID | None:
    """Use a link up; the seller it is for, or None when it is used, expired or unknown."""
    return session.execute(
        text(
            "UPDATE app.signin_link SET used_at = clock_timestamp() WHERE token_hash = :hash"
            " AND used_at IS NULL AND expires_at > clock_timestamp() RETURNING seller_id"
        ),
        {"hash": token_hash},
    ).scalar()


def insert_web_session(
    session: Session,
    *,
    token_hash: str,
    seller_id: uuid.UUID,
    csrf_token: str,
    expires_at: dt.datetime,
) -> None:
    """Add a signed-in browser."""
    session.add(
        WebSessionRow(
            token_hash=token_hash,
            seller_id=seller_id,
            csrf_token=csrf_token,
            expires_at=expires_at,
        )
    )


def find_web_session(
    session: Session, token_hash: str, *, idle: dt.timedelta
) -> WebSessionRow | None:
    """The session, if it has neither expired nor been idle for longer than ``idle``."""
    found = session.get(WebSessionRow, token_hash)
    if found is None:
        return None
    now = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    if found.expires_at <= now or found.last_seen_at <= now - idle:
        return None
    if found.last_seen_at <= now - NOTED_FOR:
        seen = update(WebSessionRow).where(WebSessionRow.token_hash == token_hash)
        _note(session, seen.values(last_seen_at=now))
    return found


def delete_web_session(session: Session, token_hash: str) -> None:
    """Sign a browser out."""
    session.execute(
        text("DELETE FROM app.web_session WHERE token_hash = :hash"), {"hash": token_hash}
    )
