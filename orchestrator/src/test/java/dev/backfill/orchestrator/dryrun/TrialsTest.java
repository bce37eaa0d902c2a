package dev.backfill.orchestrator.dryrun;

import static dev.backfill.orchestrator.dryrun.Workbench.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.backfill.orchestrator.batch.Change;
import dev.backfill.orchestrator.batch.SqlChange;
import dev.backfill.orchestrator.db.ErrorClass;
import dev.backfill.orchestrator.db.SqlStates.ProcessorException;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyRange;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Batches that are tried: what is seen of them, and what comes of those that fail. */
class TrialsTest {

    private static final String BY_ID = "{ by: id }";
    private static final String COUNT = "sql: UPDATE t SET n = n + 1 WHERE :range\nverify: { remaining: n = 0 }";
    private static final String MOVE = "CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS"
            + " 'BEGIN NEW.id := NEW.id + 100000; RETURN NEW; END'";
    private static final String MOVE_7 =
            "CREATE TRIGGER move BEFORE UPDATE ON t FOR EACH ROW WHEN (OLD.id = 7) EXECUTE FUNCTION move()";

    private Workbench bench;

    @BeforeEach
    void create() throws SQLException {
        bench = new Workbench(3_000);
    }

    @AfterEach
    void close() throws SQLException {
        bench.close();
    }

    @Test
    void what_a_statement_deletes_is_warned_of_and_what_it_moves_is_refused() throws SQLException {
        bench.database().execute("CREATE TABLE archive (id int)");
        String archive = "sql: WITH gone AS (DELETE FROM t WHERE :range AND id % 2 = 0 RETURNING id)"
                + " INSERT INTO archive SELECT id FROM gone\nverify: { remaining: id % 2 = 0 }";
        Forecast deleting = bench.sample(bench.job(BY_ID, archive));
        assertThat(deleting.movesKeys()).isFalse();
        assertThat(text(deleting))
                .contains(" keys are gone after the change, such as 2, 4, 6, 8, 10: deleted, or moved along")
                .doesNotContain("REFUSED");

        bench.database().execute(MOVE, MOVE_7);
        Forecast moving = bench.sample(bench.job(BY_ID, COUNT));
        assertThat(moving.movesKeys()).isTrue();
        assertThat(text(moving)).contains("REFUSED: the change moves rows along the key, 1 of these, such as 7:");
    }

    @Test
    void a_job_that_deletes_is_not_warned_of_the_keys_that_are_gone() throws SQLException {
        Forecast forecast = bench.sample(bench.job(BY_ID, "delete: { where: id % 2 = 0 }"));
        assertThat(forecast.trials().samples()).hasSize(5);
        assertThat(text(forecast)).doesNotContain("gone", "REFUSED", "WARNING");
    }

    @Test
    void what_others_delete_meanwhile_is_not_taken_for_moved() throws SQLException {
        bench.database().execute(MOVE, MOVE_7);
        JobStatement job = bench.job(BY_ID, "update: { set: { n: n + 1 }, where: n = 0 }");
        Forecast forecast = bench.sample(job, by -> new Hooked(by) {
            @Override
            void before() throws SQLException {
                bench.database().execute("DELETE FROM t WHERE id IN (8, 9)");
            }
        });
        assertThat(forecast.gone()).containsExactly(Key.of("7"));
    }

    @Test
    void rows_that_a_processor_deletes_are_warned_of() throws SQLException {
        JobStatement job = bench.job(BY_ID, "processor: { type: com.example.Sweep }\nverify: { remaining: n = 0 }");
        String[] run = new String[1];
        Forecast forecast = bench.sample(job, by -> new Hooked(by) {
            @Override
            public long make(Connection connection, Request request) throws SQLException {
                run[0] = request.run();
                try (Statement statement = connection.createStatement()) {
                    return statement.executeUpdate("DELETE FROM t WHERE id BETWEEN 3 AND 5");
                }
            }
        });
        assertThat(UUID.fromString(run[0]).version()).isEqualTo(7);
        assertThat(forecast.movesKeys()).isFalse();
        assertThat(text(forecast))
                .contains("by its range, a batch's rows are found by t_pkey; what the processor reads is its own:")
                .contains("WARNING: 3 keys are gone after the change, such as 3, 4, 5");
    }

    @Test
    void batches_that_fail_are_told_and_the_others_are_tried() throws SQLException {
        String work =
                "update: { set: { n: \"CASE WHEN id = 2900 THEN length(pg_sleep(5)::text) ELSE 1 / (id - 1700) END\" },"
                        + " where: n = 0 }\nerrors: { lock-timeout: 100ms, statement-timeout: 800ms, quarantine: %d }";
        try (Connection other = bench.database().connect();
                Statement locking = other.createStatement()) {
            other.setAutoCommit(false);
            locking.execute("SELECT FROM t WHERE id = 7 FOR UPDATE");
            try (Statement setting = bench.connection().createStatement()) {
                setting.execute("SET lock_timeout = '100ms'");
                bench.connection().commit();
            }
            Forecast forecast = bench.sample(bench.job(BY_ID, work.formatted(0)));
            assertThat(text(forecast))
                    .contains("at the start (keys 1 to 500): canceling statement due to lock timeout (SQLSTATE 55P03);"
                            + " a run would try again with fewer keys")
                    .contains("at the end (keys 2501 to 3000): canceling statement due to statement timeout (SQLSTATE"
                            + " 57014); a run would cut the batch smaller")
                    .containsPattern(
                            "at 1/2 of the range \\(keys 15.. to 20..\\): division by zero \\(SQLSTATE 22012\\);"
                                    + " a run would look for the row and pause there")
                    .contains("at 1/4 of the range: 500 keys, ", "at 3/4 of the range: 500 keys, ")
                    .contains("by what these batches took");
            assertThat(forecast.wouldPause()).isTrue();

            Forecast patient = bench.sample(bench.job(BY_ID, work.formatted(5)));
            assertThat(patient.wouldPause()).isFalse();
            assertThat(text(patient)).contains("and set it aside, within errors.quarantine = 5");
        }
    }

    @Test
    void what_a_run_would_do_about_it_is_told_for_each_error() throws SQLException {
        Deque<ErrorClass> errors = new ArrayDeque<>(List.of(
                ErrorClass.AGAIN, ErrorClass.TOO_LARGE, ErrorClass.RESOURCES, ErrorClass.DATA, ErrorClass.PAUSE));
        JobStatement job = bench.job(BY_ID, COUNT + "\nerrors: { quarantine: 5 }");
        Forecast forecast = bench.sample(job, by -> new Hooked(by) {
            @Override
            void before() throws SQLException {
                throw new ProcessorException(errors.getFirst(), "it met " + errors.removeFirst());
            }
        });
        assertThat(text(forecast))
                .contains("it met AGAIN; a run would try again later\n")
                .contains("it met TOO_LARGE; a run would cut the batch smaller\n")
                .contains("it met RESOURCES; a run would cut the batch smaller\n")
                .contains("it met DATA; a run would look for the row and set it aside, within errors.quarantine = 5\n")
                .contains("it met PAUSE; a run would pause\n");
        assertThat(forecast.wouldPause()).isTrue();
    }

    @Test
    void where_nothing_went_through_no_more_samples_are_recommended() throws SQLException {
        String change = "update: { set: { n: 1 / (n - n) }, where: n = 0 }";
        assertThat(text(bench.sample(bench.job(BY_ID, change))))
                .contains("none of the batches that were tried went through", "a guess from the size of the rows")
                .doesNotContain("--sample", "no batch that was tried changed a row");

        String nothing = "update: { set: { n: n + 1 }, where: n > 0 }";
        assertThat(text(bench.sample(bench.job(BY_ID, nothing))))
                .contains("WARNING: no batch that was tried changed a row");
    }

    @Test
    void what_is_deferred_to_the_end_of_a_batch_is_part_of_it() throws SQLException {
        bench.database()
                .execute(
                        "CREATE TABLE p (id int PRIMARY KEY)",
                        "INSERT INTO p VALUES (0)",
                        "ALTER TABLE t ADD FOREIGN KEY (n) REFERENCES p DEFERRABLE INITIALLY DEFERRED");
        Forecast forecast = bench.sample(bench.job(BY_ID, COUNT));
        assertThat(forecast.trials().failures()).hasSize(5);
        assertThat(text(forecast)).contains("violates foreign key constraint \"t_n_fkey\" (SQLSTATE 23503)");
    }

    @Test
    void what_takes_long_to_look_at_is_left_unseen() throws SQLException {
        bench.database().execute(MOVE, MOVE_7);
        JobStatement job =
                bench.job("{ by: id, to: 400 }", COUNT.replace("n = 0", "n = 1 AND pg_sleep(60) IS NOT NULL"));
        Forecast forecast = bench.sample(job);
        assertThat(forecast.gone()).containsExactly(Key.of("7"));
        assertThat(text(forecast))
                .contains("could not be seen: whether its rows still meet `remaining`: canceling statement due to")
                .contains("RowExclusiveLock on t");

        Looks looks = new Looks(bench.connection(), job, new KeyRange(new KeyRange.Start(), Key.of("3000")));
        looks.before(100_001);
        looks.after("now");
        assertThat(looks.back().unseen()).contains("whether its keys stay, for they are more than 100,000");
    }

    @Test
    void a_connection_that_is_lost_ends_everything() throws SQLException {
        JobStatement job = bench.job(BY_ID, COUNT);
        assertThatThrownBy(() -> bench.sample(job, by -> new Hooked(by) {
                    @Override
                    void before() throws SQLException {
                        bench.database()
                                .execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                        + " WHERE pid <> pg_backend_pid() AND datname = current_database()");
                    }
                }))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("terminating connection");
    }

    /** What a job's statement does, after something else. */
    private abstract static class Hooked implements Change {

        private final SqlChange change;

        Hooked(JobStatement job) {
            change = new SqlChange(job);
        }

        void before() throws SQLException {}

        @Override
        public long make(Connection connection, Request request) throws SQLException {
            before();
            return change.make(connection, request);
        }

        @Override
        public void cancel() {}

        @Override
        public void watch() {}

        @Override
        public void close() {}
    }
}
