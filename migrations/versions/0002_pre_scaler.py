"""The scaler's lease, memory and controls in one row; an index to find what was finished lately."""

from alembic import op

revision = "0002_pre"
down_revision = "0001_pre"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE app.scaler (
    target text PRIMARY KEY,
    holder uuid,
    lease_expires_at timestamptz,
    state jsonb NOT NULL DEFAULT '{}',
    paused_at timestamptz,
    override_replicas integer CHECK (override_replicas > 0),
    override_until timestamptz,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp())
"""

# Supabase's older projects give its public roles every new table.
LOCK_DOWN = """
DO $$
DECLARE role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      EXECUTE format('REVOKE ALL ON app.scaler FROM %I', role_name);
    END IF;
  END LOOP;
END $$
"""


def upgrade() -> None:
    op.execute(TABLE)
    op.execute("ALTER TABLE app.scaler ENABLE ROW LEVEL SECURITY")
    op.execute(LOCK_DOWN)
    # Outside a transaction, so that workers go on writing while it is built.
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS app.job_finished")
        op.execute(
            "CREATE INDEX CONCURRENTLY job_finished ON app.job (finalized_at)"
            " WHERE state = 'completed' AND attempted_at IS NOT NULL"
        )


def downgrade() -> None:
    op.execute("DROP INDEX app.job_finished")
    op.execute("DROP TABLE app.scaler")
