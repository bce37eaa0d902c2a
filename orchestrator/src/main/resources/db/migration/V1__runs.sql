-- The own tables. Flyway runs this with the search path set to the own schema.

CREATE TABLE job (
    name text NOT NULL,
    revision integer NOT NULL,
    definition jsonb NOT NULL,
    checksum text NOT NULL,
    origin text NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    registered_by text NOT NULL,
    PRIMARY KEY (name, revision)
);
COMMENT ON TABLE job IS 'Registered jobs; a changed definition is a new revision.';

CREATE TABLE run (
    id text PRIMARY KEY,
    job text NOT NULL,
    revision integer NOT NULL,
    state text NOT NULL
        CHECK (state IN ('PENDING', 'RUNNING', 'PAUSED', 'VERIFYING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    paused_from text CHECK ((paused_from IS NOT NULL) = (state = 'PAUSED')),
    worker text NOT NULL CHECK (worker IN ('daemons', 'foreground')),
    scheduled_for timestamptz,
    "range" jsonb,
    pass integer NOT NULL DEFAULT 0,
    estimated_rows bigint,
    rows_remaining bigint,
    verifier text,
    verifier_until timestamptz,
    verifier_pid integer,
    verifier_start timestamptz,
    created timestamptz NOT NULL DEFAULT clock_timestamp(),
    started timestamptz,
    finished timestamptz,
    reason text,
    FOREIGN KEY (job, revision) REFERENCES job (name, revision),
    UNIQUE (job, scheduled_for)
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX run_unfinished ON run (job) WHERE state IN ('PENDING', 'RUNNING', 'PAUSED', 'VERIFYING');
CREATE INDEX run_latest ON run (job, created DESC);
COMMENT ON TABLE run IS 'Executions of a revision of a job. One unfinished run of a job at most.';
COMMENT ON COLUMN run."range" IS 'from: inclusive start or null; start, end: first and last key when the run started; nulls: last key among the rows whose range column is NULL.';

CREATE TABLE slice (
    run text NOT NULL REFERENCES run,
    number integer NOT NULL,
    pass integer NOT NULL,
    "from" jsonb,
    "to" jsonb NOT NULL,
    checkpoint jsonb,
    state text NOT NULL DEFAULT 'READY' CHECK (state IN ('READY', 'RUNNING', 'DONE')),
    owner text,
    fence bigint NOT NULL DEFAULT 0,
    lease_until timestamptz,
    backend_pid integer,
    backend_start timestamptz,
    rows_scanned bigint NOT NULL DEFAULT 0,
    rows_changed bigint NOT NULL DEFAULT 0,
    batches bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (run, number)
) WITH (fillfactor = 25, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE slice IS 'Parts of a run, each worked by one worker at a time. Keys are arrays of text; a NULL checkpoint means that nothing is committed yet.';

CREATE TABLE proof (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job text NOT NULL,
    run text NOT NULL REFERENCES run,
    revision integer NOT NULL,
    "range" jsonb,
    horizon xid8 NOT NULL,
    remaining bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX proof_of_job ON proof (job, at DESC);
COMMENT ON TABLE proof IS 'The record that a range was checked and how many rows were left.';

CREATE TABLE event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    time timestamptz NOT NULL DEFAULT clock_timestamp(),
    subject_kind text NOT NULL,
    subject text NOT NULL,
    run text,
    who text NOT NULL,
    "from" text,
    "to" text,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX event_of_subject ON event (subject_kind, subject, id);
COMMENT ON TABLE event IS 'What happened, in order: the audit log.';
