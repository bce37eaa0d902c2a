-- What a run paused for, with all that the server said: of the rows themselves, too.

CREATE TABLE failure (
    run text PRIMARY KEY REFERENCES run,
    key jsonb,
    error_class text NOT NULL,
    sqlstate text NOT NULL,
    message text NOT NULL,
    detail text,
    attempts integer NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE failure IS 'The error that a run has paused itself for, until it is resumed.';
COMMENT ON COLUMN failure.key IS 'The key that fails alone; NULL when the error is of a whole batch, or of none.';
COMMENT ON COLUMN failure.detail IS 'What the server said of the rows themselves; for people, never for a log.';
