package dev.backfill.orchestrator.bench.throttle;

import dev.backfill.orchestrator.bench.throttle.Rules.Deadline;
import dev.backfill.orchestrator.functional.Daemon;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** The real daemon in a process of its own, with one job that changes every row, by defaults. Closing it ends it. */
final class Ours implements Rules.Work {

    private static final String JOB = "measures-n";

    private final Daemon daemon;

    private Ours(Daemon daemon) {
        this.daemon = daemon;
    }

    /** Starts it on a database, with these lines in its configuration; nothing is registered yet. */
    static Ours start(Path directory, TestDatabase database, String... lines) throws IOException {
        Path own = Files.createTempDirectory(directory, "daemon");
        return new Ours(Daemon.start(own, Map.of("main", database.jdbcUrl()), lines));
    }

    /** The job, with more lines or without. */
    static String job(String more) {
        return """
                version: 1
                job: %s
                table: %s
                range: { by: id }
                update:
                  set: { n: n + 1 }
                  where: "true"
                verify: none
                """.formatted(JOB, StandbyPlant.TABLE) + more;
    }

    /** Registers the job, which starts it once; with the same content again nothing happens. */
    void register(String yaml) {
        daemon.register(JOB, yaml);
    }

    /** Says a verb to the job. */
    void say(String verb) {
        daemon.say(verb, JOB);
    }

    /** Has it cut its range, and hold before its first row: the others have connected when their time begins. */
    Ours ready(int workers) {
        daemon.post("/api/v1/pause", "{\"reason\": \"the time has not begun\"}");
        register(job("parallelism: " + workers + "\n"));
        daemon.awaitRun(JOB, run -> !daemon.state(JOB).isEmpty());
        go(); // it has ended when another rule has had its turn
        daemon.awaitRun(JOB, run -> daemon.heldBy(JOB).equals("stopped"));
        return this;
    }

    /** Has the job move, from its beginning when it has ended. */
    void go() {
        switch (daemon.state(JOB)) {
            case "PAUSED" -> say("resume");
            case "SUCCEEDED", "CANCELLED", "FAILED" -> say("start");
            case "" -> register(job(""));
            default -> {}
        }
    }

    Daemon daemon() {
        return daemon;
    }

    /** The name of its job. */
    static String jobName() {
        return JOB;
    }

    @Override
    public void until(Deadline end) throws InterruptedException {
        daemon.post("/api/v1/resume");
        while (!end.isOver()) {
            go();
            end.pause(1);
        }
        daemon.post("/api/v1/jobs/" + JOB + "/cancel");
    }

    @Override
    public void close() {
        daemon.close();
    }
}
