package dev.backfill.orchestrator.site;

import static java.util.Objects.requireNonNull;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.config.DatabaseSettings;
import dev.backfill.orchestrator.config.DatabaseSettings.Login;
import dev.backfill.orchestrator.config.Settings;
import dev.backfill.orchestrator.config.SettingsReader;
import dev.backfill.orchestrator.processor.Plugins;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.site.Dispatcher.Status;
import dev.backfill.orchestrator.site.Host.Library;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestJobs;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.timing.Timing;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Databases of a daemon, each with an empty table public.orders of its own. */
final class SitesFixture implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String NOWHERE = "jdbc:postgresql://127.0.0.1:1/none";

    private final Host host =
            Host.here(Timing.system(), new Library(TestJobs.FILES, new Plugins(Path.of("plugins"))), 1);
    private final List<TestDatabase> servers = new ArrayList<>();
    private final List<Dispatcher> dispatchers = new ArrayList<>();

    /** A database that is ready. */
    Dispatcher ready(String name) throws SQLException {
        TestDatabase server = TestPostgres.newest().newDatabase();
        servers.add(server);
        server.execute("CREATE TABLE public.orders (id bigint PRIMARY KEY, cents integer)");
        return started(name, server.jdbcUrl(), Status.READY);
    }

    /** A database that does not answer. */
    Dispatcher away(String name) {
        return started(name, NOWHERE, Status.AWAY);
    }

    /** A database that was not tried yet. */
    Dispatcher untried(String name) {
        return dispatcher(name, NOWHERE);
    }

    /** The server of the n-th database that is ready, from 0. */
    TestDatabase server(int number) {
        return servers.get(number);
    }

    /** Drops the n-th database under those who use it. */
    void drop(int number) throws SQLException {
        servers.remove(number).close();
    }

    Sites sites() {
        return new Sites(dispatchers);
    }

    private Dispatcher started(String name, String url, Status status) {
        Dispatcher dispatcher = dispatcher(name, url);
        dispatcher.start();
        await().atMost(PATIENCE).until(() -> dispatcher.standing().status() == status);
        return dispatcher;
    }

    private Dispatcher dispatcher(String name, String url) {
        Login login = new Login(url, Optional.empty(), Optional.empty());
        Settings settings = SettingsReader.forDatabase(login);
        DatabaseSettings main = requireNonNull(settings.databases().get("main"));
        DatabaseSettings target = new DatabaseSettings(name, login, main.own(), main.session(), main.work());
        Dispatcher dispatcher = new Dispatcher(new Site(host, settings, target), new Deaf(), () -> {});
        dispatchers.add(dispatcher);
        return dispatcher;
    }

    @Override
    public void close() throws SQLException {
        for (Dispatcher dispatcher : dispatchers) {
            dispatcher.requestStop();
            dispatcher.site().close();
        }
        for (TestDatabase server : servers) {
            server.close();
        }
    }

    /** Hears nothing. */
    private static final class Deaf implements Ears {
        @Override
        public RunListener listener(String job, String database) {
            return new RunListener() {};
        }

        @Override
        public void held(String job, String database, String reason, Duration duration) {}
    }
}
