package dev.backfill.orchestrator.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;

/** A server that a test may do anything to, since no other test sees it. Closing it ends it. */
public final class OwnServer implements AutoCloseable {

    private final ServerProcess server;
    private final String[] settings;

    private OwnServer(ServerProcess server, String... settings) {
        this.server = server;
        this.settings = settings;
    }

    /** Starts one of the newest version with its data below a directory, and with settings such as {@code log_statement=all}. */
    public static OwnServer start(Path directory, String... settings)
            throws IOException, SQLException, InterruptedException {
        return start(ServerProcess.create(directory.resolve("data"), name()), settings);
    }

    /** Starts one of this version, whose files of WAL have 1 MB. */
    public static OwnServer startWithSmallWal(int major, Path directory, String... settings)
            throws IOException, SQLException, InterruptedException {
        return start(ServerProcess.createWithSmallWal(major, directory.resolve("data"), name()), settings);
    }

    private static String name() {
        return "own-" + ProcessHandle.current().pid();
    }

    private static OwnServer start(ServerProcess process, String... settings)
            throws IOException, SQLException, InterruptedException {
        OwnServer server = new OwnServer(process, settings);
        Files.deleteIfExists(server.server.log());
        server.startAgain();
        return server;
    }

    /** The server, to create databases on. */
    public TestPostgres postgres() {
        return TestPostgres.at(server.port());
    }

    /** What it has logged until now. */
    public String log() throws IOException {
        return Files.readString(server.log());
    }

    /** Whether it runs. */
    public boolean isAlive() {
        return server.isAlive();
    }

    /** Ends it at once, in the middle of everything. */
    public void crash() throws IOException, InterruptedException {
        server.stop("QUIT");
    }

    /** Ends it in order, with all its sessions. */
    public void stop() throws IOException, InterruptedException {
        server.stop("INT");
    }

    /** Starts it after an end; returns when it accepts connections. */
    public void startAgain() throws IOException, SQLException, InterruptedException {
        server.start(settings);
    }

    /** Ends it, and starts it with its WAL on a volume. */
    public void movesItsWalTo(Volume volume) throws IOException, SQLException, InterruptedException {
        stop();
        Path wal = server.data().resolve("pg_wal");
        Path moved = volume.path().resolve("pg_wal");
        ServerProcess.run("cp", "-a", wal.toString(), moved.toString());
        ServerProcess.run("rm", "-r", wal.toString());
        Files.createSymbolicLink(wal, moved);
        startAgain();
    }

    /** Returns when it accepts connections; when it has ended itself, it is started. */
    public void awaitsAnswerOrStarts() throws IOException, SQLException, InterruptedException {
        if (isAlive()) {
            try {
                server.awaitAnswer();
                return;
            } catch (SQLException e) {
                if (isAlive()) {
                    throw e;
                }
            }
        }
        startAgain();
    }

    @Override
    public void close() throws IOException {
        try {
            server.stop("QUIT");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
