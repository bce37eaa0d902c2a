package dev.backfill.orchestrator.signals;

import dev.backfill.orchestrator.gauges.Vital;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/** What is read of a database besides its standbys, by the words of configuration, messages and metrics. */
public enum HealthSignal implements Vital {
    /** How long the one of others that waits longest for a batch of ours has waited, in seconds. */
    LOCK_WAITS("lock-waits", 0, 5, "somebody has waited for a batch for %.1f s", "the batch gives way"),
    /** Sessions of others that wait for locks, and DDL that waits for the table of a run. */
    LOCK_STORM("lock-storm", 1, 5, "%.0f sessions wait for locks", "the run goes on once they are through"),
    /** Sessions of others on a processor, for each core. */
    ACTIVE_SESSIONS(
            "active-sessions",
            1,
            10,
            "%.2f sessions of others are on each core",
            "the run goes on by itself once the server has time for it"),
    /** Sessions of others that began or ended a statement within the last second. */
    FOREGROUND(
            "foreground",
            0.5,
            10,
            "%.0f sessions of others are at work",
            "the run goes on by itself once they are fewer"),
    /** The oldest open transaction of somebody else, in seconds. */
    LONG_TRANSACTION(
            "long-transaction",
            10,
            60,
            "the oldest transaction of somebody else has been open for %.0f s",
            "vacuum removes nothing that it can still see: end it, or raise the limit"),
    /** How many transactions ago the oldest snapshot was taken that vacuum has to respect. */
    XMIN_AGE(
            "xmin-age",
            10,
            60,
            "the oldest snapshot is %.0f transactions old",
            "vacuum removes nothing that it can still see: end it, drop the slot, or raise the limit"),
    /** Files of WAL that wait for the archiver. */
    ARCHIVE_BACKLOG(
            "archive-backlog",
            15,
            60,
            "%.0f files of WAL wait for the archiver",
            "see why archive_command is slow or fails; the run goes on by itself once it has caught up"),
    /** WAL that a replication slot keeps on the server, in bytes. */
    SLOT_RETENTION(
            "slot-retention",
            5,
            30,
            "a replication slot keeps %.0f bytes of WAL",
            "see why its consumer is behind, or drop the slot; the run goes on by itself once it has caught up"),
    /** How many vacuums are at work on the table of a run. */
    AUTOVACUUM("autovacuum", 10, 60, "vacuum is at work on the table", "the run goes on once it is through"),
    /** The part of the table of a run that is dead rows. */
    DEAD_TUPLES(
            "dead-tuples",
            30,
            120,
            "%.2f of the rows of the table are dead",
            "VACUUM it, or let autovacuum come more often; the run goes on by itself then"),
    /** The part of the last checkpoints that were requested, because WAL came too fast. */
    CHECKPOINT_PRESSURE(
            "checkpoint-pressure",
            60,
            300,
            "%.2f of the checkpoints were requested, because WAL came too fast",
            "raise max_wal_size, or let it be slow");

    private final String word;
    private final Duration every;
    private final Duration staleAfter;
    private final String what;
    private final String next;

    HealthSignal(String word, double every, int staleAfter, String what, String next) {
        this.word = word;
        this.every = Duration.ofMillis((long) (every * 1_000));
        this.staleAfter = Duration.ofSeconds(staleAfter);
        this.what = what;
        this.next = next;
    }

    @Override
    public String word() {
        return word;
    }

    /**
     * Reads a word.
     *
     * @param word such as {@code lock-storm}
     * @return the signal; empty when there is none of that word
     */
    public static Optional<HealthSignal> of(String word) {
        for (HealthSignal signal : values()) {
            if (signal.word.equals(word)) {
                return Optional.of(signal);
            }
        }
        return Optional.empty();
    }

    @Override
    public Duration every() {
        return every;
    }

    @Override
    public Duration staleAfter() {
        return staleAfter;
    }

    @Override
    public String said(double value) {
        return String.format(Locale.ROOT, what, value);
    }

    @Override
    public OptionalDouble crowdedFrom() {
        return this == ACTIVE_SESSIONS ? OptionalDouble.of(1) : OptionalDouble.empty();
    }

    @Override
    public boolean makesBrief() {
        return this == FOREGROUND;
    }

    @Override
    public String next() {
        return next;
    }
}
