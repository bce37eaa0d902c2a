package dev.backfill.orchestrator.replication;

import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.policy.ReplicationLimits;
import dev.backfill.orchestrator.standbys.Attendance;
import dev.backfill.orchestrator.standbys.StandbyName;
import dev.backfill.orchestrator.standbys.StandbyStore;
import dev.backfill.orchestrator.throttle.Governor;
import dev.backfill.orchestrator.throttle.ProbeSession;
import dev.backfill.orchestrator.throttle.SignalState;
import dev.backfill.orchestrator.timing.Bell;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import dev.backfill.orchestrator.wal.OwnWal;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at the standbys of a database, on a connection of its own: four times a second while runs move, now and then while
 * none does, so that it knows who is expected. One thread looks; any may ask what was seen.
 */
public final class ReplicationWatch implements SignalGovernor.Sight {

    private static final Logger LOG = LoggerFactory.getLogger(ReplicationWatch.class);
    private static final Duration WHILE_NOBODY_ASKS = Duration.ofSeconds(5);
    private static final Duration READ_EXPECTED_AGAIN = Duration.ofSeconds(5);

    private static final Duration OF_READERS = Duration.ofSeconds(1);

    private record Rule(Signal signal, ReplicationLimits limits) {}

    private final Database database;
    private final ReplicationLimits limits;
    private final StandbyStore store;
    private final Timing timing;
    private final Supplier<Optional<Duration>> interval;
    private final Map<Rule, Governor> governors = new ConcurrentHashMap<>();
    private final Bell bell;
    private final Attendance attendance;
    private final ProbeSession session;
    private final OwnWal own;
    private @Nullable Judge judge;
    private boolean isAurora;
    private volatile long expectedRead;
    private volatile Optional<Standing> standing = Optional.empty();
    private volatile Optional<String> trouble = Optional.empty();

    /**
     * Over a database.
     *
     * @param database whose standbys are watched
     * @param timing how time passes
     * @param interval how often somebody wants to know; empty while nobody does
     * @param own what the runs of this process write
     */
    public ReplicationWatch(Database database, Timing timing, Supplier<Optional<Duration>> interval, OwnWal own) {
        this.database = database;
        this.limits = database.settings().work().throttle().policy().standbys();
        this.store = new StandbyStore(database);
        this.timing = timing;
        this.interval = interval;
        this.own = own;
        this.bell = new Bell(timing);
        this.attendance = new Attendance(limits.expected());
        this.session = new ProbeSession(database);
    }

    /** Looks until stopped. */
    public void watch(Stop stop) {
        while (!stop.isRequested()) {
            if (interval.get().isPresent()) {
                look();
            } else {
                disconnect();
            }
            Duration pause = interval.get().orElse(WHILE_NOBODY_ASKS);
            bell.await(isAurora && pause.compareTo(OF_READERS) < 0 ? OF_READERS : pause);
        }
        disconnect();
    }

    /**
     * What a role lacks to see the standbys.
     *
     * @param connection a session of that role
     * @return the GRANT; empty when it lacks nothing
     * @throws SQLException when the catalog cannot be read
     */
    public static Optional<String> missingRight(Connection connection) throws SQLException {
        return ReplicationProbe.missingRight(connection);
    }

    /** Looks at once, also for who is expected: a run begins to move, or a standby was forgotten. */
    public void wake() {
        expectedRead = 0;
        bell.ring();
    }

    /**
     * What sets the pace of a run. Whoever asks with the same limits has the same governors, so that a hold outlives who
     * asked.
     *
     * @param allowed what the run gives way to
     * @return one of each signal that is on
     */
    public List<Governor> governors(ReplicationLimits allowed) {
        return Stream.of(Signal.values())
                .filter(signal -> signal.isOn(allowed))
                .map(signal -> governors.computeIfAbsent(new Rule(signal, allowed), this::governor))
                .toList();
    }

    private Governor governor(Rule rule) {
        return rule.signal() == Signal.REPLICATION_DRAIN
                ? new DrainGovernor(rule.limits(), this, own)
                : new SignalGovernor(rule.signal(), rule.limits(), this);
    }

    @Override
    public Optional<Standing> standing() {
        return standing;
    }

    @Override
    public Optional<String> trouble() {
        return trouble;
    }

    @Override
    public long now() {
        return timing.nanos();
    }

    /**
     * What is read of the standbys now.
     *
     * @param allowed by which it is judged
     * @return each signal that is on
     */
    public List<SignalState> states(ReplicationLimits allowed) {
        Optional<Standing> seen = standing;
        return Readings.states(seen, allowed, seen.map(this::age));
    }

    /** What is watched, and what is allowed. */
    public ReplicationLimits limits() {
        return limits;
    }

    /** The standbys that are expected because they were seen. */
    public StandbyStore standbys() {
        return store;
    }

    private void look() {
        try {
            Connection open = session.open();
            Judge judging = judge(open);
            long asked = timing.nanos();
            ReplicationProbe.Answer answer = isAurora ? ReplicationProbe.askAurora(open) : ReplicationProbe.ask(open);
            Duration took = timing.since(asked);
            readExpected(asked);
            Judge.Verdict verdict = judging.judge(asked, took, answer);
            standing = Optional.of(verdict.standing());
            trouble = Optional.empty();
            verdict.newlyExpected().forEach(this::expect);
        } catch (SQLException | RuntimeException e) {
            disconnect();
            failed(e);
        }
    }

    private void failed(Exception e) {
        try {
            SqlStates.requireFromDatabase(e);
            trouble = Optional.of(SqlStates.message(e));
        } catch (RuntimeException fault) {
            trouble = Optional.of("a fault of the program; its log says more");
            LOG.atError()
                    .addKeyValue("database", database.settings().name())
                    .setCause(fault)
                    .log("looking at the standbys failed; runs hold, and it is tried again");
        }
    }

    private void expect(StandbyName name) {
        store.expect(name);
        attendance.learned(store.all());
        LOG.atInfo()
                .addKeyValue("database", database.settings().name())
                .addKeyValue("standby", name)
                .log("standby is expected from now on; runs hold while it is missing");
    }

    private void readExpected(long now) {
        if (expectedRead == 0 || timing.since(expectedRead).compareTo(READ_EXPECTED_AGAIN) > 0) {
            attendance.learned(store.all());
            expectedRead = now;
        }
    }

    /** What was learned of speeds and times is another server's after a reconnect. */
    private Judge judge(Connection open) throws SQLException {
        Judge present = judge;
        if (present == null) {
            isAurora = ReplicationProbe.isAurora(open);
            present = new Judge(attendance);
            judge = present;
        }
        return present;
    }

    private void disconnect() {
        judge = null;
        session.close();
    }
}
