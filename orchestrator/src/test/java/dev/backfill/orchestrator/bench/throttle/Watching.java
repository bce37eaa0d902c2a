package dev.backfill.orchestrator.bench.throttle;

import dev.backfill.orchestrator.testing.TestDatabase;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** What looking at a server costs it: processor time of the sessions that look, while ten receivers follow it. */
final class Watching implements AutoCloseable {

    static final Path RECEIVER = Path.of("/usr/lib/postgresql/15/bin/pg_receivewal");

    private static final int RECEIVERS = 10;
    private static final double TICK_SECONDS = 0.01;
    private static final int USER = 11;
    private static final int SYSTEM = 12;
    private static final String SESSIONS =
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'backfill monitor' ORDER BY pid";
    private static final String FOLLOWING = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'";

    private final TestDatabase database;
    private final List<Process> receivers = new ArrayList<>();

    private Watching(TestDatabase database) {
        this.database = database;
    }

    /** Starts the receivers, each with a slot; returns when all of them stream. */
    static Watching start(Path directory, TestDatabase database)
            throws IOException, SQLException, InterruptedException {
        Watching watching = new Watching(database);
        for (int i = 0; i < RECEIVERS; i++) {
            String slot = "receiver_" + i;
            database.execute("SELECT pg_create_physical_replication_slot('" + slot + "')");
            watching.receivers.add(new ProcessBuilder(
                            RECEIVER.toString(),
                            "--no-sync",
                            "--slot=" + slot,
                            "--directory=" + Files.createDirectory(directory.resolve(slot)),
                            "--dbname=host=127.0.0.1 user=postgres port="
                                    + database.server().port())
                    .redirectErrorStream(true)
                    .redirectOutput(Redirect.DISCARD)
                    .start());
        }
        while (database.queryLong(FOLLOWING) < RECEIVERS) {
            Thread.sleep(50);
        }
        return watching;
    }

    /** The part of one core that the sessions that look use, seen for so many seconds; empty where they were not the same. */
    List<Double> use(int seconds) throws IOException, SQLException, InterruptedException {
        List<String> sessions = database.queryStrings(SESSIONS);
        List<Double> before = new ArrayList<>();
        for (String pid : sessions) {
            before.add(processorSeconds(pid));
        }
        long begun = System.nanoTime();
        Thread.sleep(seconds * 1_000L);
        double passed = (System.nanoTime() - begun) / 1e9;
        List<Double> used = new ArrayList<>();
        for (int i = 0; i < sessions.size(); i++) {
            used.add((processorSeconds(sessions.get(i)) - before.get(i)) / passed);
        }
        return database.queryStrings(SESSIONS).equals(sessions) ? used : List.of();
    }

    /** How many of the receivers stream. */
    long following() throws SQLException {
        return database.queryLong(FOLLOWING);
    }

    private static double processorSeconds(String pid) throws IOException {
        String stat = Files.readString(Path.of("/proc", pid, "stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        return (Long.parseLong(fields[USER]) + Long.parseLong(fields[SYSTEM])) * TICK_SECONDS;
    }

    @Override
    public void close() throws SQLException {
        receivers.forEach(Process::destroy);
        for (Process receiver : receivers) {
            try {
                receiver.waitFor();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        while (database.queryLong("SELECT count(*) FROM pg_replication_slots WHERE active") > 0) {
            Thread.onSpinWait();
        }
        database.queryStrings("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots");
    }
}
