"""What a seller wants of the texts of one store, instead of what their voice says."""

from alembic import op

revision = "0008_pre"
down_revision = "0007_pre"
branch_labels = depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE app.store ADD COLUMN wishes jsonb NOT NULL DEFAULT '{}'")


def downgrade() -> None:
    op.execute("ALTER TABLE app.store DROP COLUMN wishes")
