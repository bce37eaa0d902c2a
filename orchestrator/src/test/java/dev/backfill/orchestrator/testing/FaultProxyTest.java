package dev.backfill.orchestrator.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.FaultProxy.Direction;
import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FaultProxyTest {

    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final String SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'victim'";

    private TestDatabase database;
    private FaultProxy proxy;

    @BeforeEach
    void start() throws Exception {
        database = TestPostgres.newest().newDatabase();
        database.execute("CREATE TABLE t (id int)");
        proxy = FaultProxy.to(database.server());
    }

    @AfterEach
    void stop() throws Exception {
        proxy.close();
        database.close();
    }

    @Test
    void sees_each_execution_also_when_the_driver_only_says_the_name_of_the_statement() throws SQLException {
        List<String> seen = new CopyOnWriteArrayList<>();
        proxy.onExecute(seen::add);
        try (Connection connection = connect();
                PreparedStatement insert = connection.prepareStatement("INSERT INTO t VALUES (?)")) {
            for (int id = 0; id < 20; id++) {
                insert.setInt(1, id);
                insert.executeUpdate();
                connection.commit();
            }
        }
        assertThat(seen).filteredOn("INSERT INTO t VALUES ($1)"::equals).hasSize(20);
        assertThat(seen).filteredOn(FaultProxy.COMMIT).hasSize(20);
    }

    @Test
    void sees_simple_queries_and_refuses_encryption() throws SQLException {
        List<String> seen = new CopyOnWriteArrayList<>();
        proxy.onExecute(seen::add);
        String url = database.jdbcUrl(TestPostgres.SUPERUSER, proxy).replace("sslmode=disable", "sslmode=prefer")
                + "&preferQueryMode=simple";
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT 42");
        }
        assertThat(seen).contains("SELECT 42");
    }

    @Test
    void loses_the_answer_to_the_nth_commit_which_the_server_carries_out() throws Exception {
        Trap trap = proxy.loseAnswer(FaultProxy.COMMIT, 2);
        try (Connection connection = connect()) {
            insertAndCommit(connection);

            assertConnectionLost(connection);
        }
        trap.awaitSprung(PATIENCE);
        assertThat(rows()).isEqualTo(2);
        assertThat(database.queryLong(SESSIONS)).isEqualTo(1);
    }

    @Test
    void loses_a_commit_on_its_way_and_leaves_the_transaction_open() throws Exception {
        Trap trap = proxy.loseRequest(FaultProxy.COMMIT, 1);
        try (Connection connection = connect()) {
            assertConnectionLost(connection);
        }
        trap.awaitSprung(PATIENCE);
        assertThat(rows()).isZero();
        assertThat(database.queryLong(SESSIONS + " AND state = 'idle in transaction'"))
                .isEqualTo(1);

        proxy.cutServers();

        await().atMost(PATIENCE).until(() -> database.queryLong(SESSIONS) == 0);
    }

    @Test
    void holds_a_commit_that_arrives_long_after_its_client_gave_up() throws Exception {
        Trap trap = proxy.holdRequest(FaultProxy.COMMIT, 1);
        try (Connection connection = connect()) {
            assertConnectionLost(connection);
        }
        trap.awaitSprung(PATIENCE);
        assertThat(rows()).isZero();

        trap.release();

        trap.awaitAnswered(PATIENCE);
        assertThat(rows()).isEqualTo(1);
    }

    @Test
    void cutting_clients_leaves_the_server_in_the_dark() throws SQLException {
        try (Connection connection = connect()) {
            proxy.cutClients();

            assertConnectionLost(connection);
            assertThat(database.queryLong(SESSIONS)).isEqualTo(1);
        }
    }

    @Test
    void cutting_servers_leaves_the_client_waiting() throws SQLException {
        try (Connection connection = connect()) {
            connection.setNetworkTimeout(Runnable::run, 500);
            proxy.cutServers();

            await().atMost(PATIENCE).until(() -> database.queryLong(SESSIONS) == 0);
            assertThatThrownBy(() -> insertAndCommit(connection)).hasStackTraceContaining("Read timed out");
        }
    }

    @Test
    void a_black_hole_swallows_the_end_of_a_connection_and_gives_it_back() throws SQLException {
        Connection connection = connect();
        proxy.blackHole();
        connection.setNetworkTimeout(Runnable::run, 300);
        assertThatThrownBy(() -> insertAndCommit(connection)).isInstanceOf(SQLException.class);
        assertThat(connection.isClosed()).isTrue();
        assertThat(database.queryLong(SESSIONS)).isEqualTo(1);

        proxy.heal();

        await().atMost(PATIENCE).until(() -> database.queryLong(SESSIONS) == 0);
    }

    @Test
    void swallows_one_direction_of_the_connections_of_now() throws SQLException {
        try (Connection asking = connect()) {
            asking.setNetworkTimeout(Runnable::run, 300);
            proxy.swallow(Direction.ANSWERS);
            assertThatThrownBy(() -> execute(asking, "SELECT pg_advisory_lock(1)"))
                    .hasStackTraceContaining("Read timed out");
        }
        await().atMost(PATIENCE).until(() -> database.queryLong(SESSIONS) == 0);
        try (Connection unheard = connect()) {
            unheard.setNetworkTimeout(Runnable::run, 300);
            proxy.swallow(Direction.REQUESTS);
            assertThatThrownBy(() -> insertAndCommit(unheard)).hasStackTraceContaining("Read timed out");
        }
        try (Connection next = connect()) {
            insertAndCommit(next);
        }
        assertThat(rows()).isEqualTo(1);
        await().alias("the end of one was swallowed")
                .during(Duration.ofMillis(300))
                .atMost(PATIENCE)
                .until(() -> database.queryLong(SESSIONS) == 1);
    }

    @Test
    void resets_both_sides() throws SQLException {
        try (Connection connection = connect()) {
            proxy.reset();

            assertConnectionLost(connection);
            await().atMost(PATIENCE).until(() -> database.queryLong(SESSIONS) == 0);
        }
    }

    @Test
    void delays_each_round_trip() throws SQLException {
        try (Connection connection = connect()) {
            proxy.delay(Duration.ofMillis(300));
            long start = System.nanoTime();
            insertAndCommit(connection);

            assertThat(Duration.ofNanos(System.nanoTime() - start)).isBetween(Duration.ofMillis(600), PATIENCE);
        }
    }

    @Test
    void is_down_until_it_is_up() throws SQLException {
        try (Connection connection = connect()) {
            proxy.down();
            assertConnectionLost(connection);
        }
        assertThatThrownBy(this::connect).isInstanceOf(SQLException.class);

        proxy.up();

        connect().close();
    }

    private Connection connect() throws SQLException {
        Connection connection = DriverManager.getConnection(
                database.jdbcUrl(TestPostgres.SUPERUSER, proxy) + "&ApplicationName=victim");
        connection.setAutoCommit(false);
        return connection;
    }

    private static void insertAndCommit(Connection connection) throws SQLException {
        execute(connection, "INSERT INTO t VALUES (1)");
        connection.commit();
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static void assertConnectionLost(Connection connection) {
        assertThatThrownBy(() -> insertAndCommit(connection))
                .isInstanceOf(SQLException.class)
                .hasRootCauseInstanceOf(IOException.class);
    }

    private long rows() throws SQLException {
        return database.queryLong("SELECT count(*) FROM t");
    }
}
