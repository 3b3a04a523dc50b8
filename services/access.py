"""Who may do what: sellers, API keys, one-time sign-in links, web sessions."""

from __future__ import annotations

import datetime as dt
import hmac
import re
import uuid
from dataclasses import dataclass
from typing import Final

from core.clock import utc_now
from core.errors import InvalidFieldError, NotFoundError, UnauthorizedError
from core.ids import hash_secret, new_id, new_secret
from models import seller as sellers
from services.deps import Deps

KEY_PREFIX: Final = "lw"
LINK_LIFE: Final = dt.timedelta(hours=24)
SESSION_LIFE: Final = dt.timedelta(days=14)
SESSION_IDLE: Final = dt.timedelta(hours=12)
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """The tenant on whose behalf something is done; operators see the installation's page too."""

    id: uuid.UUID
    email: str
    is_operator: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A signed-in browser: its seller, and the token its forms must carry."""

    seller: Seller
    csrf_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """A session just begun; the token is known only now."""

    token: str
    csrf_token: str
    life_s: int


def create_seller(deps: Deps, email: str) -> Seller:
    """Add a seller, or return the one with this address."""
    if not _EMAIL.fullmatch(email.strip()):
        raise InvalidFieldError(
            f"{email!r} is no e-mail address.", field="email", remedy="Give one as name@host."
        )
    with deps.database.transaction(system="create seller") as session:
        row = sellers.insert_seller(session, new_id(), email.strip())
        return Seller(id=row.id, email=row.email)


def create_api_key(deps: Deps, seller_id: uuid.UUID) -> str:
    """A new key, in full; only its hash is kept."""
    lookup, secret = uuid.UUID(int=new_id().int).hex[-10:], new_secret()
    with deps.database.transaction(seller=seller_id) as session:
        sellers.insert_api_key(
            session,
            key_id=new_id(),
            seller_id=seller_id,
            lookup=lookup,
            secret_hash=hash_secret(secret),
        )
    return f"{KEY_PREFIX}_{lookup}_{secret}"


def require_api_key(deps: Deps, key: str) -> Seller:
    """The seller a key belongs to; raises UnauthorizedError."""
    prefix, _, rest = key.partition("_")
    lookup, _, secret = rest.partition("_")
    if prefix == KEY_PREFIX and secret:
        with deps.database.transaction(system="check key") as session:
            row = sellers.find_api_key(session, lookup)
            if row and hmac.compare_digest(row.secret_hash, hash_secret(secret)):
                sellers.touch_api_key(session, row)
                owner = sellers.get_seller(session, row.seller_id)
                return Seller(id=owner.id, email=owner.email)
    raise UnauthorizedError(
        "the API key is not valid.",
        remedy="Send `Authorization: Bearer KEY` with a key from `flask seller create`.",
    )


def create_signin_link(deps: Deps, seller_id: uuid.UUID) -> str:
    """The token of a link that signs the seller in once, within a day."""
    token = new_secret()
    with deps.database.transaction(seller=seller_id) as session:
        sellers.insert_signin_link(
            session,
            token_hash=hash_secret(token),
            seller_id=seller_id,
            expires_at=utc_now() + LINK_LIFE,
        )
    return token


def sign_in_by_link(deps: Deps, token: str) -> NewSession:
    """Use a one-time link up; raises UnauthorizedError when it is used, expired or unknown."""
    with deps.database.transaction(system="sign in") as session:
        seller_id = sellers.claim_signin_link(session, hash_secret(token))
    if seller_id is None:
        raise UnauthorizedError(
            "this sign-in link was used, or is too old.",
            remedy="Make a new one with `flask seller link EMAIL`, or sign in with an API key.",
        )
    return _begin_session(deps, seller_id)


def sign_in_by_key(deps: Deps, key: str) -> NewSession:
    """Begin a session with an API key; raises UnauthorizedError."""
    return _begin_session(deps, require_api_key(deps, key.strip()).id)


def _begin_session(deps: Deps, seller_id: uuid.UUID) -> NewSession:
    begun = NewSession(
        token=new_secret(), csrf_token=new_secret(), life_s=int(SESSION_LIFE.total_seconds())
    )
    with deps.database.transaction(seller=seller_id) as session:
        sellers.insert_web_session(
            session,
            token_hash=hash_secret(begun.token),
            seller_id=seller_id,
            csrf_token=begun.csrf_token,
            expires_at=utc_now() + SESSION_LIFE,
        )
    return begun


def find_signed_in(deps: Deps, token: str) -> SignedIn | None:
    """Who a session token belongs to, None when it has ended."""
    with deps.database.transaction(system="check session") as session:
        row = sellers.find_web_session(session, hash_secret(token), idle=SESSION_IDLE)
        if row is None:
            return None
        owner = sellers.get_seller(session, row.seller_id)
        seller = Seller(id=owner.id, email=owner.email, is_operator=owner.is_operator)
        return SignedIn(seller=seller, csrf_token=row.csrf_token)


def sign_out(deps: Deps, token: str) -> None:
    """End a session."""
    with deps.database.transaction(system="sign out") as session:
        sellers.delete_web_session(session, hash_secret(token))


def find_seller(deps: Deps, email: str) -> Seller | None:
    """The seller with this address."""
    with deps.database.transaction(system="find seller") as session:
        row = sellers.find_seller_by_email(session, email.strip())
        return None if row is None else Seller(id=row.id, email=row.email)


def set_operator(deps: Deps, email: str, *, on: bool) -> None:
    """Let a seller see the operator's page, or no longer; raises NotFoundError."""
    with deps.database.transaction(system="set operator") as session:
        row = sellers.find_seller_by_email(session, email.strip())
        if row is None:
            raise NotFoundError(
                f"there is no seller {email}.", remedy="Make one: flask seller create EMAIL."
            )
        sellers.set_operator(session, row.id, on=on)
