package dev.backfill.orchestrator.registration;

import dev.backfill.api.JobDefinition;
import dev.backfill.orchestrator.db.Database;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/**
 * Which jobs of a database wait for which others. A job waits until the latest run of each that it names has succeeded, in the
 * same database. Safe for use by several threads.
 */
public final class Dependencies {

    /** One at a time, or two registrations could close a circle that neither sees. */
    private static final String LOCK = "SELECT pg_advisory_xact_lock(hashtext('backfill dependencies'), 0)";

    private static final String STEP = """
            FROM needed
            JOIN backfill.registration g ON g.job = needed.job AND g.active
            JOIN backfill.job j ON j.name = g.job AND j.revision = g.revision
            CROSS JOIN LATERAL jsonb_array_elements(coalesce(j.definition -> 'depends-on', '[]')) AS other
            """;

    private static final String NEEDS_ITSELF = """
            WITH RECURSIVE needed(job) AS (
                SELECT name FROM unnest(CAST(:others AS text[])) AS name
                UNION
                SELECT other ->> 'job'
            """ + STEP + ") SELECT EXISTS (SELECT FROM needed WHERE job = :job)";

    private static final String CIRCLE = """
            WITH RECURSIVE needed(job, path) AS (
                SELECT name, ARRAY[:job, name] FROM unnest(CAST(:others AS text[])) AS name
                UNION ALL
                SELECT other ->> 'job', needed.path || (other ->> 'job')
            """ + STEP + """
                WHERE needed.job <> :job AND NOT (other ->> 'job') = ANY (needed.path[2:])
            )
            SELECT array_to_string(path, ', which depends on ') FROM needed WHERE job = :job LIMIT 1
            """;

    private static final String UNMET = """
            SELECT name || CASE WHEN r.state IS NULL THEN ' has no run yet' ELSE ': its latest run is ' || r.state END
                   || CASE WHEN EXISTS (SELECT FROM backfill.registration g WHERE g.job = name AND g.active) THEN ''
                           ELSE ', and it is not registered' END
            FROM unnest(CAST(:others AS text[])) WITH ORDINALITY AS other(name, place)
            LEFT JOIN LATERAL (
                SELECT run.state FROM backfill.run AS run WHERE run.job = other.name ORDER BY created DESC, id DESC LIMIT 1
            ) AS r ON true
            WHERE r.state IS DISTINCT FROM 'SUCCEEDED'
            ORDER BY place
            """;

    private static final String UNKNOWN = """
            SELECT name FROM unnest(CAST(:others AS text[])) WITH ORDINALITY AS other(name, place)
            WHERE NOT EXISTS (SELECT FROM backfill.registration g WHERE g.job = name AND g.active)
              AND (SELECT r.state FROM backfill.run r WHERE r.job = name ORDER BY created DESC, id DESC LIMIT 1)
                  IS DISTINCT FROM 'SUCCEEDED'
            ORDER BY place
            """;

    /** What a circle is said with. */
    public static final String WAITING = "jobs would wait for each other for ever: ";

    /** A job would wait for itself. */
    public static final class CycleException extends RuntimeException {

        private static final long serialVersionUID = 1L;

        private CycleException(String circle) {
            super(WAITING + circle);
        }
    }

    private final Database database;

    /**
     * Over a database.
     *
     * @param database where the own tables are
     */
    public Dependencies(Database database) {
        this.database = database;
    }

    /**
     * The others that keep a run of a job from beginning.
     *
     * @param job the job
     * @return for each its name and what is the matter with it; empty when nothing keeps it
     */
    public List<String> unmet(JobDefinition job) {
        return ofOthers(UNMET, job);
    }

    /**
     * What is odd about the others that a job waits for.
     *
     * @param job the job
     * @return a sentence for each that is not registered and has never succeeded
     */
    public List<String> unknown(JobDefinition job) {
        return ofOthers(UNKNOWN, job).stream()
                .map(name -> "it depends on " + name
                        + ", which is not registered here: its runs wait until that is, and has succeeded")
                .toList();
    }

    private List<String> ofOthers(String sql, JobDefinition job) {
        List<String> others = job.execution().schedule().dependsOn();
        return others.isEmpty()
                ? List.of()
                : database.jdbi()
                        .withHandle(
                                handle -> handle.createQuery(database.tables().sql(sql))
                                        .bind("others", others.toArray(String[]::new))
                                        .mapTo(String.class)
                                        .list());
    }

    /**
     * The circle in which a job would wait for itself if it were registered now.
     *
     * @param job the job
     * @return the names along it; empty when there is none
     */
    public Optional<String> circle(JobDefinition job) {
        return job.execution().schedule().dependsOn().isEmpty()
                ? Optional.empty()
                : database.jdbi().withHandle(handle -> circle(handle, job));
    }

    private Optional<String> circle(Handle handle, JobDefinition job) {
        String[] others = job.execution().schedule().dependsOn().toArray(String[]::new);
        boolean needsItself = handle.createQuery(database.tables().sql(NEEDS_ITSELF))
                .bind("job", job.name())
                .bind("others", others)
                .mapTo(Boolean.class)
                .one();
        return needsItself
                ? handle.createQuery(database.tables().sql(CIRCLE))
                        .bind("job", job.name())
                        .bind("others", others)
                        .mapTo(String.class)
                        .findOne()
                : Optional.empty();
    }

    /** Refuses what would wait for itself; holds off others that could until the transaction ends. */
    void requireNoCircle(Handle handle, JobDefinition job) {
        if (!job.execution().schedule().dependsOn().isEmpty()) {
            handle.execute(LOCK);
            circle(handle, job).ifPresent(circle -> {
                throw new CycleException(circle);
            });
        }
    }
}
