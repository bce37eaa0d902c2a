package dev.backfill.orchestrator.bench;

import dev.backfill.orchestrator.config.DatabaseSettings;
import dev.backfill.orchestrator.config.Settings;
import dev.backfill.orchestrator.config.SettingsReader;
import dev.backfill.orchestrator.processor.Plugins;
import dev.backfill.orchestrator.registry.JobFiles;
import dev.backfill.orchestrator.registry.LiveCheck;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.run.Checkpoints;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.run.Slice;
import dev.backfill.orchestrator.schedule.CronTimes;
import dev.backfill.orchestrator.site.Host;
import dev.backfill.orchestrator.site.Host.Library;
import dev.backfill.orchestrator.site.Site;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The engine at work on a table, in this process.
 *
 * @param work from the first slice to the last checkpoint
 * @param whole from nothing to the proof
 * @param batches how long each batch took
 */
record EngineRun(Duration work, Duration whole, List<Duration> batches) {

    /**
     * How it works.
     *
     * @param workers how many
     * @param synchronous whether a commit waits for the disk
     * @param verify what is verified, as in a job file
     */
    record Way(int workers, boolean synchronous, String verify) {

        /** With the proof that a run ends with. */
        Way(int workers, boolean synchronous) {
            this(workers, synchronous, "{ remaining: " + BenchTable.TODO + " }");
        }
    }

    /** The job file for a table. */
    static String job(Way way) {
        return """
                version: 1
                job: orders-total-cents
                table: orders
                range: { by: id }
                update:
                  set: { total_cents: (total * 100)::bigint }
                  where: %s
                verify: %s
                parallelism: %d
                """.formatted(BenchTable.TODO, way.verify(), way.workers());
    }

    /** The configuration for a table's database. */
    static String configuration(BenchTable table, Way way) {
        return "databases.main { url = \"%s\", synchronous-commit = %s }\nworkers = %d\n"
                .formatted(table.database().jdbcUrl(), way.synchronous() ? "on" : "off", way.workers());
    }

    /** Runs the job to its end; its own tables are made before. */
    static EngineRun of(BenchTable table, Way way) throws Exception {
        JobFiles files = new JobFiles(CronTimes::problem);
        LoadedJob job = files.read("job.yaml", job(way).getBytes(StandardCharsets.UTF_8))
                .jobs()
                .get(0);
        Path file = Files.createTempFile("bench", ".conf");
        Files.writeString(file, configuration(table, way));
        Settings settings = SettingsReader.read(file);
        DatabaseSettings main = settings.databases().values().iterator().next();
        Host host = Host.here(Timing.system(), new Library(files, new Plugins(settings.plugins())), way.workers());
        Watch watch = new Watch();
        try (Site site = new Site(host, settings, main)) {
            site.migrate();
            watch.begun = System.nanoTime();
            LiveCheck.Accepted accepted = (LiveCheck.Accepted) site.check(job);
            Run run = site.start(job).orElseThrow();
            Run ended = site.driveInForeground(run, accepted.statement(), watch, new Stop(Timing.system()));
            watch.ended = System.nanoTime();
            if (ended.state() != RunState.SUCCEEDED) {
                throw new AssertionError(
                        "the run is " + ended.state() + ": " + ended.details().reason());
            }
            table.database().execute("DROP SCHEMA backfill CASCADE");
        } finally {
            Files.delete(file);
        }
        return new EngineRun(
                Duration.ofNanos(watch.worked - watch.working),
                Duration.ofNanos(watch.ended - watch.begun),
                List.copyOf(watch.batches));
    }

    private static final class Watch implements RunListener {

        private final List<Duration> batches = Collections.synchronizedList(new ArrayList<>());
        private volatile long begun;
        private volatile long working;
        private volatile long worked;
        private volatile long ended;

        @Override
        public void batchCommitted(Slice slice, Checkpoints.Batch batch, Duration duration) {
            batches.add(duration);
        }

        @Override
        public void stateChanged(Run run) {
            if (run.state() == RunState.RUNNING) {
                working = System.nanoTime();
            } else if (run.state() == RunState.VERIFYING) {
                worked = System.nanoTime();
            }
        }
    }
}
