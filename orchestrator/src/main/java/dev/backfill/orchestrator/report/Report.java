package dev.backfill.orchestrator.report;

import dev.backfill.orchestrator.control.RunView;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a run has done, cost and waited for, until now or until its end. Immutable.
 *
 * @param run the run
 * @param lasted from its beginning; empty before it began
 * @param batches how many were committed, and what became of others
 * @param tally what was counted meanwhile
 * @param tables what it leaves behind, in each table that has dead rows; the most dead first
 */
public record Report(RunView run, Optional<Duration> lasted, Batches batches, Tally tally, List<TableState> tables) {

    /** Copies. */
    public Report {
        tables = List.copyOf(tables);
    }

    /**
     * Batches.
     *
     * @param committed how many
     * @param retried how many were tried again
     * @param split how many were tried again in parts
     * @param fenced how many commits were refused because the slice had gone to another worker
     */
    public record Batches(long committed, long retried, long split, long fenced) {}

    /**
     * What was counted.
     *
     * @param held for how long it was held, by reason
     * @param wal bytes that its batches wrote to the server's log; before version 18 with what others wrote meanwhile; empty
     *     when that was not measured
     * @param worstLag how far a standby was behind at most while it was worked; empty when there was none
     * @param victims how many sessions had to wait until a batch gave way to them
     * @param freedWithin how long it took at most from when one of them was noticed until it was free
     */
    public record Tally(
            Map<String, Duration> held,
            Optional<Long> wal,
            Optional<Duration> worstLag,
            long victims,
            Optional<Duration> freedWithin) {
        /** Copies. */
        public Tally {
            held = Map.copyOf(held);
        }
    }

    /**
     * How fast it was, with all it waited for.
     *
     * @return rows gone over a second; empty before it began
     */
    public Optional<Double> rate() {
        return lasted.filter(time -> !time.isZero()).map(time -> run.rows().scanned() / (time.toNanos() / 1e9));
    }
}
