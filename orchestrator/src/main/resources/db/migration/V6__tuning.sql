-- What an operator has changed of a run under way.

CREATE TABLE tuning (
    run text PRIMARY KEY REFERENCES run,
    sections jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE tuning IS 'The sections batch, parallelism, weight and throttle of the job file, as a run goes by them that was tuned.';
