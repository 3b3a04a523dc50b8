"""What a seller lets us spend in a UTC day and month, and have under way with the provider."""

from alembic import op

revision = "0009_pre"
down_revision = "0008_pre"
branch_labels = depends_on = None

COLUMNS = (
    "in_flight_max integer CHECK (in_flight_max > 0)",
    "day_cap_pico bigint CHECK (day_cap_pico >= 0)",
    "month_cap_pico bigint CHECK (month_cap_pico >= 0)",
)


def upgrade() -> None:
    added = ", ".join(f"ADD COLUMN {column}" for column in COLUMNS)
    op.execute(f"ALTER TABLE app.seller {added}")


def downgrade() -> None:
    for column in reversed(COLUMNS):
        op.execute(f"ALTER TABLE app.seller DROP COLUMN {column.split()[0]}")
