package dev.backfill.orchestrator.outside;

import dev.backfill.orchestrator.addresses.LinkLocal;
import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.gauges.Panel;
import dev.backfill.orchestrator.outside.OutsideLoop.Interest;
import dev.backfill.orchestrator.policy.Outside;
import dev.backfill.orchestrator.policy.OutsideSignal;
import dev.backfill.orchestrator.policy.OutsideSignal.Http;
import dev.backfill.orchestrator.policy.OutsideSignal.Prometheus;
import dev.backfill.orchestrator.policy.OutsideSignal.Sql;
import dev.backfill.orchestrator.policy.Policy;
import dev.backfill.orchestrator.throttle.Governor;
import dev.backfill.orchestrator.throttle.SignalState;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * Reads the signals that the configuration of a database defines, each in a loop of its own, so that one that hangs delays
 * no other. Any thread may ask what was read.
 */
public final class OutsideWatch {

    private final Database database;
    private final Policy usual;
    private final Panel panel;
    private final Map<String, OutsideLoop> loops = new LinkedHashMap<>();
    private final Set<Moving> runs = ConcurrentHashMap.newKeySet();

    /**
     * Over a database. Nobody is asked yet.
     *
     * @param database whose configuration defines the signals
     * @param timing how time passes
     */
    public OutsideWatch(Database database, Timing timing) {
        this.database = database;
        Outside outside = database.settings().work().throttle().outside();
        this.usual = database.settings().work().throttle().policy();
        this.panel = new Panel(outside.signals().stream().map(OutsideVital::new).toList(), timing);
        for (OutsideSignal signal : outside.signals()) {
            String word = signal.word();
            loops.put(word, new OutsideLoop(panel.gauge(word), reader(signal, database, timing), () -> interest(word)));
        }
    }

    private static SignalReader reader(OutsideSignal signal, Database database, Timing timing) {
        if (signal.asked() instanceof Sql sql) {
            return new SqlReader(database, sql.query());
        }
        Set<InetAddress> listed =
                database.settings().work().throttle().outside().linkLocal();
        Exchange exchange = new Exchange(new LinkLocal(listed), timing);
        return signal.asked() instanceof Prometheus prometheus
                ? new PrometheusReader(exchange, prometheus)
                : new HttpReader(exchange, (Http) signal.asked());
    }

    /** A run that moves. Safe for use by several threads. */
    public final class Moving implements AutoCloseable {

        private volatile Policy policy = usual;

        private Moving() {}

        /**
         * What sets its pace. What the policy wants to know is read at once, and from now on.
         *
         * @param wanted what it gives way to
         * @return one of each signal
         */
        public List<Governor> governors(Policy wanted) {
            policy = wanted;
            runs.add(this);
            loops.forEach((word, loop) -> {
                if (wanted.levels().containsKey(word)) {
                    loop.hurry();
                }
            });
            return OutsideWatch.this.governors(wanted);
        }

        /** It has come to its end. */
        @Override
        public void close() {
            runs.remove(this);
        }
    }

    /**
     * A signal that may not be read.
     *
     * @param word its name
     * @param why what the server says
     */
    public record Forbidden(String word, String why) {}

    /**
     * Tries the queries that a run would give way to.
     *
     * @param policy what it gives way to
     * @return the first one that whoever looks lacks a right for; empty when there is none, whatever else is wrong
     */
    public Optional<Forbidden> forbidden(Policy policy) {
        for (OutsideSignal signal :
                database.settings().work().throttle().outside().signals()) {
            if (policy.levels().containsKey(signal.word()) && signal.asked() instanceof Sql sql) {
                try (SqlReader reader = new SqlReader(database, sql.query())) {
                    reader.read();
                } catch (UnreadableException e) {
                    if (e.isForbidden()) {
                        return Optional.of(new Forbidden(signal.word(), e.why()));
                    }
                }
            }
        }
        return Optional.empty();
    }

    /**
     * The GRANT that whoever looks lacks.
     *
     * @param why what the server says
     * @return as a statement, where the server names what may not be read
     */
    public String grant(String why) {
        return SqlReader.grant(why, role());
    }

    private String role() {
        return database.settings()
                .work()
                .monitor()
                .orElse(database.settings().login())
                .user()
                .orElse("the role that looks");
    }

    /**
     * A run begins to move.
     *
     * @return to be closed when it has come to its end
     */
    public Moving begin() {
        return new Moving();
    }

    /**
     * What has to run until it is stopped, each in a thread of its own.
     *
     * @return by the signals' names
     */
    public Map<String, Consumer<Stop>> loops() {
        Map<String, Consumer<Stop>> all = new LinkedHashMap<>();
        loops.forEach((word, loop) -> all.put("signal " + word, loop::watch));
        return all;
    }

    /**
     * What sets the pace of the runs whose jobs say nothing.
     *
     * @return one of each signal
     */
    public List<Governor> governors() {
        return governors(usual);
    }

    private List<Governor> governors(Policy policy) {
        List<Governor> governors = new ArrayList<>();
        policy.levels().forEach((word, level) -> {
            if (loops.containsKey(word)) {
                governors.add(panel.governor(word, level, Optional.empty()));
            }
        });
        return governors;
    }

    /**
     * What was read last.
     *
     * @param policy by which it is judged
     * @return of each signal that counts there
     */
    public List<SignalState> states(Policy policy) {
        return policy.levels().entrySet().stream()
                .filter(level -> loops.containsKey(level.getKey()))
                .map(level -> panel.state(level.getKey(), level.getValue()))
                .toList();
    }

    private Interest interest(String word) {
        if (runs.stream().anyMatch(run -> run.policy.levels().containsKey(word))) {
            return Interest.RUNS;
        }
        return usual.levels().containsKey(word) ? Interest.SOME : Interest.NONE;
    }
}
