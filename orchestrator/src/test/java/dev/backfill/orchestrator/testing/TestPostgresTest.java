package dev.backfill.orchestrator.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TestPostgresTest {

    @ParameterizedTest
    @MethodSource("dev.backfill.orchestrator.testing.TestPostgres#versions")
    void every_supported_version_runs_with_the_settings_of_an_ordinary_server(int major) throws SQLException {
        try (TestDatabase database = TestPostgres.version(major).newDatabase()) {
            assertThat(database.queryLong("SELECT current_setting('server_version_num')::int / 10000"))
                    .isEqualTo(major);
            assertThat(database.queryStrings("SHOW deadlock_timeout")).containsExactly("1s");
            assertThat(database.queryStrings("SHOW synchronous_commit")).containsExactly("on");
        }
    }

    @Test
    void a_database_goes_with_its_connections_its_prepared_transactions_and_its_roles() throws SQLException {
        TestDatabase database = TestPostgres.newest().newDatabase();
        TestRole role = database.newRole();
        try (Connection connection = database.connect(role)) {
            database.execute("CREATE TABLE t (id int)");
            try (Connection other = database.connect()) {
                other.createStatement().execute("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'left'");
            }
            database.close();

            assertThat(connection.isValid(5)).isFalse();
        }
        try (TestDatabase next = TestPostgres.newest().newDatabase()) {
            assertThat(next.queryStrings("SELECT datname FROM pg_database")).doesNotContain(database.name());
            assertThat(next.queryStrings("SELECT rolname FROM pg_roles")).doesNotContain(role.name());
        }
    }

    @Test
    void a_server_with_passwords_refuses_a_wrong_one() throws SQLException {
        try (TestDatabase database = TestPostgres.withPasswords().newDatabase()) {
            TestRole role = database.newRole();
            database.connect(role).close();

            assertThatThrownBy(() -> database.connect(new TestRole(role.name(), "wrong")))
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("28P01"));
        }
    }
}
