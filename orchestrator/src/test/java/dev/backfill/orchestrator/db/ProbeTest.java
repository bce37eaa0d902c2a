package dev.backfill.orchestrator.db;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.backfill.orchestrator.sql.SqlFragment;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.sql.Connection;
import java.sql.Statement;
import org.junit.jupiter.api.Test;

class ProbeTest {

    @Test
    void a_plan_that_takes_too_long_leaves_nothing_prepared_on_the_session() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase();
                Connection connection = database.connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("CREATE FUNCTION slow() RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
                    + " 'BEGIN PERFORM pg_sleep(60); RETURN 1; END'");
            statement.execute("SET LOCAL statement_timeout = 200");
            SqlFragment slow = SqlFragment.builder().code("SELECT slow()").build();
            Probe probe = new Probe(connection);

            assertThatThrownBy(() -> probe.refusal(slow, true)).hasFieldOrPropertyWithValue("SQLState", "57014");

            assertThat(probe.strings("SELECT name FROM pg_prepared_statements WHERE name = 'backfill_check'"))
                    .isEmpty();
        }
    }
}
