"""What the lines of a file may cost at most, so that caps on spending hold for them too."""

from alembic import op

revision = "0010_pre"
down_revision = "0009_pre"
branch_labels = depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE app.provider_batch_item ADD COLUMN est_pico bigint NOT NULL DEFAULT 0")


def downgrade() -> None:
    op.execute("ALTER TABLE app.provider_batch_item DROP COLUMN est_pico")
