package dev.backfill.orchestrator.signals;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.backfill.orchestrator.config.DatabaseSettings.Login;
import dev.backfill.orchestrator.config.SettingsReader;
import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A probe waits for nobody's lock for long, and for no answer. */
class LockedProbeTest {

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void what_somebody_has_locked_is_unreadable_at_once_and_read_again_after(int version) throws Exception {
        try (OwnServer server = OwnServer.startWithSmallWal(version, directory.resolve("server"));
                TestDatabase database = server.postgres().newDatabase();
                Database watched = watched(database);
                Connection probing = watched.connectProbe();
                Connection other = database.connect();
                Statement lock = other.createStatement()) {
            HealthProbe probe = new HealthProbe(probing, new Trend(1));
            WatchedTables none = new WatchedTables();
            probe.ask(HealthSignal.XMIN_AGE, none, 0);
            other.setAutoCommit(false);
            lock.execute("LOCK TABLE pg_catalog.pg_database IN ACCESS EXCLUSIVE MODE");

            long begun = System.nanoTime();
            assertThatThrownBy(() -> probe.ask(HealthSignal.XMIN_AGE, none, 0))
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("55P03"));
            assertThat((System.nanoTime() - begun) / 1e6).as("ms").isBetween(150.0, 1_500.0);

            other.rollback();
            assertThat(probe.ask(HealthSignal.XMIN_AGE, none, 0)).isNotNull();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void no_answer_takes_longer_than_two_seconds(int version) throws Exception {
        try (OwnServer server = OwnServer.startWithSmallWal(version, directory.resolve("server"));
                TestDatabase database = server.postgres().newDatabase();
                Database watched = watched(database);
                Connection probing = watched.connectProbe();
                Statement statement = probing.createStatement()) {
            long begun = System.nanoTime();
            assertThatThrownBy(() -> statement.execute("SELECT pg_sleep(30)"))
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("57014"));
            assertThat((System.nanoTime() - begun) / 1e6).as("ms").isBetween(1_900.0, 4_000.0);
        }
    }

    private static Database watched(TestDatabase database) {
        Login login = new Login(database.jdbcUrl(), Optional.empty(), Optional.empty());
        return new Database(Objects.requireNonNull(
                SettingsReader.forDatabase(login).databases().get("main")));
    }
}
