package dev.backfill.orchestrator.watch;

import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.TableFacts;
import dev.backfill.orchestrator.outside.OutsideWatch;
import dev.backfill.orchestrator.policy.Level;
import dev.backfill.orchestrator.policy.Policy;
import dev.backfill.orchestrator.replication.ReplicationWatch;
import dev.backfill.orchestrator.replication.Signal;
import dev.backfill.orchestrator.signals.HealthSignal;
import dev.backfill.orchestrator.signals.HealthWatch;
import dev.backfill.orchestrator.signals.SignalRights;
import dev.backfill.orchestrator.throttle.Governor;
import dev.backfill.orchestrator.throttle.SignalState;
import dev.backfill.orchestrator.throttle.Yielding;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import dev.backfill.orchestrator.wal.OwnWal;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What is watched of a database: its standbys, the rest of its health, and the signals that its configuration defines. Safe
 * for use by several threads.
 */
public final class Watches {

    private static final Duration WHILE_RUNS_MOVE = Duration.ofMillis(250);
    private static final Duration WHILE_NONE_DOES = Duration.ofSeconds(5);

    private final Database database;
    private final Policy usual;
    private final OwnWal ownWal;
    private final ReplicationWatch replication;
    private final HealthWatch health;
    private final OutsideWatch outside;
    private final Set<Moving> runs = ConcurrentHashMap.newKeySet();

    /**
     * Over a database. Nothing is looked at yet.
     *
     * @param database which is watched, as its configuration says
     * @param timing how time passes
     */
    public Watches(Database database, Timing timing) {
        this.database = database;
        this.usual = database.settings().work().throttle().policy();
        this.ownWal = new OwnWal(timing);
        this.replication = new ReplicationWatch(database, timing, this::lookAtStandbys, ownWal);
        this.health = new HealthWatch(database, timing);
        this.outside = new OutsideWatch(database, timing);
    }

    /** A run that moves. Safe for use by several threads. */
    public final class Moving implements AutoCloseable {

        private final HealthWatch.Moving ofHealth;
        private final OutsideWatch.Moving ofOutside = outside.begin();
        private volatile Policy policy = usual;

        private final String job;

        private Moving(String job, TableFacts.Identity table, Yielding run) {
            this.job = job;
            this.ofHealth = health.begin(table, run);
        }

        /**
         * What sets its pace. What the policy wants to know is read from now on.
         *
         * @param wanted what it gives way to
         * @return the first of two that are equally strict tells the reason
         */
        public List<Governor> governors(Policy wanted) {
            policy = wanted;
            replication.wake();
            return Watches.this.governors(wanted, ofHealth.governors(wanted), ofOutside.governors(wanted));
        }

        /** It has come to its end. */
        @Override
        public void close() {
            runs.remove(this);
            ofOutside.close();
            ofHealth.close();
        }
    }

    /**
     * A run begins to move.
     *
     * @param job its job
     * @param table its table
     * @param run how its batches give way
     * @return to be closed when it has come to its end
     */
    public Moving begin(String job, TableFacts.Identity table, Yielding run) {
        Moving moving = new Moving(job, table, run);
        runs.add(moving);
        return moving;
    }

    /**
     * What sets the pace of the runs whose jobs say nothing.
     *
     * @return the first of two that are equally strict tells the reason
     */
    public List<Governor> governors() {
        return governors(usual, health.governors(), outside.governors());
    }

    private List<Governor> governors(Policy policy, List<Governor> ofHealth, List<Governor> ofOutside) {
        List<Governor> governors = new ArrayList<>(replication.governors(policy.standbys()));
        governors.addAll(ofHealth);
        governors.addAll(ofOutside);
        return governors;
    }

    /** What the batches of this process write to the server's log. */
    public OwnWal ownWal() {
        return ownWal;
    }

    /** What is seen of the standbys. */
    public ReplicationWatch replication() {
        return replication;
    }

    /**
     * What was read last.
     *
     * @param job by whose policy it is judged, where a run of it moves; empty for the usual one
     * @return of each signal that counts, also only for a run that moves
     */
    public List<SignalState> states(Optional<String> job) {
        Policy policy = runs.stream()
                .filter(run -> job.filter(run.job::equals).isPresent())
                .map(run -> run.policy)
                .findFirst()
                .orElseGet(this::all);
        return Stream.of(replication.states(policy.standbys()), health.states(policy), outside.states(policy))
                .flatMap(List::stream)
                .toList();
    }

    private Policy all() {
        Map<String, Level> levels = new LinkedHashMap<>(usual.levels());
        runs.forEach(run -> run.policy.levels().forEach(levels::putIfAbsent));
        return new Policy(usual.standbys(), levels);
    }

    /**
     * What has to run until it is stopped, each in a thread of its own.
     *
     * @return by what it does
     */
    public Map<String, Consumer<Stop>> loops() {
        Map<String, Consumer<Stop>> loops = new LinkedHashMap<>(health.loops());
        loops.put("standbys", replication::watch);
        loops.putAll(outside.loops());
        return loops;
    }

    /**
     * Why what a run has to give way to cannot be seen.
     *
     * @param why which right is missing, as half a sentence
     * @param help the GRANT, and how to do without
     */
    public record Blind(String why, String help) {}

    /**
     * Whether what a run has to give way to cannot be seen by who looks.
     *
     * @param policy what it gives way to
     * @return what to do about it; empty when it can be seen
     * @throws SQLException when the database cannot be reached or answers nothing
     */
    public Optional<Blind> blind(Policy policy) throws SQLException {
        Optional<Blind> blind = blindToTheServer(policy);
        return blind.isPresent()
                ? blind
                : outside.forbidden(policy).flatMap(signal -> inPart(Map.of(signal.word(), signal.why())));
    }

    private Optional<Blind> blindToTheServer(Policy policy) throws SQLException {
        List<String> on = new ArrayList<>(Stream.of(Signal.values())
                .filter(signal -> signal.isOn(policy.standbys()))
                .map(Signal::word)
                .toList());
        policy.levels().keySet().stream()
                .filter(word -> HealthSignal.of(word).isPresent())
                .forEach(on::add);
        if (on.isEmpty()) {
            return Optional.empty();
        }
        try (Connection connection = database.connectProbe()) {
            Optional<Blind> wholly = ReplicationWatch.missingRight(connection)
                    .map(grant -> new Blind(
                            "the role lacks pg_monitor",
                            grant + "; or turn its signals off in the configuration: throttle { "
                                    + String.join(" = off, ", on) + " = off }"));
            return wholly.isPresent() ? wholly : inPart(SignalRights.denied(connection, policy));
        }
    }

    /** All that is missing, in one message. */
    private Optional<Blind> inPart(Map<String, String> denied) {
        return denied.isEmpty()
                ? Optional.empty()
                : Optional.of(new Blind(
                        joined(denied.entrySet().stream().map(entry -> entry.getKey() + ": " + entry.getValue())),
                        "%s; or turn it off: throttle { %s = off }"
                                .formatted(
                                        joined(denied.values().stream().map(outside::grant)),
                                        String.join(" = off, ", denied.keySet()))));
    }

    private static String joined(Stream<String> parts) {
        return parts.distinct().collect(Collectors.joining("; "));
    }

    /** How often somebody wants to know how the standbys stand; empty while nobody does. */
    private Optional<Duration> lookAtStandbys() {
        if (runs.stream().anyMatch(run -> run.policy.standbys().isWatching())) {
            return Optional.of(WHILE_RUNS_MOVE);
        }
        return usual.standbys().isWatching() ? Optional.of(WHILE_NONE_DOES) : Optional.empty();
    }
}
