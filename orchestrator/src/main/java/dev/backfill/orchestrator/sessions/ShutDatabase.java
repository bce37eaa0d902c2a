package dev.backfill.orchestrator.sessions;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.SQLException;
import java.util.Set;
import javax.sql.DataSource;

/**
 * Says of a database that lets nobody in that it does so. The server says it with codes that mean something else once a session
 * is there: then a statement is wrong, or a right is missing, and no waiting mends that.
 */
public final class ShutDatabase {

    /** That the database allows no connections, and that the role may not connect to it. */
    private static final Set<String> SAID = Set.of("55000", "42501");

    /** That there is no such database: to whoever cannot get in it is the same. */
    private static final String MEANT = "57P04";

    private ShutDatabase() {}

    /**
     * Has connections that are refused in that way be refused as they would be without the database.
     *
     * @param source of connections
     * @return the source to use in its place
     */
    public static DataSource over(DataSource source) {
        return (DataSource) Proxy.newProxyInstance(
                ShutDatabase.class.getClassLoader(), new Class<?>[] {DataSource.class}, (proxy, method, arguments) -> {
                    try {
                        return method.invoke(source, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getTargetException() instanceof SQLException refused
                                ? meant(refused)
                                : e.getTargetException();
                    }
                });
    }

    private static SQLException meant(SQLException refused) {
        return SAID.contains(String.valueOf(refused.getSQLState()))
                ? new SQLException(refused.getMessage(), MEANT, refused)
                : refused;
    }
}
