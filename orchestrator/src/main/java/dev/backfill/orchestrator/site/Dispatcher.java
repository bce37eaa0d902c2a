package dev.backfill.orchestrator.site;

import dev.backfill.orchestrator.db.ErrorClass;
import dev.backfill.orchestrator.db.SchemaMigrator.UnfitException;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.report.Tallies;
import dev.backfill.orchestrator.timing.Bell;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The daemon's loop over one database: makes its own tables ready, and drives the runs that are due. Its pulse is kept by
 * a thread of its own, which waits for no lock. A database that is away is tried again for ever.
 */
public final class Dispatcher {

    /** How a database stands with this daemon. */
    public enum Status {
        /** Not tried yet. */
        STARTING,
        /** Its runs are worked. */
        READY,
        /** It does not answer. */
        AWAY,
        /** It answers, but cannot be used as it is. */
        REFUSED
    }

    /**
     * How a database stands with this daemon, in words.
     *
     * @param status how
     * @param detail why; empty when it is ready
     */
    public record Standing(Status status, String detail) {}

    private static final Logger LOG = LoggerFactory.getLogger(Dispatcher.class);
    private static final Duration TICK = Duration.ofSeconds(1);
    private static final Duration BEAT = Duration.ofSeconds(1);
    private static final Duration SILENCE = Duration.ofSeconds(6);
    private static final Duration AFTER_A_FAULT = Duration.ofSeconds(5);
    private static final Duration SAID_AGAIN = Duration.ofMinutes(1);

    private final Site site;
    private final RunStarter starter;
    private final HoldKeeper holds;
    private final Runnable onReady;
    private final Timing timing;
    private final Bell bell;
    private final Stop stop;
    private final CountDownLatch tried = new CountDownLatch(1);
    private final Set<String> driven = ConcurrentHashMap.newKeySet();
    private final Map<String, Long> faulted = new ConcurrentHashMap<>();
    private volatile Standing standing = new Standing(Status.STARTING, "not tried yet");
    private long said;
    private boolean beating;

    /**
     * For one database.
     *
     * @param site the database
     * @param ears hear what happens to its runs
     * @param onReady called each time the database answers after it did not
     */
    public Dispatcher(Site site, Ears ears, Runnable onReady) {
        this.site = site;
        this.timing = site.host().timing();
        this.bell = new Bell(timing);
        this.stop = new Stop(timing);
        Tallies tallies = new Tallies(timing);
        this.starter = new RunStarter(site, ears, tallies, stop);
        this.holds = new HoldKeeper(site, ears, tallies);
        this.onReady = onReady;
    }

    /** The database. */
    public Site site() {
        return site;
    }

    /**
     * How the database stands. One that was ready and has been silent for a while is away, long before the statement that
     * waits for its answer gives up.
     */
    public Standing standing() {
        Standing last = standing;
        Duration silence = site.pulse().silence();
        boolean isSilent = silence.compareTo(SILENCE) > 0 && !stop.isRequested(); // with the work ends the pulse
        return last.status() == Status.READY && isSilent
                ? new Standing(Status.AWAY, "no answer for " + silence.toSeconds() + " s")
                : last;
    }

    /** Begins to look for runs. */
    public void start() {
        startThread("dispatcher " + site.name(), this::loop);
    }

    /** Looks for runs at once. */
    public void wake() {
        bell.ring();
    }

    /** Asks for an end at the next batch boundary of every run. */
    public void requestStop() {
        stop.request();
        bell.ring();
    }

    /**
     * Waits until the database was tried once.
     *
     * @param atMost how long
     */
    public void awaitFirstTry(Duration atMost) {
        timing.await(tried, atMost);
    }

    /**
     * Whether no run is driven here any more.
     *
     * @return true when the last one has ended
     */
    public boolean isIdle() {
        return driven.isEmpty();
    }

    private void loop() {
        while (!stop.isRequested()) {
            step();
            tried.countDown();
            bell.await(TICK);
        }
    }

    private void step() {
        try {
            holds.tell();
            if (standing.status() != Status.READY) {
                if (beating) {
                    site.requireOwnTables();
                } else {
                    site.migrate();
                }
                site.pulse().beat();
                site.queue().due(); // what cannot be asked this is not ready
                ready();
            }
            site.pulse().beat(); // nothing begins by a clock of yesterday
            writeHolds();
            driveWhatIsDue();
        } catch (UnfitException e) {
            away(Status.REFUSED, String.valueOf(e.getMessage()));
        } catch (SQLException | RuntimeException e) {
            fault(e);
        }
    }

    /** That the disk is full cannot be written down; the holds stay known here, and the database is no less there. */
    private void writeHolds() {
        try {
            holds.write();
        } catch (RuntimeException e) {
            if (SqlStates.state(e)
                    .map(SqlStates::classify)
                    .filter(ErrorClass.DISK_FULL::equals)
                    .isEmpty()) {
                throw e;
            }
            LOG.atDebug().setCause(e).log("holds are not written down while the disk is full");
        }
    }

    private void ready() {
        standing = new Standing(Status.READY, "");
        LOG.atInfo()
                .addKeyValue("database", site.name())
                .addKeyValue("address", site.address())
                .log("database is ready; its runs are worked");
        if (!beating) {
            beating = true;
            startThread("pulse " + site.name(), () -> beat(site.pulse(), stop));
            site.workshop().watchHealth(stop);
        }
        onReady.run();
    }

    private void fault(Exception e) {
        try {
            SqlStates.requireFromDatabase(e);
            switch (SqlStates.state(e).map(SqlStates::classify).orElse(ErrorClass.DATABASE_DOWN)) {
                case DATABASE_DOWN, SESSION_LOST, DENIED, RESOURCES, DISK_FULL ->
                    away(Status.AWAY, SqlStates.message(e));
                case LOCK, TIMEOUT -> delayed(SqlStates.message(e));
                case DATA, AGAIN, TOO_LARGE, PAUSE -> away(Status.REFUSED, SqlStates.message(e));
            }
        } catch (RuntimeException fault) {
            LOG.atError()
                    .addKeyValue("database", site.name())
                    .setCause(fault)
                    .log("looking for runs failed; tried again every second");
        }
    }

    /** The database answers; only this look was not done in time. */
    private void delayed(String why) {
        if (standing.status() != Status.READY) {
            standing = new Standing(standing.status(), why);
        }
        LOG.atWarn()
                .addKeyValue("database", site.name())
                .addKeyValue("reason", why)
                .log("looking for runs was held up by a lock on the own tables; tried again every second");
    }

    private void away(Status status, String why) {
        boolean news = standing.status() != status || !standing.detail().equals(why);
        standing = new Standing(status, why);
        if (news || timing.since(said).compareTo(SAID_AGAIN) > 0) {
            said = timing.nanos();
            LOG.atWarn()
                    .addKeyValue("database", site.name())
                    .addKeyValue("address", site.address())
                    .addKeyValue("reason", why)
                    .log(
                            status == Status.AWAY
                                    ? "database is away; its runs wait and go on by themselves, tried again every second"
                                    : "database cannot be used; tried again every second");
        }
    }

    private void driveWhatIsDue() {
        List<String> due = site.queue().due();
        for (String run : due) {
            Long fault = faulted.get(run);
            if (fault != null && timing.since(fault).compareTo(AFTER_A_FAULT) < 0) {
                continue;
            }
            if (!stop.isRequested() && driven.add(run)) {
                startThread("run " + run, () -> drive(run));
            }
        }
        for (String run : Set.copyOf(faulted.keySet())) {
            if (!due.contains(run)) {
                faulted.remove(run);
                site.holds().leave(run);
            }
        }
    }

    private void drive(String run) {
        try {
            if (starter.drive(run)) {
                site.holds().leave(run);
            } else {
                faulted.put(run, timing.nanos());
            }
        } finally {
            driven.remove(run);
        }
    }

    /** Keeps a pulse until stopped; a beat that fails is tried again. */
    static void beat(Pulse pulse, Stop stop) {
        while (!stop.sleep(BEAT)) {
            try {
                pulse.beat();
            } catch (RuntimeException e) {
                LOG.atDebug().setCause(e).log("no pulse; the workers say what is wrong with the database");
            }
        }
    }

    static void startThread(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }
}
