package dev.backfill.orchestrator.testing;

import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/**
 * Slows a standby's replay: its startup process is stopped and continued by signals, ten times a second. Closing it lets
 * the process go on.
 */
public final class ReplayLimit implements AutoCloseable {

    private static final double PERIOD_MILLIS = 100;

    private final Process shell;
    private final Writer commands;
    private final long startup;
    private final Thread thread;
    private volatile double share = 1;

    private ReplayLimit(Process shell, long startup) {
        this.shell = shell;
        this.commands = shell.outputWriter(StandardCharsets.UTF_8);
        this.startup = startup;
        this.thread = new Thread(this::turn, "replay limit");
        thread.setDaemon(true);
    }

    /** Of the standby whose data is there; without a limit yet. */
    public static ReplayLimit of(Path data) throws IOException {
        Process shell = new ProcessBuilder("sh").start(); // its kill is built in: nothing is started for a signal
        ReplayLimit limit = new ReplayLimit(shell, startup(postmaster(data)));
        limit.thread.start();
        return limit;
    }

    /** The process id of the server whose data is there. */
    public static long postmaster(Path data) throws IOException {
        return Long.parseLong(
                Files.readAllLines(data.resolve("postmaster.pid")).get(0).strip());
    }

    /** Lets the standby replay for this part of the time, 0 to 1. */
    public void to(double part) {
        share = part;
    }

    private static long startup(long postmaster) throws IOException {
        List<ProcessHandle> children = ProcessHandle.of(postmaster).stream()
                .flatMap(ProcessHandle::children)
                .toList();
        for (ProcessHandle child : children) {
            if (title(child.pid()).startsWith("postgres: startup")) {
                return child.pid();
            }
        }
        throw new IllegalStateException("the standby " + postmaster + " has no startup process: " + children);
    }

    private static String title(long pid) throws IOException {
        try {
            return Files.readString(Path.of("/proc", Long.toString(pid), "cmdline"));
        } catch (NoSuchFileException e) {
            return "";
        }
    }

    private void turn() {
        try {
            while (true) {
                double part = share;
                signal("CONT");
                sleep(PERIOD_MILLIS * part);
                if (part < 1) {
                    signal("STOP");
                    sleep(PERIOD_MILLIS * (1 - part));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            throw new IllegalStateException("the shell that sends signals is gone", e);
        }
    }

    private void signal(String name) throws IOException {
        commands.write("kill -" + name + " " + startup + "\n");
        commands.flush();
    }

    private static void sleep(double millis) throws InterruptedException {
        Thread.sleep((long) millis, (int) (millis % 1 * 1e6));
    }

    @Override
    public void close() throws IOException {
        thread.interrupt();
        try {
            thread.join();
            signal("CONT");
            commands.close();
            shell.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
