package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Two threads that insert, update and delete rows of an {@link Oracle}'s table. They begin again whenever the server was
 * away, had no room or ended them; any other error that nobody announced is a failure.
 */
final class Application implements AutoCloseable {

    /** Something that an application does. */
    private enum Write {
        DELETE("DELETE FROM %1$s WHERE id = %2$d"),
        /** Beyond the range, of which the run knows nothing. */
        INSERT_BEYOND("INSERT INTO %1$s (id, other) VALUES (%4$d, 1)"),
        /** Into the range; it carries the change already. */
        INSERT_LATE("INSERT INTO %1$s (id, counter, late) VALUES (%3$d, 1, true) ON CONFLICT DO NOTHING"),
        UPDATE("UPDATE %1$s SET other = other + 1 WHERE id = %2$d");

        private final String sql;

        Write(String sql) {
            this.sql = sql;
        }
    }

    /** Each kind as often as it comes among ten. */
    private static final List<Write> TEN = List.of(
            Write.DELETE,
            Write.INSERT_BEYOND,
            Write.INSERT_LATE,
            Write.INSERT_LATE,
            Write.INSERT_LATE,
            Write.UPDATE,
            Write.UPDATE,
            Write.UPDATE,
            Write.UPDATE,
            Write.UPDATE);

    private static final Duration SERVER_IS_AWAY = Duration.ofMillis(50);
    private static final Set<String> OF_THE_SERVER = Set.of("08", "53", "57");

    private volatile TestDatabase database;
    private final String table;
    private final int rows;
    private final Duration rest;
    private final List<Thread> threads = new ArrayList<>();
    private final AtomicLong beyond;
    private final Map<Write, LongAdder> writes = new ConcurrentHashMap<>();
    private final Set<String> announced = new CopyOnWriteArraySet<>();
    private final AtomicReference<@Nullable Exception> failure = new AtomicReference<>();
    private volatile long writesBeforeTheFault;
    private volatile boolean closed;

    /** Over this table, which has that many rows, of every other key; each thread rests so long between two writes. */
    private Application(TestDatabase database, String table, int rows, Duration rest) {
        this.database = database;
        this.table = table;
        this.rows = rows;
        this.rest = rest;
        this.beyond = new AtomicLong(2L * rows);
    }

    static Application start(TestDatabase database, String table, int rows, Duration rest) {
        Application application = new Application(database, table, rows, rest);
        for (int i = 0; i < 2; i++) {
            Random random = new Random(rows + i);
            application.threads.add(new Thread(() -> application.write(random), "application-" + i));
        }
        application.threads.forEach(Thread::start);
        return application;
    }

    /** From now on the database is there. */
    void movesTo(TestDatabase elsewhere) {
        database = elsewhere;
    }

    /** It may meet these errors, and goes on. */
    void mayMeet(String... sqlStates) {
        announced.addAll(List.of(sqlStates));
    }

    /** A fault is over: it has to write again. */
    void faultIsOver() {
        writesBeforeTheFault = sum();
    }

    /** Ends it; it has done each kind of thing, and something since the last fault, and has met nothing unexpected. */
    void endsWell() throws InterruptedException {
        end();
        if (failure.get() != null) {
            throw new AssertionError("the application met an error", failure.get());
        }
        for (Write write : Write.values()) {
            assertThat(writes).as("writes of the application").containsKey(write);
        }
        assertThat(sum()).as("writes of the application").isGreaterThan(writesBeforeTheFault);
    }

    private long sum() {
        return writes.values().stream().mapToLong(LongAdder::sum).sum();
    }

    private void write(Random random) {
        while (!closed) {
            try (Connection connection = database.connect();
                    Statement statement = connection.createStatement()) {
                while (!closed) {
                    writeTen(statement, random);
                }
            } catch (SQLException e) {
                if (!isExpected(String.valueOf(e.getSQLState()))) {
                    failure.compareAndSet(null, e);
                }
                sleep(SERVER_IS_AWAY);
            }
        }
    }

    private boolean isExpected(String sqlState) {
        return announced.contains(sqlState) || OF_THE_SERVER.contains(sqlState.substring(0, 2));
    }

    private void writeTen(Statement statement, Random random) throws SQLException {
        List<Write> ten = new ArrayList<>(TEN);
        Collections.shuffle(ten, random);
        for (Write write : ten) {
            if (closed) {
                return;
            }
            int taken = 2 * (1 + random.nextInt(rows));
            String sql = write.sql.formatted(table, taken, taken - 1, beyond.incrementAndGet());
            if (statement.executeUpdate(sql) > 0) {
                writes.computeIfAbsent(write, kind -> new LongAdder()).increment();
            }
            sleep(rest);
        }
    }

    private static void sleep(Duration time) {
        try {
            Thread.sleep(time.toMillis());
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        try {
            end();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void end() throws InterruptedException {
        closed = true;
        for (Thread thread : threads) {
            thread.join();
        }
    }
}
