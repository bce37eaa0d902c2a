-- Keys whose data cannot be processed are set aside.

CREATE TABLE quarantine (
    run text NOT NULL REFERENCES run,
    key jsonb NOT NULL,
    after jsonb,
    error_class text NOT NULL,
    sqlstate text NOT NULL,
    message text NOT NULL,
    detail text,
    attempts integer NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run, key)
);
COMMENT ON TABLE quarantine IS 'Keys that a run has passed over because their data cannot be processed, with the error.';
COMMENT ON COLUMN quarantine.after IS 'The key before it; NULL at the start of the run. What is tried again is what lies behind it, up to the key.';
COMMENT ON COLUMN quarantine.detail IS 'What the server said of the rows themselves; for people, never for a log.';

ALTER TABLE run ADD COLUMN quarantine_spent integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN run.quarantine_spent IS 'How many keys were set aside since the run was begun, resumed or retried.';

-- One run at a time on a table, rows that come in during a run, and batches that take their worker with them.

ALTER TABLE run
    ADD COLUMN table_oid oid,
    ADD COLUMN shared boolean NOT NULL DEFAULT false,
    ADD COLUMN follow jsonb;
COMMENT ON COLUMN run.table_oid IS 'The table, or the topmost table that it is a partition of, from the begin of the run on.';
COMMENT ON COLUMN run.shared IS 'Whether the run may work beside others on the same table.';
COMMENT ON COLUMN run.follow IS 'How far the run has followed the rows that come in: rounds, since when the present one, the shortest in ms, and how many since were no shorter.';
CREATE INDEX run_on_table ON run (table_oid) WHERE state IN ('RUNNING', 'PAUSED', 'VERIFYING');

ALTER TABLE slice ADD COLUMN attempts integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN slice.attempts IS 'How often the slice was taken from a worker that was gone in mid-batch, less the batches that were committed since.';
