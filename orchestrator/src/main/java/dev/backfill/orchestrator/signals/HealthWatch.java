package dev.backfill.orchestrator.signals;

import static java.util.Objects.requireNonNull;

import dev.backfill.orchestrator.config.DatabaseSettings;
import dev.backfill.orchestrator.config.DatabaseSettings.Level;
import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.db.TableFacts;
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

    private final Database database;
    private final Timing timing;
    private final Map<HealthSignal, Level> levels;
    private final Map<HealthSignal, Gauge> gauges = new EnumMap<>(HealthSignal.class);
    private final Set<HealthSignal> holding = EnumSet.noneOf(HealthSignal.class);
    private final Map<HealthSignal, Long> read = new EnumMap<>(HealthSignal.class);
    private final WatchedTables tables = new WatchedTables();
    private final Optional<LockWatch> locks;
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
        this.bell = new Bell(timing);
        this.session = new ProbeSession(database);
        this.levels = levels(database.settings());
        levels.keySet().forEach(signal -> gauges.put(signal, new Gauge(signal, timing)));
        this.locks = Optional.ofNullable(levels.get(HealthSignal.LOCK_WAITS))
                .map(level -> new LockWatch(database, level, gauge(HealthSignal.LOCK_WAITS)));
    }

    private static Map<HealthSignal, Level> levels(DatabaseSettings settings) {
        Map<HealthSignal, Level> levels = new EnumMap<>(HealthSignal.class);
        settings.work()
                .levels()
                .forEach((word, level) -> levels.put(HealthSignal.of(word).orElseThrow(), level));
        return levels;
    }

    /**
     * What has to run until it is stopped, each in a thread of its own.
     *
     * @return by what it does; none when every signal is off
     */
    public Map<String, Consumer<Stop>> loops() {
        Map<String, Consumer<Stop>> loops = new LinkedHashMap<>();
        locks.ifPresent(watch -> loops.put("locks", watch::watch));
        if (asked().findAny().isPresent()) {
            loops.put("health", this::watch);
        }
        return loops;
    }

    /** Those that are read here; for locks there is a loop of its own. */
    private Stream<HealthSignal> asked() {
        return levels.keySet().stream().filter(signal -> signal != HealthSignal.LOCK_WAITS);
    }

    private void watch(Stop stop) {
        while (!stop.isRequested()) {
            readWhatIsDue();
            bell.await(untilNext());
        }
        disconnect();
    }

    /**
     * A run begins to move: what is read of its table counts from now on, and everything is read at once.
     *
     * @param table its table
     * @param run how its batches give way
     */
    public void begin(TableFacts.Identity table, Yielding run) {
        locks.ifPresent(watch -> watch.begin(run));
        tables.add(table);
        all = true;
        bell.ring();
    }

    /**
     * A run has come to its end.
     *
     * @param table its table
     * @param run how its batches gave way
     */
    public void end(TableFacts.Identity table, Yielding run) {
        locks.ifPresent(watch -> watch.end(run));
        tables.remove(table);
    }

    /**
     * What sets the pace of every run.
     *
     * @return one of each signal that is of the whole database
     */
    public List<Governor> governors() {
        return governors(Optional.empty());
    }

    /**
     * What sets the pace of the runs over a table besides.
     *
     * @param table the table
     * @return one of each signal that is of tables
     */
    public List<Governor> governors(TableFacts.Identity table) {
        return governors(Optional.of(tables.nameOf(table)));
    }

    private List<Governor> governors(Optional<String> table) {
        List<Governor> governors = new ArrayList<>();
        levels.forEach((signal, level) -> {
            boolean wanted = table.isPresent()
                    ? !HealthQueries.ofTables(signal).isEmpty()
                    : HealthQueries.ofDatabase(signal, 0).isPresent();
            if (wanted) {
                governors.add(new LevelGovernor(gauge(signal), level, table));
            }
        });
        if (table.isEmpty() && locks.isPresent()) {
            Level seen = new Level(OptionalDouble.empty(), OptionalDouble.empty(), Double.MAX_VALUE);
            governors.add(
                    new LevelGovernor(gauge(HealthSignal.LOCK_WAITS), seen, table)); // batches give way, runs do not
        }
        return governors;
    }

    /**
     * What was read last.
     *
     * @return of each signal that is on
     */
    public List<SignalState> states() {
        List<SignalState> states = new ArrayList<>();
        levels.forEach((signal, level) -> {
            Gauge gauge = gauge(signal);
            states.add(new SignalState(
                    signal.word(),
                    gauge.age(),
                    gauge.current().isPresent(),
                    gauge.last().stream()
                            .map(sample -> reading(signal, sample, level))
                            .toList()));
        });
        return states;
    }

    private static SignalReading reading(HealthSignal signal, Sample sample, Level level) {
        Verdict verdict = LevelGovernor.isOver(sample, level)
                ? signal == HealthSignal.LOCK_WAITS ? Verdict.SLOW : Verdict.HOLD
                : signal.ratio(sample.value(), level) < 1 ? Verdict.SLOW : Verdict.GO;
        return new SignalReading(signal.word(), sample.source(), sample.value(), level.hold(), verdict);
    }

    private Gauge gauge(HealthSignal signal) {
        Gauge gauge = gauges.get(signal);
        if (gauge == null) {
            throw new IllegalStateException(signal.word() + " is off");
        }
        return gauge;
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
        boolean isUrgent = holding.contains(signal) || gauge(signal).trouble().isPresent();
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
            List<Sample> samples = probe().ask(signal, tables, asked);
            Level level = requireNonNull(levels.get(signal));
            gauge(signal).read(samples, asked);
            if (samples.stream().anyMatch(sample -> LevelGovernor.isOver(sample, level))) {
                holding.add(signal);
            } else {
                holding.remove(signal);
            }
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
