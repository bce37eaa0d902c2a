package dev.backfill.orchestrator.registration;

import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.registry.JobFiles;
import dev.backfill.orchestrator.registry.LoadedJob;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** Every revision that there was of the jobs of a database. Safe for use by several threads. */
public final class RevisionStore {

    private static final int MOST_KNOWN = 20_000;

    /** Numbers are given out anew after a restore or a failover; only the definition says what a revision is. */
    private record Revision(String job, int number, String definition) {}

    private record Latest(int number, String checksum) {}

    /** A definition that this version of the program cannot read: a newer one has written it. */
    public static final class UnreadableException extends RuntimeException {

        private static final long serialVersionUID = 1L;

        UnreadableException(String message) {
            super(message);
        }
    }

    private final Database database;
    private final JobFiles files;
    private final Map<Revision, LoadedJob> known = Collections.synchronizedMap(new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Revision, LoadedJob> eldest) {
            return size() > MOST_KNOWN;
        }
    });

    /**
     * Over a database.
     *
     * @param database where the own tables are
     * @param files reads stored definitions
     */
    public RevisionStore(Database database, JobFiles files) {
        this.database = database;
        this.files = files;
    }

    /**
     * Writes down a revision without registering it: for a run in the foreground. The content of the latest revision is
     * not written again.
     *
     * @param job the job
     * @param who in whose name
     * @return the number of its revision, from 1
     */
    public int add(LoadedJob job, String who) {
        return database.jdbi().inTransaction(handle -> add(handle, job, "file", who));
    }

    /**
     * The content of a revision.
     *
     * @param job the job's name
     * @param revision its number
     * @return the job as it was registered or run then
     * @throws UnreadableException when this version of the program cannot read it
     */
    public LoadedJob find(String job, int revision) {
        return read(job, revision, text(job, revision));
    }

    private String text(String job, int revision) {
        String sql = "SELECT definition::text FROM backfill.job WHERE name = :job AND revision = :revision";
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(sql))
                        .bind("job", job)
                        .bind("revision", revision)
                        .mapTo(String.class)
                        .one());
    }

    LoadedJob read(String job, int revision, String definition) {
        return known.computeIfAbsent(new Revision(job, revision, definition), key -> {
            String name = job + " revision " + revision;
            JobFiles.Content content = files.read(name, definition.getBytes(StandardCharsets.UTF_8));
            if (!content.problems().isEmpty()) {
                throw new UnreadableException("this version of the program cannot use "
                        + content.problems().get(0).display());
            }
            return content.jobs().get(0);
        });
    }

    int add(Handle handle, LoadedJob job, String origin, String who) {
        String insert = """
                INSERT INTO backfill.job (name, revision, definition, checksum, origin, registered_by)
                VALUES (:name, :revision, CAST(:definition AS jsonb), :checksum, :origin, :who)
                ON CONFLICT (name, revision) DO NOTHING
                """;
        String name = job.definition().name();
        while (true) {
            Optional<Latest> last = latest(handle, name);
            if (last.filter(l -> l.checksum().equals(job.checksum())).isPresent()) {
                return last.get().number();
            }
            int next = last.map(Latest::number).orElse(0) + 1;
            int added = handle.createUpdate(database.tables().sql(insert))
                    .bind("name", name)
                    .bind("revision", next)
                    .bind("definition", job.canonical())
                    .bind("checksum", job.checksum())
                    .bind("origin", origin)
                    .bind("who", who)
                    .execute();
            if (added > 0) {
                return next;
            }
        }
    }

    private Optional<Latest> latest(Handle handle, String job) {
        String sql = "SELECT revision, checksum FROM backfill.job WHERE name = :job ORDER BY revision DESC LIMIT 1";
        return handle.createQuery(database.tables().sql(sql))
                .bind("job", job)
                .map((row, context) -> new Latest(row.getInt("revision"), row.getString("checksum")))
                .findOne();
    }
}
