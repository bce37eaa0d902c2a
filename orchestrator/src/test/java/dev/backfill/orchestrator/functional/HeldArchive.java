package dev.backfill.orchestrator.functional;

import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;

/** A server whose archiver takes a file of WAL when the test lets it through, and fails when the test says so. */
final class HeldArchive implements AutoCloseable {

    private static final String NAMES =
            "SELECT regexp_replace(name, '[.]ready$', '') FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready' ORDER BY 1";

    private final Path gate;
    private final OwnServer server;
    private final TestDatabase database;

    private HeldArchive(Path gate, OwnServer server) throws SQLException {
        this.gate = gate;
        this.server = server;
        this.database = server.postgres().newDatabase();
    }

    /** Of this version; nothing is let through. */
    static HeldArchive start(int version, Path directory) throws Exception {
        Path gate = Files.createDirectories(directory.resolve("gate"));
        String command =
                "while [ -d %1$s ] && [ ! -e %1$s/%%f ] && [ ! -e %1$s/all ]; do sleep 0.1; done; [ ! -e %1$s/broken ]"
                        .formatted(gate);
        return new HeldArchive(
                gate,
                OwnServer.startWithSmallWal(
                        version, directory, "archive_mode=on", "archive_command=" + command, "autovacuum=off"));
    }

    /** A database there. */
    TestDatabase database() {
        return database;
    }

    /** The files that wait, oldest first. */
    List<String> waiting() throws SQLException {
        return database.queryStrings(NAMES);
    }

    /** Fills files until at least so many wait. */
    void fillUntil(int files) throws SQLException {
        while (waiting().size() < files) {
            database.execute("SELECT pg_logical_emit_message(false, '', 'x')", "SELECT pg_switch_wal()");
        }
    }

    /** Lets the oldest through until so many are left; true when no more than these wait. */
    boolean passUntil(int left) throws Exception {
        List<String> waiting = waiting();
        for (String name : waiting.subList(0, Math.max(0, waiting.size() - left))) {
            make(name);
        }
        return waiting.size() <= left;
    }

    /** Lets all through. */
    void open() throws IOException {
        make("all");
    }

    /** From now on it fails with each. */
    void breaks() throws IOException {
        make("broken");
    }

    /** It fails no longer. */
    void isMended() throws IOException {
        Files.delete(gate.resolve("broken"));
    }

    private void make(String name) throws IOException {
        if (!Files.exists(gate.resolve(name))) {
            Files.createFile(gate.resolve(name));
        }
    }

    @Override
    public void close() throws SQLException, IOException {
        open(); // no shell waits for ever, and the archiver hears that a database is dropped
        database.close();
        server.close();
    }
}
