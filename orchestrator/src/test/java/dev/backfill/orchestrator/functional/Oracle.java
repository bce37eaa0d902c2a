package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;

/**
 * A table {@code t} in a schema, whose change is made by nothing that would notice a second time, and an {@code audit} of each change:
 * what is lost or done twice shows. An {@link Application} inserts, deletes and updates rows meanwhile.
 */
final class Oracle implements AutoCloseable {

    /** The job over the one in the schema {@code public}. */
    static final String JOB = "oracle";

    private static final String SLICES = "FROM backfill.slice s JOIN backfill.run r ON r.id = s.run WHERE r.job = '%s'";
    private static final Duration OFTEN = Duration.ofMillis(5);

    private volatile TestDatabase database;
    private final Place place;
    private final int rows;
    private final Application application;

    /**
     * One of several in a database.
     *
     * @param job the job over it
     * @param schema where its tables are
     */
    private record Place(String job, String schema) {

        String table() {
            return schema + ".t";
        }

        String audit() {
            return schema + ".audit";
        }
    }

    private Oracle(TestDatabase database, Place place, int rows, Duration rest) {
        this.database = database;
        this.place = place;
        this.rows = rows;
        this.application = Application.start(database, place.table(), rows, rest);
    }

    /** Creates the tables, with every other key of the range taken, and starts the application. */
    static Oracle create(TestDatabase database, int rows) throws SQLException {
        return create(database, new Place(JOB, "public"), rows, OFTEN);
    }

    /** The same in a new schema, for this job; each thread of the application rests so long between two writes. */
    static Oracle create(TestDatabase database, String job, int rows, Duration rest) throws SQLException {
        Place place = new Place(job, job.replace('-', '_'));
        database.execute("CREATE SCHEMA " + place.schema());
        return create(database, place, rows, rest);
    }

    private static Oracle create(TestDatabase database, Place place, int rows, Duration rest) throws SQLException {
        database.execute(
                "CREATE TABLE %s (id bigint PRIMARY KEY, counter int NOT NULL DEFAULT 0,".formatted(place.table())
                        + " late boolean NOT NULL DEFAULT false, other int NOT NULL DEFAULT 0)",
                "INSERT INTO %s SELECT g * 2 FROM generate_series(1, %d) AS g".formatted(place.table(), rows),
                "CREATE TABLE %s (id bigint NOT NULL)".formatted(place.audit()),
                "CREATE FUNCTION %1$s() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO %1$s VALUES (NEW.id); RETURN NULL; END'"
                        .formatted(place.audit()),
                "CREATE TRIGGER audit AFTER UPDATE ON %s FOR EACH ROW".formatted(place.table())
                        + " WHEN (OLD.counter IS DISTINCT FROM NEW.counter) EXECUTE FUNCTION "
                        + place.audit() + "()");
        return new Oracle(database, place, rows, rest);
    }

    /** The job, whose batches take at most so many keys and last at least so long. */
    String yaml(int keys, Duration batch) {
        return """
                version: 1
                job: %1$s
                table: %2$s
                range: { by: id, to: %3$d }
                sql: UPDATE %2$s SET counter = counter + 1 WHERE :range AND (SELECT pg_sleep(%4$s)) IS NOT NULL
                verify: { remaining: counter = 0 }
                parallelism: 2
                batch: { size: %5$d, min: %5$d, max: %5$d }
                """.formatted(place.job(), place.table(), last() + 1, batch.toMillis() / 1000.0, keys);
    }

    /** How many batches were committed. */
    long batches() throws SQLException {
        // Of the last migration: one in between could meet a query over two tables in a deadlock.
        return database.queryLong("SELECT count(to_regclass('backfill.quarantine_key'))") == 0
                ? 0
                : database.queryLong("SELECT coalesce(sum(s.batches), 0) " + SLICES.formatted(place.job()));
    }

    /** The schema of the tables. */
    String schema() {
        return place.schema();
    }

    /** The largest key of the range. */
    int last() {
        return rows * 2;
    }

    /** From now on the database is there: the application goes along. */
    void movesTo(TestDatabase elsewhere) {
        database = elsewhere;
        application.movesTo(elsewhere);
    }

    /** The application may meet these errors, and goes on. */
    void mayMeet(String... sqlStates) {
        application.mayMeet(sqlStates);
    }

    /** A fault is over: from now on the application has to have written again. */
    void faultIsOver() {
        application.faultIsOver();
    }

    /** The run has ended, and each row that was there for all of it was changed once, as the run itself says. */
    void assertExactlyOnce() throws Exception {
        assertEachRowOnce();
        assertThat(database.queryStrings("SELECT concat_ws(' ', r.state, p.remaining) FROM backfill.run r"
                        + " LEFT JOIN backfill.proof p ON p.run = r.id WHERE r.job = '" + place.job() + "'"))
                .containsExactly("SUCCEEDED 0");
    }

    /** Each row that was there for all of the run was changed once, as the run itself says. */
    void assertEachRowOnce() throws Exception {
        assertNoneTwice();
        String table = place.table();
        assertThat(database.queryLong(
                        "SELECT count(*) FROM %s WHERE NOT late AND id <= %d AND counter = 0".formatted(table, last())))
                .as("rows lost")
                .isZero();
        assertThat(database.queryLong(("SELECT count(*) FROM %s AS t WHERE NOT late AND id <= %d"
                                + " AND NOT EXISTS (SELECT FROM %s a WHERE a.id = t.id)")
                        .formatted(table, last(), place.audit())))
                .as("keys that the audit lacks")
                .isZero();
    }

    /** The run is over, however far it got: no row was changed twice, and the run itself says how many were. */
    void assertNoneTwice() throws Exception {
        application.endsWell();
        String audit = place.audit();
        assertThat(database.queryLong("SELECT count(*) FROM " + place.table() + " WHERE NOT late AND counter > 1"))
                .as("rows changed twice")
                .isZero();
        assertThat(database.queryLong(
                        "SELECT count(*) FROM (SELECT FROM " + audit + " GROUP BY id HAVING count(*) > 1) AS twice"))
                .as("keys that the audit has twice")
                .isZero();
        assertThat(database.queryLong("SELECT count(*) FROM " + audit + " WHERE id > " + last()))
                .as("changes beyond the range")
                .isZero();
        assertThat(database.queryStrings("SELECT sum(s.rows_changed) " + SLICES.formatted(place.job())))
                .as("changes by the run's account, and by the audit's")
                .isEqualTo(database.queryStrings("SELECT count(*) FROM " + audit));
    }

    @Override
    public void close() {
        application.close();
    }
}
