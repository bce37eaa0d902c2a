package dev.backfill.orchestrator.signals;

import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.gauges.Gauge;
import dev.backfill.orchestrator.gauges.Sample;
import dev.backfill.orchestrator.policy.Level;
import dev.backfill.orchestrator.signals.LockProbe.Victim;
import dev.backfill.orchestrator.throttle.ProbeSession;
import dev.backfill.orchestrator.throttle.Yielding;
import dev.backfill.orchestrator.timing.Bell;
import dev.backfill.orchestrator.timing.Stop;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks four times a second, while runs move, whether somebody waits for a batch of ours, and has the batch give way. One
 * thread looks.
 */
final class LockWatch {

    private static final Logger LOG = LoggerFactory.getLogger(LockWatch.class);
    private static final Duration BUSY = Duration.ofMillis(250);
    private static final Duration IDLE = Duration.ofSeconds(2);

    private final Database database;
    private final boolean always;
    private final Gauge gauge;
    private final Bell bell;
    private final ProbeSession session;
    private final Map<Yielding, Level> runs = new ConcurrentHashMap<>();

    /** Over a database; looks also while no run moves, or only while one does that wants to know. */
    LockWatch(Database database, boolean always, Gauge gauge) {
        this.database = database;
        this.always = always;
        this.gauge = gauge;
        this.bell = new Bell(gauge.timing());
        this.session = new ProbeSession(database);
    }

    /** A run moves; the level's hold says for how many seconds a session may wait for it, none that it does not care. */
    void begin(Yielding run, Optional<Level> level) {
        level.ifPresentOrElse(wanted -> runs.put(run, wanted), () -> runs.remove(run));
        bell.ring();
    }

    /** A run has come to its end. */
    void end(Yielding run) {
        runs.remove(run);
    }

    /** Looks until stopped. */
    void watch(Stop stop) {
        while (!stop.isRequested()) {
            if (always || !runs.isEmpty()) {
                look();
            }
            bell.await(runs.isEmpty() ? IDLE : BUSY);
        }
        session.close();
    }

    private void look() {
        long asked = gauge.timing().nanos();
        try {
            List<Victim> victims = LockProbe.ask(session.open());
            gauge.read(
                    List.of(new Sample(
                            "",
                            victims.isEmpty() ? 0 : victims.get(0).waited(),
                            victims.isEmpty() ? "" : victims.get(0).toString(),
                            Optional.empty())),
                    asked);
            victims.forEach(this::free);
        } catch (SQLException e) {
            session.close();
            gauge.failed(SqlStates.message(e));
        } catch (RuntimeException fault) {
            session.close();
            gauge.failed("a fault of the program; its log says more");
            LOG.atError()
                    .addKeyValue("database", database.settings().name())
                    .setCause(fault)
                    .log("looking who waits for batches failed; runs hold, and it is tried again");
        }
    }

    private void free(Victim victim) {
        runs.forEach((run, level) -> {
            if (hasWaitedEnough(victim, level)) {
                run.giveWay(victim.ours().process(), victim.ours().application(), victim.toString());
            }
        });
    }

    /** A batch that waits itself may be one half of a deadlock, whose victim would be whom the server chooses. */
    private static boolean hasWaitedEnough(Victim victim, Level level) {
        return victim.ours().waits() || victim.waited() > level.hold().orElse(Double.MAX_VALUE);
    }
}
