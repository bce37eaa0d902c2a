package dev.backfill.orchestrator.schedule;

import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.registration.RegisteredJob;
import dev.backfill.orchestrator.timing.Bell;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.quartz.SchedulerException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes runs begin when they should: sets the alarms, hears them, and looks for itself what is due when the databases'
 * clocks come to the next planned start, at least every half a minute, so that nothing hangs on an alarm. Safe for use by
 * several threads.
 */
public final class Planner implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Planner.class);
    private static final Duration LOOK = Duration.ofSeconds(30);
    private static final Duration LONGEST_REST = Duration.ofSeconds(1);
    private static final int RESTS_FOR_A_LOOK = 4;

    /**
     * What a planner works with.
     *
     * @param ready the databases that answer now
     * @param alarms opens the sessions of the database that holds the alarms; null while that is away
     * @param instance the name of this daemon among all, unique
     * @param added told the name of a database to which a run was added
     */
    public record Surroundings(
            Supplier<List<Starts>> ready,
            Supplier<@Nullable DataSource> alarms,
            String instance,
            Consumer<String> added) {}

    private final Surroundings around;
    private final Timing timing;
    private final Bell bell;
    private final Stop stop;
    private @Nullable AlarmClock clock;

    /**
     * Plans nothing before it is started.
     *
     * @param around what it works with
     * @param timing how time passes
     */
    public Planner(Surroundings around, Timing timing) {
        this.around = around;
        this.timing = timing;
        this.bell = new Bell(timing);
        this.stop = new Stop(timing);
    }

    /** Begins. */
    public void start() {
        Thread thread = new Thread(this::loop, "planner");
        thread.setDaemon(true);
        thread.start();
    }

    /** Looks at once: a job or a database has changed. */
    public void wake() {
        bell.ring();
    }

    private void loop() {
        while (!stop.isRequested()) {
            long begun = timing.nanos();
            Duration pause = look();
            Duration rest = rest(timing.since(begun), pause);
            stop.sleep(rest);
            bell.await(pause.minus(rest));
        }
    }

    /** A look takes as long as there are many jobs: while they pour in it is better not one look a job. */
    private static Duration rest(Duration look, Duration atMost) {
        return Stream.of(look.multipliedBy(RESTS_FOR_A_LOOK), LONGEST_REST, atMost)
                .min(Comparator.naturalOrder())
                .orElseThrow();
    }

    /** Does what is due; says for how long there is nothing to do. */
    private Duration look() {
        Duration pause = LOOK;
        try {
            openClock();
            for (Starts starts : around.ready().get()) {
                pause = plan(starts, pause);
            }
            freeAlarms();
        } catch (RuntimeException e) {
            LOG.atError().setCause(e).log("looking for planned starts failed; tried again in 30 s");
        }
        return pause;
    }

    /** Does what is due in a database; says for how long there is nothing to do. */
    private Duration plan(Starts starts, Duration atMost) {
        Duration pause = atMost;
        try {
            List<RegisteredJob> jobs = starts.jobs().all();
            if (starts.startWhatIsDue(jobs)) {
                around.added().accept(starts.database());
            }
            pause = starts.untilNext(jobs, atMost);
            AlarmClock alarms = clock();
            if (alarms != null) {
                alarms.set(starts.database(), jobs, starts.now());
            }
        } catch (SchedulerException e) {
            LOG.atWarn()
                    .addKeyValue("database", starts.database())
                    .addKeyValue("reason", e.getMessage())
                    .log("alarms could not be set; starts are looked for without them");
        } catch (RuntimeException e) {
            report(starts.database(), e);
        }
        return pause;
    }

    private void freeAlarms() {
        DataSource sessions = clock() == null ? null : around.alarms().get();
        if (sessions == null) {
            return;
        }
        try {
            int freed = new AlarmWatch(sessions).free();
            if (freed > 0) {
                LOG.atWarn().addKeyValue("alarms", freed).log("alarms were stuck in their store and are free again");
            }
        } catch (SQLException e) {
            LOG.atDebug().setCause(e).log("stuck alarms could not be looked for");
        }
    }

    private void rung(String database, String job) {
        around.ready().get().stream()
                .filter(starts -> starts.database().equals(database))
                .forEach(starts -> {
                    try {
                        if (starts.rung(job)) {
                            around.added().accept(database);
                        }
                    } catch (RuntimeException e) {
                        report(database, e);
                    }
                });
    }

    private static void report(String database, RuntimeException e) {
        try {
            SqlStates.requireFromDatabase(e);
            LOG.atWarn()
                    .addKeyValue("database", database)
                    .addKeyValue("reason", SqlStates.message(e))
                    .log("planned starts could not be looked for; they are caught up");
        } catch (RuntimeException fault) {
            LOG.atError().addKeyValue("database", database).setCause(fault).log("looking for planned starts failed");
        }
    }

    private void openClock() {
        if (clock() != null) {
            return;
        }
        DataSource sessions = around.alarms().get();
        if (sessions == null) {
            return;
        }
        try {
            AlarmClock opened = AlarmClock.start(sessions, around.instance(), this::rung);
            synchronized (this) {
                clock = opened;
            }
        } catch (SchedulerException e) {
            LOG.atWarn()
                    .addKeyValue("reason", e.getMessage())
                    .log("the scheduler could not be started; tried again in 30 s");
        }
    }

    private synchronized @Nullable AlarmClock clock() {
        return clock;
    }

    @Override
    public void close() {
        stop.request();
        bell.ring();
        AlarmClock open = clock();
        if (open != null) {
            try {
                open.close();
            } catch (SchedulerException e) {
                LOG.atDebug().setCause(e).log("the scheduler could not be closed");
            }
        }
    }
}
