package dev.backfill.orchestrator.registration;

import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.registry.LoadedJob;
import java.util.Optional;

/** What daemons saw of jobs in their directories. Safe for use by several threads. */
public final class SightingStore {

    private final Database database;

    /**
     * Over a database.
     *
     * @param database where the own tables are
     */
    public SightingStore(Database database) {
        this.database = database;
    }

    /**
     * What a daemon saw last of a job in its directory.
     *
     * @param watcher the daemon's machine and directory
     * @param job the job's name
     * @return the checksum of the content; empty when it never saw the job
     */
    public Optional<String> sighting(String watcher, String job) {
        String sql = "SELECT checksum FROM backfill.file_sighting WHERE watcher = :watcher AND job = :job";
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(sql))
                        .bind("watcher", watcher)
                        .bind("job", job)
                        .mapTo(String.class)
                        .findOne());
    }

    /**
     * Writes down what a daemon sees of a job in its directory.
     *
     * @param watcher the daemon's machine and directory
     * @param job the job
     */
    public void seen(String watcher, LoadedJob job) {
        String sql = """
                INSERT INTO backfill.file_sighting (watcher, job, checksum) VALUES (:watcher, :job, :checksum)
                ON CONFLICT (watcher, job) DO UPDATE SET checksum = excluded.checksum, at = clock_timestamp()
                """;
        database.jdbi()
                .useHandle(handle -> handle.createUpdate(database.tables().sql(sql))
                        .bind("watcher", watcher)
                        .bind("job", job.definition().name())
                        .bind("checksum", job.checksum())
                        .execute());
    }
}
