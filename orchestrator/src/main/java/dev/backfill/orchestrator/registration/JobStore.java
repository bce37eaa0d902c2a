package dev.backfill.orchestrator.registration;

import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.registry.LoadedJob;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** The registered jobs of a database. Safe for use by several threads. */
public final class JobStore {

    private record Known(int revision, String checksum) {}

    private final Database database;

    /**
     * Over a database.
     *
     * @param database where the own tables are
     */
    public JobStore(Database database) {
        this.database = database;
    }

    /**
     * Registers a job. The same content as the latest revision changes nothing; other content is a new revision.
     *
     * @param job the job
     * @param origin from where it came: {@code file} or {@code api}
     * @param who in whose name
     * @return the number of its revision, from 1
     */
    public int register(LoadedJob job, String origin, String who) {
        String insert = """
                INSERT INTO backfill.job (name, revision, definition, checksum, origin, registered_by)
                VALUES (:name, :revision, CAST(:definition AS jsonb), :checksum, :origin, :who)
                ON CONFLICT (name, revision) DO NOTHING
                """;
        while (true) {
            Optional<Integer> revision = database.jdbi().inTransaction(handle -> {
                Optional<Known> latest = latest(handle, job.definition().name());
                if (latest.filter(k -> k.checksum().equals(job.checksum())).isPresent()) {
                    return latest.map(Known::revision);
                }
                int next = latest.map(Known::revision).orElse(0) + 1;
                int added = handle.createUpdate(database.tables().sql(insert))
                        .bind("name", job.definition().name())
                        .bind("revision", next)
                        .bind("definition", job.canonical())
                        .bind("checksum", job.checksum())
                        .bind("origin", origin)
                        .bind("who", who)
                        .execute();
                return added > 0 ? Optional.of(next) : Optional.empty();
            });
            if (revision.isPresent()) {
                return revision.get();
            }
        }
    }

    private Optional<Known> latest(Handle handle, String name) {
        String sql = "SELECT revision, checksum FROM backfill.job WHERE name = :name ORDER BY revision DESC LIMIT 1";
        return handle.createQuery(database.tables().sql(sql))
                .bind("name", name)
                .map((row, context) -> new Known(row.getInt("revision"), row.getString("checksum")))
                .findOne();
    }
}
