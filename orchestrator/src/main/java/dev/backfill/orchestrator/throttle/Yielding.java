package dev.backfill.orchestrator.throttle;

import dev.backfill.orchestrator.throttle.Pace.Reason;
import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * How the batches of a run give way to sessions that wait for them. Who watches the locks says for which session of ours
 * somebody waits; its batch is ended. While the smallest batches still make others wait, the run holds, each time for longer.
 * Safe for use by several threads.
 */
public final class Yielding implements Governor {

    /** What it is called, and the reason that it gives. */
    public static final String NAME = "lock-waits";

    private static final Duration FIRST = Duration.ofSeconds(1);
    private static final Duration LONGEST = Duration.ofSeconds(30);
    private static final Duration QUIET = Duration.ofSeconds(2);

    private final Timing timing;
    private final String name;
    private final Set<Turn> turns = ConcurrentHashMap.newKeySet();
    private Duration pause = Duration.ZERO;
    private long held;
    private String victims = "";

    /** A batch that is under way; closed when it is over. */
    public final class Turn implements AutoCloseable {

        private final int session;
        private final Runnable end;
        private final AtomicBoolean ending = new AtomicBoolean();
        private volatile Optional<String> victim = Optional.empty();
        private volatile long noticed;
        private volatile long over;

        private Turn(int session, Runnable end) {
            this.session = session;
            this.end = end;
        }

        /**
         * Who waited for it when it was ended.
         *
         * @return empty when it was not ended
         */
        public Optional<String> victim() {
            return victim;
        }

        /**
         * How long it took from when somebody was noticed who waited until the batch was over.
         *
         * @return zero when nobody was
         */
        public Duration freedAfter() {
            return victim.isEmpty() ? Duration.ZERO : Duration.ofNanos(over - noticed);
        }

        private boolean isOver(int process, String application) {
            return session == process || (session == 0 && application.equals(name));
        }

        /** Said again at each look until it is over, for a cancel finds nothing between two statements; never waited for. */
        private void giveWay(String who) {
            if (victim.isEmpty()) {
                noticed = timing.nanos();
                over = noticed;
                victim = Optional.of(who);
            }
            if (ending.compareAndSet(false, true)) {
                Thread thread = new Thread(
                        () -> {
                            try {
                                end.run();
                            } finally {
                                ending.set(false);
                            }
                        },
                        name + " gives way");
                thread.setDaemon(true);
                thread.start();
            }
        }

        @Override
        public void close() {
            over = timing.nanos();
            turns.remove(this);
        }
    }

    /**
     * For one run in this process.
     *
     * @param timing how time passes
     * @param name the application_name of the run's sessions
     */
    public Yielding(Timing timing, String name) {
        this.timing = timing;
        this.name = name;
    }

    /**
     * A batch begins.
     *
     * @param session the process of its session on the server; 0 when that is not known, behind a pooler
     * @param end ends its statement, from another thread
     * @return to be closed with the batch
     */
    public Turn begin(int session, Runnable end) {
        Turn turn = new Turn(session, end);
        turns.add(turn);
        return turn;
    }

    /**
     * Somebody has waited for a session of ours for too long: its batch is ended, if it is of this run and not over.
     *
     * @param process the process of the session on the server
     * @param application the session's application_name, by which it is known behind a pooler
     * @param who waits, for a message
     */
    public void giveWay(int process, String application, String who) {
        turns.stream().filter(turn -> turn.isOver(process, application)).forEach(turn -> turn.giveWay(who));
    }

    /**
     * A batch was ended that cannot be any smaller: the run holds for a while.
     *
     * @param who waited for it
     */
    public synchronized void holdFor(String who) {
        if (!pause.isZero() && timing.since(held).compareTo(pause) < 0) {
            return; // several workers have given way to the same
        }
        boolean quiet = pause.isZero() || timing.since(held).compareTo(pause.plus(QUIET)) > 0;
        Duration twice = pause.multipliedBy(2);
        pause = quiet ? FIRST : twice.compareTo(LONGEST) < 0 ? twice : LONGEST;
        held = timing.nanos();
        victims = who;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public synchronized Pace pace() {
        if (pause.isZero() || timing.since(held).compareTo(pause) >= 0) {
            return Pace.FULL;
        }
        return Pace.hold(new Reason(
                NAME,
                "batches of the smallest size make others wait: " + victims + "; the run holds for " + pause.toSeconds()
                        + " s",
                "the run goes on by itself; a smaller batch.min or a faster statement helps"));
    }
}
