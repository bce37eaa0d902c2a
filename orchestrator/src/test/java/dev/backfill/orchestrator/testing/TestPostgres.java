package dev.backfill.orchestrator.testing;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/**
 * A running PostgreSQL server. There is one of each kind in a JVM, started when it is first asked for and stopped with
 * the JVM. Every test takes a database of its own.
 */
public final class TestPostgres {

    /** The superuser of every server; needs no password. */
    public static final String SUPERUSER = "postgres";

    private static final int OLDEST = 14;
    static final int NEWEST = 18;
    static final Path BINARIES = Path.of(System.getProperty("basedir", ""), "target", "postgres");
    private static final String ASK_FOR_PASSWORDS = """
            host all postgres 127.0.0.1/32 trust
            host all postgres ::1/128      trust
            host all all      127.0.0.1/32 scram-sha-256
            host all all      ::1/128      scram-sha-256
            """;
    private static final Map<Kind, TestPostgres> SERVERS = new ConcurrentHashMap<>();

    private final int port;
    private final AtomicLong numbers = new AtomicLong();

    private TestPostgres(int port) {
        this.port = port;
    }

    /** The newest supported version. It lets everybody in who says a name. */
    public static TestPostgres newest() {
        return version(NEWEST);
    }

    /** A server of this major version. It lets everybody in who says a name. */
    public static TestPostgres version(int major) {
        return server(new Kind(major, false));
    }

    /** The newest version, where everybody but the superuser has to know a password. */
    public static TestPostgres withPasswords() {
        return server(new Kind(NEWEST, true));
    }

    /** The supported major versions, oldest first; for parameterised tests. */
    public static IntStream versions() {
        return IntStream.rangeClosed(OLDEST, NEWEST);
    }

    /** Creates an empty database that is dropped when it is closed. */
    public TestDatabase newDatabase() throws SQLException {
        return TestDatabase.create(this, "test_" + numbers.incrementAndGet());
    }

    /** Where the server listens, on the loopback interface. */
    public int port() {
        return port;
    }

    /** The server that listens there; whoever started it ends it. */
    static TestPostgres at(int port) {
        return new TestPostgres(port);
    }

    /** The directory of its programs. */
    String programs() throws SQLException {
        try (TestDatabase database = newDatabase()) {
            return database.queryStrings("SELECT setting FROM pg_config WHERE name = 'BINDIR'")
                    .get(0);
        }
    }

    String url(String database, String user, int atPort) {
        return "jdbc:postgresql://127.0.0.1:" + atPort + "/" + database + "?user=" + user + "&sslmode=disable";
    }

    Connection connect() throws SQLException {
        return DriverManager.getConnection(url(SUPERUSER, SUPERUSER, port));
    }

    String newRoleName() {
        return "role_" + numbers.incrementAndGet();
    }

    /** How a server of this version is made. */
    static EmbeddedPostgres.Builder builder(int major) {
        return EmbeddedPostgres.builder()
                .setPgBinaryResolver((system, machine) -> Files.newInputStream(archive(major)))
                .setPGStartupWait(Duration.ofSeconds(60))
                .setLocaleConfig("locale", "C");
    }

    private static TestPostgres server(Kind kind) {
        return SERVERS.computeIfAbsent(kind, TestPostgres::start);
    }

    private static TestPostgres start(Kind kind) {
        try {
            EmbeddedPostgres server = builder(kind.major())
                    .setServerConfig("synchronous_commit", "on")
                    .setServerConfig("full_page_writes", "off")
                    .setServerConfig("log_lock_waits", "on")
                    .setServerConfig("max_connections", "200")
                    .setServerConfig("max_prepared_transactions", "10")
                    .setDataDirectoryCustomizer(kind::customize)
                    .setOutputRedirector(Redirect.appendTo(kind.log()))
                    .start();
            return new TestPostgres(server.getPort());
        } catch (IOException e) {
            throw new UncheckedIOException("PostgreSQL " + kind + " did not start; its log: " + kind.log(), e);
        }
    }

    private static Path archive(int major) throws IOException {
        Path directory = BINARIES.resolve(Integer.toString(major));
        try (var files = Files.newDirectoryStream(directory, "*.txz")) {
            return files.iterator().next();
        } catch (IOException e) {
            throw new IOException("no binaries in " + directory + ": run `mvn generate-test-resources` once", e);
        }
    }

    /** What makes two servers different. */
    private record Kind(int major, boolean passwords) {

        void customize(File dataDirectory) {
            if (passwords) {
                write(dataDirectory.toPath().resolve("pg_hba.conf"), ASK_FOR_PASSWORDS);
            }
        }

        File log() {
            String name = major + (passwords ? "-passwords" : "") + ".log";
            return BINARIES.resolve(name).toFile();
        }

        private static void write(Path file, String content) {
            try {
                Files.writeString(file, content, StandardCharsets.UTF_8);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
