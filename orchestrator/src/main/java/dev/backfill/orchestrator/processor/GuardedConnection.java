package dev.backfill.orchestrator.processor;

import dev.backfill.orchestrator.db.ErrorClass;
import dev.backfill.orchestrator.db.SqlStates.ProcessorException;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A batch's connection as a processor sees it: it makes statements, and refuses what would end the transaction or change the
 * session. It guards against mistakes, not against malice: a processor is code that somebody trusts.
 *
 * <p>For one batch and one thread; only {@link #cancel} may be called from another.
 */
final class GuardedConnection {

    private static final Set<String> STATEMENTS = Set.of("createStatement", "prepareStatement", "prepareCall");
    private static final Set<String> ALLOWED = Set.of(
            "nativeSQL",
            "getAutoCommit",
            "isClosed",
            "getMetaData",
            "isReadOnly",
            "getCatalog",
            "getSchema",
            "getTransactionIsolation",
            "getHoldability",
            "getWarnings",
            "clearWarnings",
            "getTypeMap",
            "getClientInfo",
            "isValid",
            "getNetworkTimeout",
            "setSavepoint",
            "releaseSavepoint",
            "createArrayOf",
            "createStruct",
            "createBlob",
            "createClob",
            "createNClob",
            "createSQLXML");

    private final Connection real;
    private final Connection proxy;
    private final List<Statement> statements = new ArrayList<>();
    private final Set<SQLException> thrown = Collections.newSetFromMap(new IdentityHashMap<>());
    private volatile boolean over;
    private volatile boolean late;
    private volatile @Nullable Statement running;
    private @Nullable SQLException failure;

    GuardedConnection(Connection real) {
        this.real = real;
        this.proxy = (Connection) proxy(Connection.class, this::call);
    }

    /** What the processor is given. */
    Connection connection() {
        return proxy;
    }

    /** The error of the server after which this batch has no transaction any more, though the processor went on. */
    Optional<SQLException> failure() {
        if (failure != null) {
            try (Statement any = real.createStatement()) {
                any.execute("SELECT 1");
                return Optional.empty(); // it went back to a savepoint
            } catch (SQLException e) {
                return Optional.of(failure);
            }
        }
        return Optional.empty();
    }

    /** Whether an error came over this connection, and not over another of the processor's. */
    boolean hasThrown(SQLException e) {
        return thrown.contains(e);
    }

    /** Cancels the statement that is under way, if there is one, and lets no other begin. */
    void cancel() throws SQLException {
        late = true;
        Statement statement = running;
        if (statement != null) {
            statement.cancel();
        }
    }

    /** Ends the processor's use of the connection. */
    void end() {
        over = true;
        for (Statement statement : statements) {
            try {
                statement.close();
            } catch (SQLException e) {
                keep(e);
            }
        }
    }

    private static Object proxy(Class<?> type, InvocationHandler handler) {
        return Proxy.newProxyInstance(GuardedConnection.class.getClassLoader(), new Class<?>[] {type}, handler);
    }

    private @Nullable Object call(Object self, Method method, @Nullable Object @Nullable [] arguments)
            throws Throwable {
        String name = method.getName();
        if (method.getDeclaringClass() == Object.class) {
            return own(self, method, arguments);
        }
        requireUnderWay();
        if (STATEMENTS.contains(name)) {
            check(arguments);
            return statement((Statement) Objects.requireNonNull(invoke(real, method, arguments)));
        }
        boolean toSavepoint = name.equals("rollback") && arguments != null && arguments[0] instanceof Savepoint;
        if (ALLOWED.contains(name) || toSavepoint) {
            Object answer = invoke(real, method, arguments);
            return answer instanceof DatabaseMetaData about ? metaData(about) : answer;
        }
        throw refused("the connection is the program's, and " + name + " is not for a processor");
    }

    private Object statement(Statement made) {
        statements.add(made);
        Class<?> type = made instanceof CallableStatement
                ? CallableStatement.class
                : made instanceof PreparedStatement ? PreparedStatement.class : Statement.class;
        return proxy(type, (self, method, arguments) -> call(made, self, method, arguments));
    }

    private @Nullable Object call(Statement made, Object self, Method method, @Nullable Object @Nullable [] arguments)
            throws Throwable {
        if (method.getDeclaringClass() == Object.class) {
            return own(self, method, arguments);
        }
        switch (method.getName()) {
            case "getConnection" -> {
                return proxy;
            }
            case "unwrap" -> throw refused("the driver's own statement is not for a processor");
            case "close" -> statements.remove(made);
            default -> requireUnderWay();
        }
        boolean runs = method.getName().startsWith("execute");
        if (runs || method.getName().equals("addBatch")) {
            check(arguments);
        }
        running = runs ? made : null;
        try {
            Object answer = invoke(made, method, arguments);
            return answer instanceof ResultSet rows ? rows(rows, self) : answer;
        } finally {
            running = null;
        }
    }

    private Object rows(ResultSet rows, Object statement) {
        return proxy(
                ResultSet.class,
                (self, method, arguments) ->
                        method.getName().equals("getStatement") ? statement : invoke(rows, method, arguments));
    }

    private Object metaData(DatabaseMetaData real) {
        return proxy(
                DatabaseMetaData.class,
                (self, method, arguments) ->
                        method.getName().equals("getConnection") ? proxy : invoke(real, method, arguments));
    }

    private void requireUnderWay() throws SQLException {
        if (over) {
            throw refused("the batch is over");
        }
        if (late) {
            throw new ProcessorException(ErrorClass.TIMEOUT, "the batch has taken too long");
        }
    }

    private static void check(@Nullable Object @Nullable [] arguments) throws SQLException {
        if (arguments != null && arguments.length > 0 && arguments[0] instanceof String sql) {
            Optional<String> refusal = SessionRules.refusal(sql);
            if (refusal.isPresent()) {
                throw refused(refusal.get());
            }
        }
    }

    private static SQLException refused(String why) {
        return new ProcessorException(ErrorClass.PAUSE, why);
    }

    private @Nullable Object invoke(Object target, Method method, @Nullable Object @Nullable [] arguments)
            throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            if (cause instanceof SQLException sql) {
                keep(sql);
            }
            throw cause;
        }
    }

    private void keep(SQLException e) {
        thrown.add(e);
        failure = failure == null ? e : failure;
    }

    @SuppressWarnings("ReferenceEquality") // a proxy is itself and nothing else
    private static @Nullable Object own(Object self, Method method, @Nullable Object @Nullable [] arguments) {
        return switch (method.getName()) {
            case "equals" -> arguments != null && self == arguments[0];
            case "hashCode" -> System.identityHashCode(self);
            default -> "connection of a batch";
        };
    }
}
