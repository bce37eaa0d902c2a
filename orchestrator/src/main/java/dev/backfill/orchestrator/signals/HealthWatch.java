package dev.backfill.orchestrator.signals;

import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.db.TableFacts;
import dev.backfill.orchestrator.gauges.Gauge;
import dev.backfill.orchestrator.gauges.Panel;
import dev.backfill.orchestrator.policy.Level;
import dev.backfill.orchestrator.policy.Policy;
import dev.backfill.orchestrator.throttle.Governor;
import dev.backfill.orchestrator.throttle.ProbeSession;
import dev.backfill.orchestrator.throttle.SignalReading;
import dev.backfill.orchestrator.throttle.SignalReading.Verdict;
import dev.backfill.orchestrator.throttle.SignalState;
import dev.backfill.orchestrator.throttle.Yielding;
import dev.backfill.orchestrator.timing.Bell;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the signals of a database that are on, each as often as it has to be, on a connection of its own; seldom while no
 * run moves. One thread reads; any may ask what was read.
 */
public final class HealthWatch {

    private static final Logger LOG = LoggerFactory.getLogger(HealthWatch.class);

    /** How often a signal is read that holds runs. */
    private static final Duration URGENT = Duration.ofSeconds(1);

    /** Batches give way to those who wait; runs do not hold for them, unless they cannot be seen. */
    private static final Level NEVER = new Level(OptionalDouble.empty(), OptionalDouble.empty(), Double.MAX_VALUE);

    private final Database database;
    private final Timing timing;
    private final Policy usual;
    private final Panel panel;
    private final Map<HealthSignal, Long> read = new EnumMap<>(HealthSignal.class);
    private final Set<Moving> runs = ConcurrentHashMap.newKeySet();
    private final WatchedTables tables = new WatchedTables();
    private final LockWatch locks;
    private final Bell bell;
    private volatile boolean all;
    private final ProbeSession session;
    private @Nullable HealthProbe probe;

    /**
     * Over a database.
     *
     * @param database which is watched, as its configuration says
     * @param timing how time passes
     */
    public HealthWatch(Database database, Timing timing) {
        this.database = database;
        this.timing = timing;
        this.usual = database.settings().work().throttle().policy();
        this.panel = new Panel(EnumSet.allOf(HealthSignal.class), timing);
        this.bell = new Bell(timing);
        this.session = new ProbeSession(database);
        boolean always = usual.levels().containsKey(HealthSignal.LOCK_WAITS.word());
        this.locks = new LockWatch(database, always, gauge(HealthSignal.LOCK_WAITS));
    }

    /** A run that moves: what is read of its table counts. Safe for use by several threads. */
    public final class Moving implements AutoCloseable {

        private final TableFacts.Identity table;
        private final Yielding run;
        private volatile Policy policy = usual;

        private Moving(TableFacts.Identity table, Yielding run) {
            this.table = table;
            this.run = run;
        }

        /**
         * What sets its pace. What the policy wants to know is read from now on.
         *
         * @param wanted what it gives way to
         * @return one of each signal of the whole database, and one of each of its table
         */
        public List<Governor> governors(Policy wanted) {
            policy = wanted;
            locks.begin(run, level(wanted, HealthSignal.LOCK_WAITS));
            all = true;
            bell.ring();
            List<Governor> governors = HealthWatch.this.governors(wanted, Optional.empty());
            governors.addAll(HealthWatch.this.governors(wanted, Optional.of(tables.nameOf(table))));
            return governors;
        }

        /** It has come to its end. */
        @Override
        public void close() {
            runs.remove(this);
            locks.end(run);
            tables.remove(table);
        }
    }

    /**
     * What has to run until it is stopped, each in a thread of its own.
     *
     * @return by what it does
     */
    public Map<String, Consumer<Stop>> loops() {
        Map<String, Consumer<Stop>> loops = new LinkedHashMap<>();
        loops.put("locks", locks::watch);
        loops.put("health", this::watch);
        return loops;
    }

    /** Those that are read here; for locks there is a loop of its own. */
    private Stream<HealthSignal> asked() {
        return Stream.concat(Stream.of(usual), runs.stream().map(run -> run.policy))
                .flatMap(policy -> policy.levels().keySet().stream())
                .flatMap(word -> HealthSignal.of(word).stream())
                .filter(signal -> signal != HealthSignal.LOCK_WAITS)
                .distinct();
    }

    private void watch(Stop stop) {
        while (!stop.isRequested()) {
            readWhatIsDue();
            bell.await(untilNext());
        }
        disconnect();
    }

    /**
     * A run begins to move.
     *
     * @param table its table
     * @param run how its batches give way
     * @return to be closed when it has come to its end
     */
    public Moving begin(TableFacts.Identity table, Yielding run) {
        Moving moving = new Moving(table, run);
        tables.add(table);
        runs.add(moving);
        return moving;
    }

    /**
     * What sets the pace of the runs whose jobs say nothing.
     *
     * @return one of each signal that is of the whole database
     */
    public List<Governor> governors() {
        return governors(usual, Optional.empty());
    }

    private List<Governor> governors(Policy policy, Optional<String> table) {
        List<Governor> governors = new ArrayList<>();
        policy.levels()
                .forEach((word, level) -> HealthSignal.of(word).ifPresent(signal -> {
                    if (signal == HealthSignal.LOCK_WAITS && table.isEmpty()) {
                        governors.add(panel.governor(word, NEVER, table));
                    } else if (isRead(signal, table.isPresent())) {
                        governors.add(panel.governor(word, level, table));
                    }
                }));
        return governors;
    }

    private static boolean isRead(HealthSignal signal, boolean ofTables) {
        return ofTables
                ? !HealthQueries.ofTables(signal).isEmpty()
                : HealthQueries.ofDatabase(signal, 0).isPresent();
    }

    private static Optional<Level> level(Policy policy, HealthSignal signal) {
        return Optional.ofNullable(policy.levels().get(signal.word()));
    }

    /**
     * What was read last.
     *
     * @param policy by which it is judged
     * @return of each signal that counts there
     */
    public List<SignalState> states(Policy policy) {
        List<SignalState> states = new ArrayList<>();
        policy.levels()
                .forEach((word, level) -> HealthSignal.of(word).ifPresent(signal -> {
                    SignalState state = panel.state(word, level);
                    states.add(signal == HealthSignal.LOCK_WAITS ? slowAtMost(state) : state);
                }));
        return states;
    }

    private static SignalState slowAtMost(SignalState state) {
        return new SignalState(
                state.signal(),
                state.age(),
                state.up(),
                state.readings().stream()
                        .map(reading -> new SignalReading(
                                reading.signal(),
                                reading.source(),
                                reading.value(),
                                reading.limit(),
                                reading.verdict() == Verdict.HOLD ? Verdict.SLOW : reading.verdict()))
                        .toList());
    }

    private Gauge gauge(HealthSignal signal) {
        return panel.gauge(signal.word());
    }

    private void readWhatIsDue() {
        boolean everything = all;
        all = false;
        asked().filter(signal -> everything || untilDue(signal).isZero()).forEach(this::read);
    }

    private Duration untilDue(HealthSignal signal) {
        Long last = read.get(signal);
        if (last == null) {
            return Duration.ZERO;
        }
        boolean isUrgent = gauge(signal).isUrgent();
        Duration every = isUrgent && signal.every().compareTo(URGENT) > 0 ? URGENT : signal.every();
        Duration seldom = signal.staleAfter().dividedBy(2);
        Duration interval = tables.isEmpty() && every.compareTo(seldom) < 0 ? seldom : every;
        Duration left = interval.minus(timing.since(last));
        return left.isNegative() ? Duration.ZERO : left;
    }

    private Duration untilNext() {
        return asked().map(this::untilDue).min(Duration::compareTo).orElse(URGENT);
    }

    private void read(HealthSignal signal) {
        long asked = timing.nanos();
        read.put(signal, asked);
        try {
            gauge(signal).read(probe().ask(signal, tables, asked), asked);
        } catch (SQLException e) {
            disconnect();
            gauge(signal).failed(SqlStates.message(e));
        } catch (RuntimeException fault) {
            disconnect();
            gauge(signal).failed("a fault of the program; its log says more");
            LOG.atError()
                    .addKeyValue("database", database.settings().name())
                    .addKeyValue("signal", signal.word())
                    .setCause(fault)
                    .log("reading a signal failed; runs hold, and it is tried again");
        }
    }

    /** What was learned from one look to the next is another server's after a reconnect. */
    private HealthProbe probe() throws SQLException {
        HealthProbe present = probe;
        if (present == null) {
            present = new HealthProbe(
                    session.open(), new Trend(database.settings().work().cores()));
            probe = present;
        }
        return present;
    }

    private void disconnect() {
        probe = null;
        session.close();
    }
}
