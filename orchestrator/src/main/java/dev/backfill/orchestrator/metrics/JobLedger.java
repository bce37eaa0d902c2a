package dev.backfill.orchestrator.metrics;

import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What this process counts, by job and database. Safe for use by several threads.
 *
 * <p>Jobs come and go under one lock, so that none is forgotten while a worker comes to it.
 */
final class JobLedger {

    private final MeterRegistry registry;
    private final Map<Key, JobMeters> jobs = new ConcurrentHashMap<>();

    JobLedger(MeterRegistry registry) {
        this.registry = registry;
    }

    /**
     * A job in a database.
     *
     * @param job the job's name
     * @param database the database's configured name
     */
    record Key(String job, String database) {}

    /** The meters of a job, made on first use. Looked up each time: a job that was forgotten begins at 0 again. */
    JobMeters of(Key key) {
        JobMeters found = jobs.get(key);
        return found == null ? made(key) : found;
    }

    /** A worker has come to the job or has left it. */
    synchronized void worker(Key key, boolean working) {
        made(key).worker(working);
    }

    /** The job has stood still. */
    synchronized void held(Key key, String reason, Duration time) {
        made(key).held(reason, time);
    }

    /** Forgets the jobs of a database that are not among these and that no worker of this process is on. */
    synchronized void retain(String database, Set<String> names) {
        jobs.entrySet().removeIf(entry -> {
            Key key = entry.getKey();
            boolean gone = key.database().equals(database)
                    && !names.contains(key.job())
                    && entry.getValue().isIdle();
            if (gone) {
                entry.getValue().remove();
            }
            return gone;
        });
    }

    private synchronized JobMeters made(Key key) {
        return jobs.computeIfAbsent(key, absent -> new JobMeters(registry, absent.job(), absent.database()));
    }
}
