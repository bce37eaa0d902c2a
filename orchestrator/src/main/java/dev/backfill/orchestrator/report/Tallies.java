package dev.backfill.orchestrator.report;

import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.run.Slice;
import dev.backfill.orchestrator.timing.Timing;
import dev.backfill.orchestrator.wal.Written;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Counts what happens to the runs of a database in this process, until it is written down. Safe for use by several threads.
 */
public final class Tallies implements RunListener {

    /** What the names of measures begin with of which the largest counts, and not the sum. */
    static final String MOST = "most-";

    static final String HELD = "held-";
    static final String RETRIED = "retried";
    static final String SPLIT = "split";
    static final String FENCED = "fenced";
    static final String VICTIMS = "victims";
    static final String WAL = "wal";
    static final String FREED = MOST + "freed";
    static final String LAG = MOST + "lag";

    /** A hold that is going on, and up to when it is counted. */
    private record Standing(Hold hold, long counted) {}

    private final Timing timing;
    private final Map<String, Map<String, Double>> amounts = new HashMap<>();
    private final Map<String, Standing> standing = new HashMap<>();
    private final Map<String, Integer> workers = new HashMap<>();
    private final Map<String, Written.Sum> written = new HashMap<>();
    private final Map<String, Long> heldUntil = new HashMap<>();
    private boolean ended;

    /**
     * Nothing yet.
     *
     * @param timing how time passes
     */
    public Tallies(Timing timing) {
        this.timing = timing;
    }

    /** Adds to a measure, or, where the largest counts, takes it if it is larger. */
    static double merged(String measure, double before, double more) {
        return measure.startsWith(MOST) ? Math.max(before, more) : before + more;
    }

    private void count(String run, String measure, double amount) {
        amounts.computeIfAbsent(run, id -> new TreeMap<>())
                .merge(measure, amount, (before, more) -> merged(measure, before, more));
    }

    @Override
    public synchronized void batchRolledBack(Slice slice, Outcome outcome, String why) {
        switch (outcome) {
            case RETRIED -> count(run(slice), RETRIED, 1);
            case SPLIT -> count(run(slice), SPLIT, 1);
            case FAILED -> {} // pauses the run, which its events tell
        }
    }

    @Override
    public synchronized void commitFenced(Slice slice) {
        count(run(slice), FENCED, 1);
    }

    @Override
    public synchronized void gaveWay(Slice slice, String victim, Duration freedAfter) {
        count(run(slice), VICTIMS, 1);
        count(run(slice), FREED, seconds(freedAfter));
    }

    @Override
    public synchronized void wrote(Slice slice, Written wal) {
        long bytes =
                written.computeIfAbsent(run(slice), id -> new Written.Sum()).add(wal);
        count(run(slice), WAL, (double) bytes);
    }

    @Override
    public synchronized void worker(Slice slice, boolean working) {
        workers.merge(run(slice), working ? 1 : -1, Integer::sum);
        workers.values().removeIf(count -> count <= 0);
    }

    @Override
    public synchronized void held(String run, Hold hold, String detail) {
        Standing before = standing.get(run);
        if (before == null || !before.hold().equals(hold)) {
            countStanding(run);
            standing.put(run, new Standing(hold, timing.nanos()));
        }
    }

    @Override
    public synchronized void released(String run, Hold hold) {
        Standing before = standing.get(run);
        if (before != null && before.hold().equals(hold)) {
            countStanding(run);
            standing.remove(run);
        }
    }

    @Override
    public synchronized void stateChanged(Run run) {
        if (!run.state().isUnfinished() || run.state() == RunState.PAUSED) {
            left(run.id());
            ended = true;
        }
    }

    /**
     * Whether a run has ended of which not all is written down: somebody may be about to read its report.
     *
     * @return whether it should be written down at once
     */
    public synchronized boolean isUrgent() {
        return ended;
    }

    /** This process works a run no more. */
    public synchronized void left(String run) {
        countStanding(run);
        standing.remove(run);
        workers.remove(run);
        written.remove(run);
    }

    /**
     * The replication lag that there is now, which counts for each run that is worked here.
     *
     * @param seconds of the standby that is behind furthest
     */
    public synchronized void lag(double seconds) {
        workers.keySet().forEach(run -> count(run, LAG, seconds));
    }

    /**
     * What was counted since this was asked last, holds that go on among it.
     *
     * @return by the runs' ids and the measures
     */
    synchronized Map<String, Map<String, Double>> take() {
        Set.copyOf(standing.keySet()).forEach(this::countStanding);
        Map<String, Map<String, Double>> taken = new TreeMap<>(amounts);
        amounts.clear();
        heldUntil.keySet().removeIf(key -> !isIn(taken, key));
        ended = false;
        return taken;
    }

    private static boolean isIn(Map<String, Map<String, Double>> taken, String key) {
        return taken.entrySet().stream()
                .anyMatch(run -> run.getValue().keySet().stream()
                        .anyMatch(measure -> key(run.getKey(), measure).equals(key)));
    }

    /**
     * How long ago the last of what was taken has happened.
     *
     * @param run the run's id
     * @param measure which
     * @return in seconds; 0 for what is no hold
     */
    synchronized double ago(String run, String measure) {
        Long until = heldUntil.get(key(run, measure));
        return until == null ? 0 : seconds(Duration.ofNanos(timing.nanos() - until));
    }

    private static String key(String run, String measure) {
        return run + " " + measure;
    }

    /** What was taken could not be written down: it counts again. */
    synchronized void giveBack(Map<String, Map<String, Double>> taken) {
        taken.forEach((run, measures) -> measures.forEach((measure, amount) -> count(run, measure, amount)));
    }

    private void countStanding(String run) {
        Standing before = standing.get(run);
        if (before != null) {
            long now = timing.nanos();
            String measure = HELD + before.hold().word();
            count(run, measure, seconds(Duration.ofNanos(now - before.counted())));
            heldUntil.put(key(run, measure), now);
            standing.put(run, new Standing(before.hold(), now));
        }
    }

    private static String run(Slice slice) {
        return slice.id().run();
    }

    private static double seconds(Duration duration) {
        return duration.toNanos() / 1e9;
    }
}
