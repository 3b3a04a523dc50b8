"""Schedules of re-optimization and its runs; who is an operator; when a call was sent."""

from alembic import op

revision = "0006_pre"
down_revision = "0005_pre"
branch_labels = depends_on = None

# The roles through which Supabase's public API reads; they get nothing here.
PUBLIC_ROLES = ("anon", "authenticated", "service_role")

TABLES = {
    # cadence NULL: the seller never said anything, which is not the same as 'off'.
    "schedule": """
        seller_id uuid NOT NULL,
        store_id uuid NOT NULL,
        cadence text CHECK (cadence IN ('off','weekly','monthly','rules')),
        age_days integer CHECK (age_days BETWEEN 30 AND 3650),
        known_rules jsonb,
        looked_on date,
        looked_at timestamptz,
        updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (seller_id, store_id),
        FOREIGN KEY (seller_id, store_id) REFERENCES app.store ON DELETE CASCADE""",
    "reoptimize_run": """
        id uuid PRIMARY KEY,
        day date NOT NULL,
        started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        beat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        ended_at timestamptz,
        outcome text CHECK (outcome IN ('done','trouble','lost')),
        summary jsonb NOT NULL DEFAULT '{}'""",
}

LOCK_DOWN = f"""
DO $$
DECLARE role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY{list(PUBLIC_ROLES)} LOOP
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      EXECUTE format('REVOKE ALL ON app.schedule, app.reoptimize_run FROM %I', role_name);
    END IF;
  END LOOP;
END $$
"""


def upgrade() -> None:
    for name, columns in TABLES.items():
        op.execute(f"CREATE TABLE app.{name} ({columns})")
        op.execute(f"ALTER TABLE app.{name} ENABLE ROW LEVEL SECURITY")
    op.execute(LOCK_DOWN)
    # One run at a time: whoever inserts the row without an end holds the lease.
    op.execute(
        "CREATE UNIQUE INDEX reoptimize_run_open ON app.reoptimize_run ((true))"
        " WHERE ended_at IS NULL"
    )
    op.execute("ALTER TABLE app.seller ADD COLUMN is_operator boolean NOT NULL DEFAULT false")
    op.execute("ALTER TABLE app.llm_call ADD COLUMN sent_at timestamptz")
    # The ledger grows in time's order: a few pages find a day's calls.
    op.execute(
        "CREATE INDEX llm_call_by_day ON app.llm_call USING brin (planned_at)"
        " WITH (pages_per_range = 32)"
    )


def downgrade() -> None:
    op.execute("DROP INDEX app.llm_call_by_day")
    op.execute("ALTER TABLE app.llm_call DROP COLUMN sent_at")
    op.execute("ALTER TABLE app.seller DROP COLUMN is_operator")
    for name in reversed(TABLES):
        op.execute(f"DROP TABLE app.{name}")
