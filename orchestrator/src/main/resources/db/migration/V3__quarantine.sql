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
