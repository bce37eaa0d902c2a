package dev.backfill.orchestrator.testing;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** One test's own database. Closing it drops it with whoever is still connected, and drops its roles. */
public final class TestDatabase implements AutoCloseable {

    private static final Set<String> LOST = Set.of("08003", "08006", "57P01", "57P02", "57P05");

    private final TestPostgres server;
    private final String name;
    private final List<TestRole> roles = new ArrayList<>();
    private final AtomicReference<@Nullable Connection> kept = new AtomicReference<>();

    private TestDatabase(TestPostgres server, String name) {
        this.server = server;
        this.name = name;
    }

    static TestDatabase create(TestPostgres server, String name) throws SQLException {
        try (Connection connection = server.connect()) {
            execute(connection, "CREATE DATABASE " + name);
        }
        return new TestDatabase(server, name);
    }

    /** The database of the same name on another server, which is a standby of this one or was. */
    public TestDatabase on(TestPostgres other) {
        return new TestDatabase(other, name);
    }

    /** Its name; needs no quotes in SQL. */
    public String name() {
        return name;
    }

    /** The server it is on. */
    public TestPostgres server() {
        return server;
    }

    /** Its URL for the superuser. */
    public String jdbcUrl() {
        return jdbcUrl(TestPostgres.SUPERUSER);
    }

    /** Its URL for this user, without a password. */
    public String jdbcUrl(String user) {
        return server.url(name, user, server.port());
    }

    /** Its URL for this user, by way of the proxy. */
    public String jdbcUrl(String user, FaultProxy proxy) {
        return server.url(name, user, proxy.port());
    }

    /** A new connection of the superuser. */
    public Connection connect() throws SQLException {
        return DriverManager.getConnection(jdbcUrl());
    }

    /** A new connection of this role. */
    public Connection connect(TestRole role) throws SQLException {
        return DriverManager.getConnection(jdbcUrl(role.name()), role.name(), role.password());
    }

    /** A new role that may see the server's statistics, as backfills need, and nothing else. */
    public TestRole newMonitoringRole() throws SQLException {
        TestRole role = newRole();
        execute("GRANT pg_monitor TO " + role.name());
        return role;
    }

    /** A new role without any privilege; it lives as long as the database. */
    public TestRole newRole() throws SQLException {
        TestRole role = new TestRole(server.newRoleName(), "secret-of-" + name);
        execute("CREATE ROLE %s LOGIN PASSWORD '%s'".formatted(role.name(), role.password()));
        roles.add(role);
        return role;
    }

    /** Executes each as the superuser, in a transaction of its own. */
    public void execute(String... statements) throws SQLException {
        try (Connection connection = connect()) {
            execute(connection, statements);
        }
    }

    /** The number that the query answers, as the superuser. */
    public long queryLong(String sql) throws SQLException {
        List<String> answer = queryStrings(sql);
        if (answer.size() != 1) {
            throw new IllegalArgumentException(answer.size() + " rows from: " + sql);
        }
        return Long.parseLong(answer.get(0));
    }

    /** The first column of each row, as the superuser; NULL is the text {@code null}. */
    public List<String> queryStrings(String sql) throws SQLException {
        Connection known = kept.getAndSet(null); // what waits asks again and again: a session each would be dear
        if (known != null) {
            try {
                return queryAndKeep(known, sql);
            } catch (SQLException e) {
                if (!LOST.contains(e.getSQLState())) {
                    throw e;
                }
            }
        }
        return queryAndKeep(connect(), sql);
    }

    private List<String> queryAndKeep(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            List<String> values = new ArrayList<>();
            while (rows.next()) {
                values.add(String.valueOf(rows.getString(1)));
            }
            if (!kept.compareAndSet(null, connection)) {
                connection.close();
            }
            return values;
        } catch (SQLException e) {
            connection.close();
            throw e;
        }
    }

    @Override
    public void close() throws SQLException {
        for (String gid : queryStrings("SELECT gid FROM pg_prepared_xacts WHERE database = current_database()")) {
            execute("ROLLBACK PREPARED '" + gid + "'");
        }
        Connection mine = kept.getAndSet(null);
        if (mine != null) {
            mine.close();
        }
        try (Connection connection = server.connect()) {
            execute(connection, "DROP DATABASE " + name + " WITH (FORCE)");
            for (TestRole role : roles) {
                execute(connection, "DROP ROLE " + role.name());
            }
        }
    }

    private static void execute(Connection connection, String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }
}
