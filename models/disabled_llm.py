"""Language models taken out of use, by the check of the provider's list or by the operator."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, MadeAt


class DisabledLlmRow(Base):
    """A model that no job may use, and why; it stands until somebody enables the model again."""

    __tablename__ = "disabled_llm"
    model: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    disabled_at: Mapped[MadeAt]


def insert_disabled(session: Session, *, model: str, reason: str) -> bool:
    """Take a model out of use; False when it was already."""
    made = session.execute(
        text(
            "INSERT INTO app.disabled_llm (model, reason) VALUES (:model, :reason)"
            " ON CONFLICT (model) DO NOTHING RETURNING model"
        ),
        {"model": model, "reason": reason},
    )
    return made.first() is not None


def delete_disabled(session: Session, model: str) -> bool:
    """Let a model be used again; False when it was not out of use."""
    gone = session.execute(
        text("DELETE FROM app.disabled_llm WHERE model = :model RETURNING model"), {"model": model}
    )
    return gone.first() is not None


def list_disabled(session: Session) -> dict[str, str]:
    """Models out of use, with the reason of each."""
    found = session.execute(text("SELECT model, reason FROM app.disabled_llm ORDER BY model"))
    return {row.model: row.reason for row in found}
