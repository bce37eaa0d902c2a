package dev.backfill.orchestrator.metrics;

/** The names of labels. None is named job or instance: Prometheus owns those. */
final class Label {

    static final String BACKFILL = "backfill";
    static final String DATABASE = "database";
    static final String OUTCOME = "outcome";
    static final String REASON = "reason";
    static final String STATE = "state";
    static final String GOVERNOR = "governor";
    static final String SIGNAL = "signal";
    static final String SOURCE = "source";
    static final String VERSION = "version";

    private Label() {}
}
