"""What a seller wants of every text: tone, words, spellings, fields to keep, search terms."""

from alembic import op

revision = "0004_pre"
down_revision = "0003_pre"
branch_labels = depends_on = None

# The roles through which Supabase's public API reads; they get nothing here.
PUBLIC_ROLES = ("anon", "authenticated", "service_role")

SELLER_VOICE = """
    CREATE TABLE app.seller_voice (
        seller_id uuid PRIMARY KEY REFERENCES app.seller ON DELETE CASCADE,
        version integer NOT NULL CHECK (version > 0),
        body jsonb NOT NULL,
        updated_at timestamptz NOT NULL DEFAULT clock_timestamp())"""

LOCK_DOWN = f"""
DO $$
DECLARE role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY{list(PUBLIC_ROLES)} LOOP
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      EXECUTE format('REVOKE ALL ON app.seller_voice FROM %I', role_name);
    END IF;
  END LOOP;
END $$
"""


def upgrade() -> None:
    op.execute(SELLER_VOICE)
    op.execute("ALTER TABLE app.seller_voice ENABLE ROW LEVEL SECURITY")
    op.execute(LOCK_DOWN)


def downgrade() -> None:
    op.execute("DROP TABLE app.seller_voice")
