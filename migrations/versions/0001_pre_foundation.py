"""The foundation: sellers, catalogue, revisions, suggestions, imports, jobs, the LLM's ledger."""

from alembic import op

revision = "0001_pre"
down_revision = None
branch_labels = depends_on = None

# The roles through which Supabase's public API reads; they get nothing here.
PUBLIC_ROLES = ("anon", "authenticated", "service_role")

TABLES = {
    "seller": """
        id uuid PRIMARY KEY,
        email text NOT NULL UNIQUE,
        paused_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp()""",
    "api_key": """
        id uuid PRIMARY KEY,
        seller_id uuid NOT NULL REFERENCES app.seller ON DELETE CASCADE,
        lookup text NOT NULL UNIQUE,
        secret_hash text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        last_used_at timestamptz,
        revoked_at timestamptz""",
    "signin_link": """
        token_hash text PRIMARY KEY,
        seller_id uuid NOT NULL REFERENCES app.seller ON DELETE CASCADE,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        expires_at timestamptz NOT NULL,
        used_at timestamptz""",
    "web_session": """
        token_hash text PRIMARY KEY,
        seller_id uuid NOT NULL REFERENCES app.seller ON DELETE CASCADE,
        csrf_token text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        last_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        expires_at timestamptz NOT NULL""",
    "store": """
        seller_id uuid NOT NULL REFERENCES app.seller ON DELETE CASCADE,
        id uuid NOT NULL,
        channel text NOT NULL,
        site text NOT NULL DEFAULT 'US',
        locale text NOT NULL DEFAULT '',
        currency text NOT NULL DEFAULT '',
        mode text NOT NULL DEFAULT 'fix',
        style_version integer NOT NULL DEFAULT 0,
        mutes jsonb NOT NULL DEFAULT '[]',
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (seller_id, id),
        UNIQUE (seller_id, channel, site)""",
    "product": """
        seller_id uuid NOT NULL REFERENCES app.seller ON DELETE CASCADE,
        id uuid NOT NULL,
        source_store_id uuid NOT NULL,
        source_key text NOT NULL,
        facts jsonb NOT NULL,
        facts_hash text NOT NULL,
        image_url text NOT NULL DEFAULT '',
        price_minor bigint,
        stock bigint,
        updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (seller_id, id),
        UNIQUE (seller_id, source_store_id, source_key),
        FOREIGN KEY (seller_id, source_store_id) REFERENCES app.store""",
    "listing": """
        seller_id uuid NOT NULL REFERENCES app.seller ON DELETE CASCADE,
        id uuid NOT NULL,
        product_id uuid NOT NULL,
        store_id uuid NOT NULL,
        variant_key text NOT NULL DEFAULT '',
        title text NOT NULL DEFAULT '',
        state text NOT NULL DEFAULT 'new',
        current_revision_id uuid,
        live_revision_id uuid,
        hard integer,
        advice integer,
        score real,
        gain real,
        risk text NOT NULL DEFAULT '',
        value_minor bigint,
        open_suggestion_id uuid,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (seller_id, id),
        UNIQUE (seller_id, product_id, store_id, variant_key),
        FOREIGN KEY (seller_id, product_id) REFERENCES app.product,
        FOREIGN KEY (seller_id, store_id) REFERENCES app.store""",
    "revision": """
        seller_id uuid NOT NULL,
        id uuid NOT NULL,
        listing_id uuid NOT NULL,
        parent_id uuid,
        origin text NOT NULL,
        fields jsonb NOT NULL,
        html_fields jsonb NOT NULL DEFAULT '[]',
        hash text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (seller_id, id),
        UNIQUE (seller_id, listing_id, hash),
        FOREIGN KEY (seller_id, listing_id) REFERENCES app.listing ON DELETE CASCADE,
        FOREIGN KEY (seller_id, parent_id) REFERENCES app.revision""",
    "brief": """
        seller_id uuid NOT NULL REFERENCES app.seller ON DELETE CASCADE,
        hash text NOT NULL,
        body jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (seller_id, hash)""",
    "import_file": """
        seller_id uuid NOT NULL REFERENCES app.seller ON DELETE CASCADE,
        id uuid NOT NULL,
        name text NOT NULL,
        channel text NOT NULL,
        options jsonb NOT NULL DEFAULT '{}',
        size_bytes bigint NOT NULL DEFAULT 0,
        sha256 text NOT NULL DEFAULT '',
        state text NOT NULL,
        shape jsonb,
        notes jsonb NOT NULL DEFAULT '[]',
        estimate jsonb,
        error jsonb,
        rows_total integer NOT NULL DEFAULT 0,
        products_total integer NOT NULL DEFAULT 0,
        problems_total integer NOT NULL DEFAULT 0,
        batch_id uuid,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (seller_id, id)""",
    "import_chunk": """
        seller_id uuid NOT NULL,
        import_id uuid NOT NULL,
        seq integer NOT NULL,
        body bytea NOT NULL,
        PRIMARY KEY (import_id, seq),
        FOREIGN KEY (seller_id, import_id) REFERENCES app.import_file ON DELETE CASCADE""",
    "import_item": """
        import_id uuid NOT NULL,
        ordinal integer NOT NULL,
        seller_id uuid NOT NULL,
        row_no integer NOT NULL,
        line integer NOT NULL,
        source_key text NOT NULL,
        listing_id uuid NOT NULL,
        revision_id uuid NOT NULL,
        PRIMARY KEY (import_id, ordinal)""",
    "import_problem": """
        import_id uuid NOT NULL,
        seq integer NOT NULL,
        seller_id uuid NOT NULL,
        line integer NOT NULL,
        column_name text NOT NULL,
        code text NOT NULL,
        message text NOT NULL,
        value text NOT NULL DEFAULT '',
        PRIMARY KEY (import_id, seq)""",
    "batch": """
        seller_id uuid NOT NULL REFERENCES app.seller ON DELETE CASCADE,
        id uuid NOT NULL,
        kind text NOT NULL,
        total integer NOT NULL DEFAULT 0,
        halted_at timestamptz,
        halt_reason text NOT NULL DEFAULT '',
        completed_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (seller_id, id)""",
    "batch_tally": """
        batch_id uuid NOT NULL,
        shard smallint NOT NULL,
        seller_id uuid NOT NULL,
        counts jsonb NOT NULL DEFAULT '{}',
        PRIMARY KEY (batch_id, shard)""",
    "job": """
        id uuid PRIMARY KEY,
        seller_id uuid NOT NULL REFERENCES app.seller ON DELETE CASCADE,
        kind text NOT NULL,
        lane text NOT NULL,
        pool text NOT NULL DEFAULT 'default',
        priority smallint NOT NULL DEFAULT 0,
        state text NOT NULL DEFAULT 'available'
            CHECK (state IN ('available','running','retryable','completed','discarded','cancelled')),
        outcome text,
        batch_id uuid,
        subject_id uuid,
        revision_id uuid,
        suggestion_id uuid,
        brief_hash text,
        work_hash text NOT NULL,
        as_of date,
        est_tokens integer NOT NULL DEFAULT 0,
        claim_no integer NOT NULL DEFAULT 0,
        failures smallint NOT NULL DEFAULT 0,
        crash_count smallint NOT NULL DEFAULT 0,
        dispatch_no integer NOT NULL DEFAULT 0,
        dispatched_at timestamptz,
        lease_owner uuid,
        deadline_at timestamptz,
        cancel_requested_at timestamptz,
        reused boolean NOT NULL DEFAULT false,
        engine text,
        cost_pico bigint NOT NULL DEFAULT 0,
        error_code text,
        error_detail text,
        cursor jsonb,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        scheduled_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        attempted_at timestamptz,
        finalized_at timestamptz,
        FOREIGN KEY (seller_id, batch_id) REFERENCES app.batch,
        FOREIGN KEY (seller_id, brief_hash) REFERENCES app.brief""",
    "suggestion": """
        seller_id uuid NOT NULL REFERENCES app.seller ON DELETE CASCADE,
        id uuid NOT NULL,
        listing_id uuid NOT NULL,
        job_id uuid NOT NULL,
        base_revision_id uuid NOT NULL,
        brief_hash text NOT NULL,
        wanted_engine text NOT NULL,
        used_engine text NOT NULL,
        llm text NOT NULL DEFAULT '',
        simulated boolean NOT NULL DEFAULT false,
        prompt_version text NOT NULL,
        rules_digest text NOT NULL,
        change_kinds jsonb NOT NULL DEFAULT '[]',
        risk text NOT NULL DEFAULT '',
        status text NOT NULL,
        score_before real NOT NULL,
        score_after real NOT NULL,
        hard_before integer NOT NULL,
        hard_after integer NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        decided_at timestamptz,
        PRIMARY KEY (seller_id, id),
        FOREIGN KEY (seller_id, listing_id) REFERENCES app.listing ON DELETE CASCADE,
        FOREIGN KEY (seller_id, base_revision_id) REFERENCES app.revision""",
    "suggestion_field": """
        seller_id uuid NOT NULL,
        suggestion_id uuid NOT NULL,
        field text NOT NULL,
        engine text NOT NULL,
        before jsonb NOT NULL,
        proposed jsonb,
        after jsonb,
        refusals jsonb NOT NULL DEFAULT '[]',
        findings jsonb NOT NULL DEFAULT '[]',
        evidence jsonb NOT NULL DEFAULT '[]',
        action text,
        final jsonb,
        PRIMARY KEY (seller_id, suggestion_id, field),
        FOREIGN KEY (seller_id, suggestion_id) REFERENCES app.suggestion ON DELETE CASCADE""",
    "decision": """
        seller_id uuid NOT NULL,
        id uuid NOT NULL,
        suggestion_id uuid NOT NULL,
        field text NOT NULL,
        action text NOT NULL,
        before jsonb,
        after jsonb,
        reason text NOT NULL DEFAULT '',
        viewed boolean NOT NULL DEFAULT true,
        bulk_id uuid,
        actor text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (seller_id, id),
        FOREIGN KEY (seller_id, suggestion_id) REFERENCES app.suggestion ON DELETE CASCADE""",
    "llm_call": """
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        seller_id uuid NOT NULL,
        job_id uuid NOT NULL,
        step smallint NOT NULL,
        claim_no integer NOT NULL,
        state text NOT NULL CHECK (state IN ('planned','answered','failed','unmade','unknown')),
        model text NOT NULL,
        prompt_tokens integer,
        cached_tokens integer,
        completion_tokens integer,
        cost_pico bigint,
        price_id text NOT NULL DEFAULT '',
        provider_request_id text NOT NULL DEFAULT '',
        simulated boolean NOT NULL DEFAULT false,
        error_code text NOT NULL DEFAULT '',
        planned_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        finished_at timestamptz""",
    "llm_answer": """
        seller_id uuid NOT NULL,
        request_hash text NOT NULL,
        variant integer NOT NULL DEFAULT 0,
        job_id uuid NOT NULL,
        step smallint NOT NULL,
        model text NOT NULL,
        finish_reason text NOT NULL,
        body text NOT NULL,
        simulated boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (seller_id, request_hash, variant)""",
    "worker_process": """
        id uuid PRIMARY KEY,
        pool text NOT NULL,
        queues text NOT NULL,
        threads integer NOT NULL,
        started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        beat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        draining_at timestamptz""",
    "lane": """
        name text PRIMARY KEY,
        vclock bigint NOT NULL DEFAULT 0""",
    "lane_seller": """
        lane text NOT NULL REFERENCES app.lane,
        seller_id uuid NOT NULL REFERENCES app.seller ON DELETE CASCADE,
        vtime bigint NOT NULL DEFAULT 0,
        weight integer NOT NULL DEFAULT 1 CHECK (weight > 0),
        PRIMARY KEY (lane, seller_id)""",
    "idempotency_key": """
        seller_id uuid NOT NULL REFERENCES app.seller ON DELETE CASCADE,
        route text NOT NULL,
        key text NOT NULL,
        body_hash text NOT NULL,
        status smallint NOT NULL,
        response jsonb NOT NULL,
        location text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (seller_id, route, key)""",
    "scaler_decision": """
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        adapter text NOT NULL,
        replicas integer NOT NULL,
        wanted integer NOT NULL,
        applied boolean NOT NULL,
        reason text NOT NULL,
        inputs jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp()""",
}

INDEXES = (
    "CREATE INDEX api_key_seller ON app.api_key (seller_id)",
    "CREATE INDEX listing_by_time ON app.listing (seller_id, store_id, updated_at DESC, id)",
    "CREATE INDEX listing_to_review ON app.listing (seller_id, store_id, value_minor DESC, id)"
    " WHERE open_suggestion_id IS NOT NULL",
    "CREATE INDEX listing_recent ON app.listing (seller_id, updated_at DESC, id)",
    "CREATE INDEX import_file_recent ON app.import_file (seller_id, id DESC)",
    "CREATE INDEX job_due ON app.job (pool, lane, seller_id, priority, scheduled_at, id)"
    " WHERE state IN ('available','retryable') AND dispatched_at IS NULL",
    "CREATE INDEX job_sent ON app.job (dispatched_at)"
    " WHERE state IN ('available','retryable') AND dispatched_at IS NOT NULL",
    "CREATE INDEX job_running ON app.job (lease_owner) WHERE state = 'running'",
    "CREATE UNIQUE INDEX job_work ON app.job (seller_id, work_hash)"
    " WHERE state IN ('available','running','retryable')",
    "CREATE INDEX job_done_work ON app.job (seller_id, work_hash) WHERE state = 'completed'",
    "CREATE INDEX job_batch ON app.job (batch_id, state)",
    "CREATE INDEX job_subject ON app.job (seller_id, subject_id)",
    "CREATE UNIQUE INDEX suggestion_open ON app.suggestion (seller_id, listing_id)"
    " WHERE status = 'open'",
    "CREATE INDEX suggestion_of_revision ON app.suggestion"
    " (seller_id, listing_id, base_revision_id)",
    "CREATE INDEX decision_of_suggestion ON app.decision (seller_id, suggestion_id)",
    "CREATE INDEX llm_call_of_job ON app.llm_call (job_id, step)",
    "CREATE INDEX llm_answer_of_job ON app.llm_answer (job_id, step)",
    "CREATE INDEX worker_process_pool ON app.worker_process (pool, beat_at)",
    "CREATE INDEX idempotency_age ON app.idempotency_key (created_at)",
)

ROLE_SETTING = "DO $$ BEGIN EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %I {}', current_database()); END $$"

STORAGE = (
    # The job row is updated four times in its life: leave room on the page and vacuum early.
    "ALTER TABLE app.job SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02)",
    # Here and not per session: a pooler in transaction mode loses what a session sets.
    ROLE_SETTING.format("SET statement_timeout = ''15s''"),
    "INSERT INTO app.lane (name) VALUES ('interactive'), ('bulk'), ('scheduled'), ('files')",
)

LOCK_DOWN = f"""
DO $$
DECLARE role_name text;
BEGIN
  REVOKE ALL ON SCHEMA app FROM PUBLIC;
  FOREACH role_name IN ARRAY ARRAY{list(PUBLIC_ROLES)} LOOP
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      EXECUTE format('REVOKE ALL ON SCHEMA app FROM %I', role_name);
      EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA app FROM %I', role_name);
      EXECUTE format(
        'ALTER DEFAULT PRIVILEGES IN SCHEMA app REVOKE ALL ON TABLES FROM %I', role_name);
    END IF;
  END LOOP;
END $$
"""


def upgrade() -> None:
    for name, columns in TABLES.items():
        op.execute(f"CREATE TABLE app.{name} ({columns})")
        op.execute(f"ALTER TABLE app.{name} ENABLE ROW LEVEL SECURITY")
    for statement in (*INDEXES, *STORAGE, LOCK_DOWN):
        op.execute(statement)
    op.execute("ALTER TABLE app.alembic_version ENABLE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.execute(ROLE_SETTING.format("RESET statement_timeout"))
    for name in reversed(TABLES):
        op.execute(f"DROP TABLE app.{name}")
