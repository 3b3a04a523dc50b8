"""A suggestion says all that its text measures, so that accepting it needs no second measuring."""

from alembic import op

revision = "0012_pre"
down_revision = "0011_pre"
branch_labels = depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE app.suggestion ADD COLUMN advice_after integer")


def downgrade() -> None:
    op.execute("ALTER TABLE app.suggestion DROP COLUMN advice_after")
