package dev.backfill.orchestrator.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;

/** How much processor time a server has used, all its sessions together; on Linux only. */
record ServerCpu(long postmaster) {

    private static final long TICK_MILLIS = 10;
    private static final int USER = 11;
    private static final int SYSTEM = 12;
    private static final int CHILDREN_USER = 13;
    private static final int CHILDREN_SYSTEM = 14;

    /** Of the server whose data is there. */
    static ServerCpu of(Path data) throws IOException {
        return new ServerCpu(Long.parseLong(
                Files.readAllLines(data.resolve("postmaster.pid")).get(0).strip()));
    }

    /** Since it was started. */
    Duration used() throws IOException {
        long ticks = ticks(postmaster, USER) + ticks(postmaster, SYSTEM);
        ticks += ticks(postmaster, CHILDREN_USER) + ticks(postmaster, CHILDREN_SYSTEM);
        for (ProcessHandle child : ProcessHandle.of(postmaster).stream()
                .flatMap(ProcessHandle::children)
                .toList()) {
            ticks += ticks(child.pid(), USER) + ticks(child.pid(), SYSTEM);
        }
        return Duration.ofMillis(ticks * TICK_MILLIS);
    }

    private static long ticks(long pid, int field) throws IOException {
        try {
            String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
            return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[field]);
        } catch (NoSuchFileException e) {
            return 0; // its time is now among that of its parent's children
        }
    }
}
