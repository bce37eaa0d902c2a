package dev.backfill.orchestrator.testing;

import static org.awaitility.Awaitility.await;

import dev.backfill.api.JobDefinition;
import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.URISyntaxException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The program as processes of the tests start it: from a jar, with its classes already loaded in an archive that all
 * share, so that a start takes half the time. Made anew whenever a class has changed.
 *
 * @see <a href="https://openjdk.org/jeps/350">JEP 350, Dynamic CDS Archives</a>
 */
final class ProgramArchive {

    private static final String MAIN_CLASS = "dev.backfill.orchestrator.Main";
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final Path TARGET =
            Path.of(System.getProperty("basedir", ""), "target").toAbsolutePath();
    private static final Path CLASSES = TARGET.resolve("classes");
    private static final Path DIRECTORY = TARGET.resolve("program");
    private static final Path JAR = DIRECTORY.resolve("program.jar");
    private static final Path ARCHIVE = DIRECTORY.resolve("program.jsa");
    private static final Path MADE_WITH = DIRECTORY.resolve("api.txt");
    private static final Path LOG = DIRECTORY.resolve("log.txt");

    private ProgramArchive() {}

    /** The words that start the program, up to its own arguments. */
    static synchronized List<String> command(List<String> options) throws IOException {
        Files.createDirectories(DIRECTORY);
        try (FileChannel channel = FileChannel.open(
                        DIRECTORY.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock lock = channel.lock()) { // another JVM of the tests may be at it
            if (lock.isValid() && !isUpToDate()) {
                create();
            }
        }
        List<String> all = new ArrayList<>(List.of("-XX:SharedArchiveFile=" + ARCHIVE, "-Xlog:disable"));
        all.addAll(options);
        return words(all);
    }

    private static List<String> words(List<String> options) throws IOException {
        List<String> command = new ArrayList<>();
        if (System.getProperty("os.name").equals("Linux")) {
            // A shell that starts the tests in its background has them ignore SIGINT, and children inherit that.
            command.addAll(List.of("/usr/bin/env", "--default-signal=INT"));
        }
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
        command.addAll(options);
        command.addAll(List.of("-cp", classPath(), MAIN_CLASS));
        return command;
    }

    private static boolean isUpToDate() throws IOException {
        if (!Files.exists(ARCHIVE)
                || !Files.exists(MADE_WITH)
                || !Files.readString(MADE_WITH).equals(api().toString())) {
            return false; // the API is a jar after `package`, and a directory before
        }
        FileTime made = Files.getLastModifiedTime(ARCHIVE);
        try (Stream<Path> ours = Files.walk(CLASSES);
                Stream<Path> theirs = Files.walk(api());
                Stream<Path> files = Stream.concat(ours, theirs)) {
            for (Path file : files.toList()) {
                if (Files.getLastModifiedTime(file).compareTo(made) > 0) {
                    return false;
                }
            }
            return true;
        }
    }

    /** What a daemon loads until it has run a job goes into the archive. */
    private static void create() throws IOException {
        Files.deleteIfExists(ARCHIVE);
        Files.writeString(MADE_WITH, api().toString());
        ToolProvider jar = ToolProvider.findFirst("jar").orElseThrow();
        List<String> content = new ArrayList<>(List.of("--create", "--file", JAR.toString()));
        content.addAll(List.of("-C", CLASSES.toString(), "."));
        if (Files.isDirectory(api())) { // no directory may stand in the class path of an archive
            content.addAll(List.of("-C", api().toString(), "."));
        }
        jar.run(System.out, System.err, content.toArray(String[]::new));
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            database.execute(
                    "CREATE TABLE t (id bigint PRIMARY KEY, n int)",
                    "INSERT INTO t SELECT generate_series(1, 5000)",
                    "ANALYZE t");
            awaitEndOfRun(daemon(database));
        } catch (SQLException e) {
            throw new IOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** A daemon that runs a job as it starts. */
    private static Process daemon(TestDatabase database) throws IOException {
        Path jobs = Files.createDirectories(DIRECTORY.resolve("jobs"));
        Files.writeString(jobs.resolve("t.yaml"), """
                job: t
                version: 1
                table: t
                range: { by: id }
                sql: UPDATE t SET n = 1 WHERE :range
                verify: none
                """);
        Path configuration = DIRECTORY.resolve("orchestrator.conf");
        Files.write(
                configuration,
                List.of("admin.port = 0", "jobs = jobs", "databases.main.url = \"" + database.jdbcUrl() + "\""));
        List<String> command = words(List.of("-XX:ArchiveClassesAtExit=" + ARCHIVE, "-Xlog:disable"));
        command.addAll(List.of("serve", "--config", configuration.toString()));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(Redirect.to(LOG.toFile()))
                .start();
    }

    private static void awaitEndOfRun(Process daemon) throws IOException, InterruptedException {
        try {
            await().atMost(PATIENCE)
                    .pollInterval(Duration.ofMillis(20))
                    .until(() -> !daemon.isAlive() || Files.readString(LOG).contains("state=\"SUCCEEDED\""));
            daemon.destroy();
            if (!daemon.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS) || !Files.exists(ARCHIVE)) {
                throw new IOException("no archive of the program's classes was made; see " + LOG);
            }
        } finally {
            daemon.destroyForcibly();
        }
    }

    private static String classPath() throws IOException {
        return Stream.of(JAR, api(), TARGET.resolve("lib").resolve("*"))
                .filter(path -> !Files.isDirectory(path))
                .map(Path::toString)
                .collect(Collectors.joining(File.pathSeparator));
    }

    private static Path api() throws IOException {
        try {
            return Path.of(JobDefinition.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IOException(e);
        }
    }
}
