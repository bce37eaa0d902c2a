package dev.backfill.orchestrator.metrics;

/** The families of the product's own metrics: their names and what is said of them to whoever reads them. */
enum Family {
    ROWS_SCANNED("backfill_rows_scanned_total", Scope.PROCESS, "Keys gone over by committed batches"),
    ROWS_CHANGED("backfill_rows_changed_total", Scope.PROCESS, "Rows changed by committed batches"),
    ROWS_QUARANTINED("backfill_rows_quarantined_total", Scope.PROCESS, "Rows set aside because of their data"),
    BATCHES("backfill_batches_total", Scope.PROCESS, "Batches, by what became of them"),
    BATCH_SECONDS(
            "backfill_batch_seconds",
            Scope.PROCESS,
            "Time of a committed batch in seconds, from the key search to the commit"),
    BATCH_SIZE("backfill_batch_size", Scope.LAST, "Keys of the last committed batch"),
    FENCED_COMMITS(
            "backfill_fenced_commits_total",
            Scope.PROCESS,
            "Commits refused because the slice had gone to another worker"),
    LOCK_VICTIMS(
            "backfill_lock_victims_total",
            Scope.PROCESS,
            "Batches that were ended because a session of somebody else waited for them"),
    WORKERS_ACTIVE("backfill_workers_active", Scope.PROCESS, "Workers that are on a slice now"),
    HOLD_SECONDS("backfill_hold_seconds_total", Scope.PROCESS, "Seconds that the job's runs stood still, by reason"),
    PROGRESS(
            "backfill_progress_ratio",
            Scope.SHARED,
            "Part of the range that the present pass of the latest run has done, from 0 to 1"),
    ETA(
            "backfill_eta_seconds",
            Scope.SHARED,
            "Seconds that the rest of the pass will take; absent while that is not known"),
    ROWS_REMAINING(
            "backfill_rows_remaining",
            Scope.SHARED,
            "Rows still to do: what the last check counted, before it an estimate; absent while nothing is known"),
    QUARANTINE_ROWS("backfill_quarantine_rows", Scope.SHARED, "Rows in quarantine now"),
    RUN_STATE(
            "backfill_run_state",
            Scope.SHARED,
            "1 for the state of the job's latest run and 0 for the others; all 0 for a job without a run"),
    LAST_SUCCESS(
            "backfill_last_success_timestamp_seconds",
            Scope.SHARED,
            "When a run last succeeded, in seconds since 1970; absent while this process has not seen one"),
    HOLD("backfill_hold", Scope.SHARED, "1 while the job's latest run is held, by reason; absent otherwise"),
    PACE(
            "backfill_pace_ratio",
            Scope.SHARED,
            "How fast a governor lets the database's runs move, from 0, stand still, to 1, full pace"),
    SIGNAL_VALUE(
            "backfill_signal_value",
            Scope.SHARED,
            "What a signal was read as last, in seconds or as a number, by its source such as a standby"),
    SIGNAL_LIMIT(
            "backfill_signal_limit",
            Scope.SHARED,
            "Above which value of the signal every run of the database holds, or goes more gently where it never holds"),
    SIGNAL_AGE(
            "backfill_signal_age_seconds",
            Scope.SHARED,
            "How long ago the signal was read, in seconds; absent before the first time"),
    SIGNAL_UP(
            "backfill_signal_up",
            Scope.SHARED,
            "1 while the signal can be read; 0 while it cannot, and every run of the database holds"),
    BUILD_INFO("backfill_build_info", Scope.SHARED, "Always 1; the label says the version of the program");

    private final String metric;
    private final Scope scope;
    private final String meaning;

    Family(String metric, Scope scope, String meaning) {
        this.metric = metric;
        this.scope = scope;
        this.meaning = meaning;
    }

    /** What the series of several daemons say together. */
    private enum Scope {
        PROCESS("Of this process: sum over daemons."),
        LAST("Of this process, the latest: take the max over daemons."),
        SHARED("The same on each daemon: take the max.");

        private final String words;

        Scope(String words) {
            this.words = words;
        }
    }

    /** The name as Prometheus shows it. */
    String metric() {
        return metric;
    }

    /** What it is, in which unit, and how to put the daemons' series together. */
    String help() {
        return meaning + ". " + scope.words;
    }
}
