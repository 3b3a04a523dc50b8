"""Lines of a file are found by their file: for the operator's list, and when old ones are deleted."""

from alembic import op

revision = "0011_pre"
down_revision = "0010_pre"
branch_labels = depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX provider_batch_item_of_batch ON app.provider_batch_item"
        " (provider_batch_id, state)"
    )


def downgrade() -> None:
    op.execute("DROP INDEX app.provider_batch_item_of_batch")
