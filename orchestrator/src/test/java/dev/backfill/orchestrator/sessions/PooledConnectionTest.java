package dev.backfill.orchestrator.sessions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.Savepoint;
import java.sql.Statement;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.PGConnection;

/** One session stands for all that a pooler has: what is found on it afterwards, others would find. */
class PooledConnectionTest {

    private static final Parameters SETTINGS = Parameters.none()
            .with("lock_timeout", "7s")
            .with("tcp_keepalives_idle", "5")
            .with("default_transaction_isolation", "read committed");

    private TestDatabase database;
    private Connection session;
    private Connection pooled;

    @BeforeEach
    void connect() throws Exception {
        database = TestPostgres.newest().newDatabase();
        database.execute("CREATE TABLE t (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)");
        session = database.connect();
        pooled = PooledConnection.over(session, SETTINGS);
    }

    @AfterEach
    void close() throws Exception {
        session.close();
        database.close();
    }

    @Test
    void each_statement_in_autocommit_mode_is_a_transaction_with_the_settings() throws Exception {
        assertThat(pooled.getAutoCommit()).isTrue();
        assertThat(pooled.isValid(1)).isTrue();
        assertNothingIsLeft();
        assertThat(lockTimeout(pooled)).isEqualTo("7s");
        assertNothingIsLeft();

        execute("INSERT INTO t VALUES (1)");
        assertThat(database.queryLong("SELECT count(*) FROM t")).isOne();
        assertNothingIsLeft();
    }

    @Test
    void a_transaction_has_the_settings_until_it_ends_however_it_ends() throws Exception {
        pooled.setAutoCommit(false);
        pooled.commit();
        pooled.rollback();
        assertNothingIsLeft();

        execute("INSERT INTO t VALUES (1)");
        assertThat(lockTimeout(pooled)).isEqualTo("7s");
        pooled.rollback();
        assertNothingIsLeft();
        execute("INSERT INTO t VALUES (2)");
        pooled.commit();
        assertNothingIsLeft();
        execute("INSERT INTO t VALUES (3)");
        pooled.setAutoCommit(true);
        assertNothingIsLeft();

        assertThat(database.queryStrings("SELECT id FROM t ORDER BY id")).containsExactly("2", "3");
    }

    @Test
    void a_failure_leaves_nothing_behind_and_is_that_of_the_server() throws Exception {
        assertThatThrownBy(() -> execute("SELECT 1 / 0")).hasFieldOrPropertyWithValue("SQLState", "22012");
        assertNothingIsLeft();
        assertThatThrownBy(() -> execute("INSERT INTO t VALUES (1), (1)"))
                .as("at the commit")
                .hasFieldOrPropertyWithValue("SQLState", "23505");
        assertNothingIsLeft();

        pooled.setAutoCommit(false);
        assertThatThrownBy(() -> execute("SELECT 1 / 0")).hasFieldOrPropertyWithValue("SQLState", "22012");
        pooled.rollback();
        assertNothingIsLeft();
        execute("INSERT INTO t VALUES (1), (1)");
        assertThatThrownBy(pooled::commit).hasFieldOrPropertyWithValue("SQLState", "23505");
        pooled.rollback();
        pooled.setAutoCommit(true);
        assertNothingIsLeft();
        assertThat(lockTimeout(pooled)).isEqualTo("7s");
    }

    @Test
    void settings_that_cannot_be_made_fail_the_statement_and_leave_nothing_behind() throws Exception {
        Connection wrong = PooledConnection.over(session, Parameters.none().with("lock_timeout", "soon"));

        assertThatThrownBy(() -> lockTimeout(wrong)).hasFieldOrPropertyWithValue("SQLState", "22023");
        assertNothingIsLeft();
    }

    @Test
    void going_back_to_a_savepoint_keeps_the_settings() throws Exception {
        pooled.setAutoCommit(false);
        Savepoint before = pooled.setSavepoint();
        assertThatThrownBy(() -> execute("SELECT 1 / 0")).isInstanceOf(SQLException.class);
        pooled.rollback(before);

        assertThat(lockTimeout(pooled)).isEqualTo("7s");
        pooled.rollback();
        assertNothingIsLeft();
    }

    @Test
    void what_is_set_later_holds_for_each_transaction_from_then_on() throws Exception {
        Parameters.none().with("lock_timeout", "8s").set(pooled);
        assertNothingIsLeft();

        assertThat(lockTimeout(pooled)).isEqualTo("8s");
        assertThat(lockTimeout(pooled)).isEqualTo("8s");
        assertNothingIsLeft();
    }

    @Test
    void the_isolation_and_access_of_a_transaction_are_ours_whatever_the_role_has() throws Exception {
        execute("ALTER DATABASE %s SET default_transaction_isolation = 'serializable'".formatted(database.name()));
        try (Connection serializable = database.connect()) {
            assertThat(Parameters.read(PooledConnection.over(serializable, SETTINGS), "transaction_isolation"))
                    .isEqualTo("read committed");
            Connection probe = PooledConnection.over(serializable, Parameters.PROBE);
            assertThat(Parameters.read(probe, "transaction_read_only")).isEqualTo("on");
        }
    }

    @Test
    void a_connection_that_is_closed_in_mid_transaction_rolls_back_first() throws Exception {
        pooled.setAutoCommit(false);
        execute("INSERT INTO t VALUES (1)");
        pooled.close();

        assertThat(session.isClosed()).isTrue();
        assertThat(database.queryLong("SELECT count(*) FROM t")).isZero();
    }

    @Test
    void what_would_outlast_the_transaction_is_refused() {
        assertThatThrownBy(() -> pooled.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE))
                .isInstanceOf(SQLFeatureNotSupportedException.class)
                .hasMessage("setTransactionIsolation would outlast the transaction, behind a pooler");
        assertThatThrownBy(() -> pooled.setSchema("public")).isInstanceOf(SQLFeatureNotSupportedException.class);
    }

    @Test
    void without_a_pooler_the_session_itself_is_set() throws Exception {
        Parameters.none().with("lock_timeout", "8s").set(session);

        assertThat(lockTimeout(session)).isEqualTo("8s");
    }

    private void execute(String sql) throws SQLException {
        try (Statement statement = pooled.createStatement()) {
            statement.execute(sql);
        }
    }

    private void assertNothingIsLeft() throws SQLException {
        assertThat(database.queryStrings("SELECT state FROM pg_stat_activity WHERE pid = "
                        + session.unwrap(PGConnection.class).getBackendPID()))
                .containsExactly("idle");
        assertThat(lockTimeout(session)).isEqualTo("0");
    }

    private static String lockTimeout(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement("SHOW lock_timeout");
                ResultSet row = query.executeQuery()) {
            row.next();
            return row.getString(1);
        }
    }
}
