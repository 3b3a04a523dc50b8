"""Dead letters come back with their history, and jobs under suspicion are found at once."""

from alembic import op

revision = "0003_pre"
down_revision = "0002_pre"
branch_labels = depends_on = None

# The roles through which Supabase's public API reads; they get nothing here.
PUBLIC_ROLES = ("anon", "authenticated", "service_role")

JOB_EVENT = """
    CREATE TABLE app.job_event (
        seller_id uuid NOT NULL REFERENCES app.seller ON DELETE CASCADE,
        id uuid NOT NULL,
        job_id uuid NOT NULL REFERENCES app.job ON DELETE CASCADE,
        action text NOT NULL CHECK (action IN ('retry','cancel')),
        actor text NOT NULL,
        state text NOT NULL,
        failures smallint NOT NULL,
        crash_count smallint NOT NULL,
        error_code text,
        error_detail text,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (seller_id, id))"""

LOCK_DOWN = f"""
DO $$
DECLARE role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY{list(PUBLIC_ROLES)} LOOP
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      EXECUTE format('REVOKE ALL ON app.job_event FROM %I', role_name);
    END IF;
  END LOOP;
END $$
"""


def upgrade() -> None:
    op.execute(JOB_EVENT)
    op.execute("ALTER TABLE app.job_event ENABLE ROW LEVEL SECURITY")
    op.execute(LOCK_DOWN)
    op.execute("CREATE INDEX job_event_of_job ON app.job_event (job_id, created_at)")
    op.execute(
        "CREATE INDEX job_dead ON app.job (pool, finalized_at DESC) WHERE state = 'discarded'"
    )
    op.execute(
        "CREATE INDEX job_suspect ON app.job (pool, scheduled_at)"
        " WHERE crash_count >= 2 AND state IN ('available','running','retryable')"
    )


def downgrade() -> None:
    op.execute("DROP INDEX app.job_suspect")
    op.execute("DROP INDEX app.job_dead")
    op.execute("DROP TABLE app.job_event")
