package dev.backfill.orchestrator.signals;

import dev.backfill.orchestrator.config.DatabaseSettings.Level;
import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.signals.LockProbe.Victim;
import dev.backfill.orchestrator.throttle.ProbeSession;
import dev.backfill.orchestrator.throttle.Yielding;
import dev.backfill.orchestrator.timing.Bell;
import dev.backfill.orchestrator.timing.Stop;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
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
    private final Level level;
    private final Gauge gauge;
    private final Bell bell;
    private final ProbeSession session;
    private final Set<Yielding> runs = ConcurrentHashMap.newKeySet();

    /** Over a database; the level's hold says for how many seconds a session may wait. */
    LockWatch(Database database, Level level, Gauge gauge) {
        this.database = database;
        this.level = level;
        this.gauge = gauge;
        this.bell = new Bell(gauge.timing());
        this.session = new ProbeSession(database);
    }

    /** A run begins to move. */
    void begin(Yielding run) {
        runs.add(run);
        bell.ring();
    }

    /** A run has come to its end. */
    void end(Yielding run) {
        runs.remove(run);
    }

    /** Looks until stopped. */
    void watch(Stop stop) {
        while (!stop.isRequested()) {
            look();
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
            victims.stream().filter(this::hasWaitedEnough).forEach(this::free);
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

    /** A batch that waits itself may be one half of a deadlock, whose victim would be whom the server chooses. */
    private boolean hasWaitedEnough(Victim victim) {
        return victim.ours().waits() || victim.waited() > level.hold().orElse(Double.MAX_VALUE);
    }

    private void free(Victim victim) {
        runs.forEach(run -> run.giveWay(victim.ours().process(), victim.ours().application(), victim.toString()));
    }
}
