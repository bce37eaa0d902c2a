-- What runs have waited for and cost, over all processes.

CREATE TABLE tally (
    run text NOT NULL REFERENCES run,
    measure text NOT NULL,
    amount double precision NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run, measure)
) WITH (fillfactor = 50);
COMMENT ON TABLE tally IS 'Sums of what happened to a run, and, of measures that begin with "most-", the largest.';
COMMENT ON COLUMN tally.at IS 'Until when it is counted: time that several processes were held at once counts once.';
