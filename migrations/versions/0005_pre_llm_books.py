"""Alarms for the operator; models taken out of use; fuller books of calls, hops and partial work."""

from alembic import op

revision = "0005_pre"
down_revision = "0004_pre"
branch_labels = depends_on = None

# The roles through which Supabase's public API reads; they get nothing here.
PUBLIC_ROLES = ("anon", "authenticated", "service_role")

TABLES = {
    "operator_event": """
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        kind text NOT NULL,
        key text NOT NULL,
        level text NOT NULL CHECK (level IN ('info','warning','error')),
        message text NOT NULL,
        details jsonb NOT NULL DEFAULT '{}',
        repeats integer NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        last_at timestamptz NOT NULL DEFAULT clock_timestamp()""",
    "disabled_llm": """
        model text PRIMARY KEY,
        reason text NOT NULL,
        disabled_at timestamptz NOT NULL DEFAULT clock_timestamp()""",
}

COLUMNS = (
    ("llm_call", "tier text NOT NULL DEFAULT 'on_demand'"),
    ("llm_call", "est_pico bigint"),
    ("llm_call", "reasoning_tokens integer"),
    ("llm_call", "headers jsonb"),
    ("llm_call", "error_detail text NOT NULL DEFAULT ''"),
    ("job", "hops jsonb"),
    ("suggestion", "hops jsonb"),
    ("suggestion", "partial boolean NOT NULL DEFAULT false"),
)

LOCK_DOWN = f"""
DO $$
DECLARE role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY{list(PUBLIC_ROLES)} LOOP
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      EXECUTE format('REVOKE ALL ON app.operator_event, app.disabled_llm FROM %I', role_name);
    END IF;
  END LOOP;
END $$
"""


def upgrade() -> None:
    for name, columns in TABLES.items():
        op.execute(f"CREATE TABLE app.{name} ({columns})")
        op.execute(f"ALTER TABLE app.{name} ENABLE ROW LEVEL SECURITY")
    op.execute(LOCK_DOWN)
    op.execute("CREATE INDEX operator_event_of ON app.operator_event (kind, key, id DESC)")
    for table, column in COLUMNS:
        op.execute(f"ALTER TABLE app.{table} ADD COLUMN {column}")


def downgrade() -> None:
    for table, column in reversed(COLUMNS):
        op.execute(f"ALTER TABLE app.{table} DROP COLUMN {column.split()[0]}")
    for name in reversed(TABLES):
        op.execute(f"DROP TABLE app.{name}")
