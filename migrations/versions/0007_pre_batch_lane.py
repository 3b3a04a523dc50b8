"""The batch lane: calls handed to the provider in files, at half price, answered within a day."""

from alembic import op

revision = "0007_pre"
down_revision = "0006_pre"
branch_labels = depends_on = None

# The roles through which Supabase's public API reads; they get nothing here.
PUBLIC_ROLES = ("anon", "authenticated", "service_role")

TABLES = {
    "batch_lane": """
        pool text PRIMARY KEY,
        leader uuid,
        lease_until timestamptz NOT NULL DEFAULT '-infinity',
        refused_at timestamptz,
        refusal text NOT NULL DEFAULT ''""",
    "provider_batch": """
        id uuid PRIMARY KEY,
        pool text NOT NULL,
        model text NOT NULL,
        state text NOT NULL DEFAULT 'planned'
            CHECK (state IN ('planned','uploaded','created','ended','ingested')),
        lines integer NOT NULL,
        body bytea,
        window_s integer NOT NULL,
        file_id text NOT NULL DEFAULT '',
        provider_id text NOT NULL DEFAULT '',
        provider_status text NOT NULL DEFAULT '',
        output_file_id text NOT NULL DEFAULT '',
        error_file_id text NOT NULL DEFAULT '',
        error text NOT NULL DEFAULT '',
        failures integer NOT NULL DEFAULT 0,
        planned_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        created_at timestamptz,
        recalled_at timestamptz,
        next_step_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        ingested_at timestamptz""",
    "provider_batch_item": """
        custom_id text PRIMARY KEY,
        provider_batch_id uuid NOT NULL REFERENCES app.provider_batch ON DELETE CASCADE,
        seller_id uuid NOT NULL REFERENCES app.seller ON DELETE CASCADE,
        job_id uuid NOT NULL REFERENCES app.job ON DELETE CASCADE,
        claim_no integer NOT NULL,
        request_hash text NOT NULL,
        variant integer NOT NULL,
        state text NOT NULL DEFAULT 'sent'
            CHECK (state IN ('sent','answered','failed','unanswered'))""",
}

INDEXES = (
    "CREATE INDEX provider_batch_open ON app.provider_batch (pool, next_step_at)"
    " WHERE state <> 'ingested'",
    "CREATE INDEX provider_batch_item_sent ON app.provider_batch_item"
    " (provider_batch_id, seller_id, request_hash) WHERE state = 'sent'",
    "CREATE INDEX provider_batch_item_of_job ON app.provider_batch_item (job_id)",
    "CREATE INDEX job_waiting_for ON app.job (pool, waits_for, created_at)"
    " WHERE waits_for IS NOT NULL AND state = 'available'",
)

LOCK_DOWN = f"""
DO $$
DECLARE role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY{list(PUBLIC_ROLES)} LOOP
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      EXECUTE format('REVOKE ALL ON app.batch_lane, app.provider_batch, app.provider_batch_item'
        ' FROM %I', role_name);
    END IF;
  END LOOP;
END $$
"""


def upgrade() -> None:
    op.execute("ALTER TABLE app.job ADD COLUMN waits_for text")
    for name, columns in TABLES.items():
        op.execute(f"CREATE TABLE app.{name} ({columns})")
        op.execute(f"ALTER TABLE app.{name} ENABLE ROW LEVEL SECURITY")
    op.execute(LOCK_DOWN)
    for index in INDEXES:
        op.execute(index)


def downgrade() -> None:
    op.execute("DROP INDEX app.job_waiting_for")
    for name in reversed(TABLES):
        op.execute(f"DROP TABLE app.{name}")
    op.execute("ALTER TABLE app.job DROP COLUMN waits_for")
