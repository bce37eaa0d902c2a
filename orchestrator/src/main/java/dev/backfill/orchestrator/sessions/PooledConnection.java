package dev.backfill.orchestrator.sessions;

import static java.util.Objects.requireNonNull;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.Statement;
import java.util.Set;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * A connection through a pooler that gives each transaction another session of the server, which others use too: what a
 * session is set to would be lost, and found by others. So each transaction begins with its settings, and they end with
 * it. In autocommit mode each statement is a transaction with its settings.
 *
 * <p>Used by one thread, but for a statement's {@code cancel}.
 */
public final class PooledConnection implements InvocationHandler {

    /** What would set the session itself. */
    private static final Set<String> LASTING = Set.of("setTransactionIsolation", "setSchema", "setClientInfo");

    private final Connection server;
    private Parameters parameters;
    private boolean autoCommit = true;
    private boolean begun;

    private PooledConnection(Connection server, Parameters parameters) {
        this.server = server;
        this.parameters = parameters;
    }

    /**
     * Has each transaction of a connection begin with its settings.
     *
     * @param connection to the pooler, in autocommit mode
     * @param parameters the settings
     * @return the connection to use in its place
     */
    public static Connection over(Connection connection, Parameters parameters) {
        return (Connection) proxy(new PooledConnection(connection, parameters), Connection.class, PerTransaction.class);
    }

    /**
     * Has each transaction of all connections begin with its settings.
     *
     * @param source of connections to the pooler
     * @param parameters the settings
     * @return the source to use in its place
     */
    public static DataSource over(DataSource source, Parameters parameters) {
        InvocationHandler handler = (proxy, method, arguments) -> {
            Object answer = call(source, method, arguments);
            return answer instanceof Connection connection ? over(connection, parameters) : answer;
        };
        return (DataSource) proxy(handler, DataSource.class);
    }

    @Override
    @SuppressWarnings("ReferenceEquality") // what a connection's equals means
    public @Nullable Object invoke(Object proxy, Method method, @Nullable Object @Nullable [] arguments)
            throws Throwable {
        String name = method.getName();
        if (LASTING.contains(name)) {
            throw new SQLFeatureNotSupportedException(name + " would outlast the transaction, behind a pooler");
        }
        return switch (name) {
            case "add" -> add((Parameters) first(arguments));
            case "getAutoCommit" -> autoCommit;
            case "setAutoCommit" -> setAutoCommit((boolean) first(arguments));
            case "commit" -> end(method, arguments);
            case "rollback" -> arguments == null ? end(method, arguments) : call(server, method, arguments);
            case "close" -> close(method);
            case "isWrapperFor" -> ((Class<?>) first(arguments)).isInstance(proxy) || isTrue(method, arguments);
            case "unwrap" -> ((Class<?>) first(arguments)).isInstance(proxy) ? proxy : call(server, method, arguments);
            case "equals" -> arguments != null && proxy == arguments[0];
            case "setSavepoint" -> {
                begin();
                yield call(server, method, arguments);
            }
            case "createStatement", "prepareStatement", "prepareCall" ->
                statement((Statement) requireNonNull(call(server, method, arguments)));
            default -> call(server, method, arguments);
        };
    }

    private @Nullable Object add(Parameters more) {
        parameters = parameters.with(more);
        return null;
    }

    private @Nullable Object setAutoCommit(boolean wanted) throws SQLException {
        if (wanted && begun) {
            commit();
        }
        autoCommit = wanted;
        return null;
    }

    private void begin() throws SQLException {
        if (begun) {
            return;
        }
        server.setAutoCommit(false);
        begun = true;
        try (Statement settings = server.createStatement()) {
            settings.setEscapeProcessing(false);
            settings.execute(parameters.forTransaction());
        } catch (SQLException e) {
            undo(e);
            throw e;
        }
    }

    /** A commit or a rollback that the user asks for: of nothing, while nothing has begun. */
    private @Nullable Object end(Method method, @Nullable Object @Nullable [] arguments) throws Throwable {
        if (begun || autoCommit || server.isClosed()) {
            call(server, method, arguments);
        }
        if (begun) {
            ended();
        }
        return null;
    }

    private void commit() throws SQLException {
        server.commit();
        ended();
    }

    private void ended() throws SQLException {
        begun = false;
        server.setAutoCommit(true);
    }

    private void undo(Exception cause) {
        begun = false;
        try {
            if (!server.isClosed()) {
                server.rollback();
                server.setAutoCommit(true);
            }
        } catch (SQLException e) {
            cause.addSuppressed(e);
        }
    }

    /** A pooler that sees a client go in the middle of a transaction ends the server's session too. */
    private @Nullable Object close(Method method) throws Throwable {
        try {
            if (begun && !server.isClosed()) {
                server.rollback();
            }
        } finally {
            call(server, method, null);
        }
        return null;
    }

    private boolean isTrue(Method method, @Nullable Object @Nullable [] arguments) throws Throwable {
        return Boolean.TRUE.equals(call(server, method, arguments));
    }

    private Object statement(Statement statement) {
        InvocationHandler handler =
                (proxy, method, arguments) -> method.getName().startsWith("execute")
                        ? execute(statement, method, arguments)
                        : call(statement, method, arguments);
        Class<?> kind = statement instanceof CallableStatement
                ? CallableStatement.class
                : statement instanceof PreparedStatement ? PreparedStatement.class : Statement.class;
        return proxy(handler, kind);
    }

    private @Nullable Object execute(Statement statement, Method method, @Nullable Object @Nullable [] arguments)
            throws Throwable {
        begin();
        if (!autoCommit) {
            return call(statement, method, arguments);
        }
        try {
            Object answer = call(statement, method, arguments);
            commit();
            return answer;
        } catch (SQLException | RuntimeException e) {
            undo(e);
            throw e;
        }
    }

    private static Object proxy(InvocationHandler handler, Class<?>... kinds) {
        return Proxy.newProxyInstance(PooledConnection.class.getClassLoader(), kinds, handler);
    }

    private static @Nullable Object call(Object target, Method method, @Nullable Object @Nullable [] arguments)
            throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getTargetException();
        }
    }

    private static Object first(@Nullable Object @Nullable [] arguments) {
        if (arguments == null || arguments[0] == null) {
            throw new IllegalArgumentException("an argument is missing");
        }
        return arguments[0];
    }
}
