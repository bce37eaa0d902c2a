package dev.backfill.orchestrator.bench;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.bench.EngineRun.Way;
import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * How fast the engine is beside what others write by hand: on the same rows, one after the other in an order that turns from
 * round to round. {@code -Dscale=0.1} takes a tenth of the rows, {@code -Drounds=} other than five rounds.
 */
@Tag("bench")
class SpeedBench {

    private static final double SCALE = Double.parseDouble(System.getProperty("scale", "1"));
    private static final int ROUNDS = Integer.getInteger("rounds", 5);
    private static final int MILLION = 1_000_000;
    private static final String SINGLE = "(b) one UPDATE of the whole table";
    private static final String LOOP = "(d) JDBC loop, 1 connection";
    private static final String LOOP_TWO = "(d) JDBC loop, 2 connections";
    private static final String ENGINE = "(a) engine, 2 workers";

    /** The options of the JVM in {@code ./backfill}, where they differ from those of the tests' processes. */
    private static final List<String> OF_THE_SCRIPT = List.of(
            "-XX:TieredStopAtLevel=4",
            "-XX:Tier4InvocationThreshold=50000",
            "-XX:Tier4MinInvocationThreshold=6000",
            "-XX:Tier4CompileThreshold=150000",
            "-XX:Tier4BackEdgeThreshold=400000");

    @TempDir
    private static Path directory;

    private static OwnServer server;
    private static TestDatabase database;

    /** One of those that are compared; answers the seconds that count. */
    private interface Competitor {
        double run(BenchTable table) throws Exception;
    }

    /** Something that is timed from its beginning to its end. */
    private interface Work {
        void on(BenchTable table) throws Exception;
    }

    @BeforeAll
    static void start() throws Exception {
        server = OwnServer.start(
                directory,
                "fsync=on",
                "shared_buffers=2GB",
                "max_wal_size=8GB",
                "checkpoint_timeout=30min",
                "track_io_timing=off");
        database = server.postgres().newDatabase();
    }

    @AfterAll
    static void stop() throws Exception {
        server.crash();
    }

    @Test
    void in_engine() throws Exception {
        BenchTable table = new BenchTable(database, BenchTable.Key.BIGINT, rows(2), 1);
        Report report = new Report("In-engine, seconds for %,d rows by a bigint key".formatted(table.rows()));
        Map<String, Competitor> competitors = new LinkedHashMap<>();
        for (int workers : new int[] {1, 2, 4}) {
            competitors.put(engine(workers), measured(report, new Way(workers, false)));
            competitors.put(
                    engine(workers) + ", synchronous",
                    bench -> seconds(EngineRun.of(bench, new Way(workers, true)).work()));
        }
        competitors.put(SINGLE, timed(Competitors::singleUpdate));
        competitors.put("(c) PL/pgSQL loop, 10,000 rows a commit", timed(Competitors::plpgsqlLoop));
        competitors.put(LOOP, timed(bench -> Competitors.jdbcLoop(bench, 1)));
        competitors.put(LOOP_TWO, timed(bench -> Competitors.jdbcLoop(bench, 2)));
        competitors.put("(e) in the manner of pgroll", bench -> {
            Competitors.prepareMarked(bench);
            return timed(Competitors::marked).run(bench);
        });
        compare(report, table, competitors);

        report.atLeast("2 workers to (b)", 1.5, report.ratio(ENGINE, SINGLE));
        report.atLeast("2 workers to (d), 1 connection", 1.5, report.ratio(ENGINE, LOOP));
        report.atLeast("2 workers to (d), 2 connections", 1.0, report.ratio(ENGINE, LOOP_TWO));
        report.atLeast("1 worker to (b)", 0.9, report.ratio(engine(1), SINGLE));
        report.atMost("own processor time to the server's", 0.1, report.median("own processor time, 2 workers"));
        report.atMost(
                "median batch off its target", 0.25, Math.abs(report.median("median batch, 1 worker, ms") / 250 - 1));
        report.publish();
    }

    @Test
    void the_whole_process() throws Exception {
        BenchTable table = new BenchTable(database, BenchTable.Key.BIGINT, rows(6), 1);
        Report report = new Report("The whole process of run, seconds for %,d rows".formatted(table.rows()));
        String run = "(a) backfill run, 2 workers, with JVM and proof";
        compare(report, table, Map.of(run, timed(SpeedBench::process), SINGLE, timed(Competitors::singleUpdate)));
        report.atLeast("to (b)", 1.25, report.ratio(run, SINGLE));
        report.publish();
    }

    @Test
    void a_random_key() throws Exception {
        BenchTable table = new BenchTable(database, BenchTable.Key.UUID, rows(2), 1);
        Report report = new Report("Random uuid key, seconds for %,d rows".formatted(table.rows()));
        compare(report, table, againstTheLoop());
        report.atLeast("2 workers to (d), 1 connection", 1.2, report.ratio(ENGINE, LOOP));
        report.publish();
    }

    @Test
    void one_row_in_a_thousand() throws Exception {
        BenchTable table = new BenchTable(database, BenchTable.Key.BIGINT, rows(10), 1_000);
        Report report = new Report("One row in 1,000, seconds for %,d rows".formatted(table.rows()));
        compare(report, table, againstTheLoop());
        report.atLeast("2 workers to (d), 1 connection", 2.5, report.ratio(ENGINE, LOOP));
        report.publish();
    }

    @Test
    void growth() throws Exception {
        Report report = new Report("Growth");
        List<Double> buffers = new ArrayList<>();
        for (int millions : new int[] {1, 16}) {
            BenchTable table = new BenchTable(database, BenchTable.Key.BIGINT, rows(millions), 1);
            table.renew();
            long before = table.buffers();
            try (HeapWatch heap = HeapWatch.start()) {
                EngineRun.of(table, new Way(16, false, "none"));
                report.add("heap above that at start, MB, %d million rows".formatted(millions), heap.most());
            }
            Thread.sleep(2_000); // sessions tell what they did a second later
            double each = (table.buffers() - before) / (table.rows() / 1_000.0);
            buffers.add(each);
            report.add("buffers a 1,000 rows, %d million rows".formatted(millions), each);
            table.requireDone();
        }
        report.atMost("difference of the buffers", 0.05, Math.abs(buffers.get(1) / buffers.get(0) - 1));
        report.atMost("heap, MB", 40, report.median("heap above that at start, MB, 16 million rows"));
        report.publish();
    }

    @Test
    void checkpoints() throws Exception {
        BenchTable table = new BenchTable(database, BenchTable.Key.BIGINT, rows(2), 1);
        table.renew();
        Report report = new Report("Checkpoints");
        database.execute("ALTER DATABASE " + database.name() + " SET log_min_duration_statement = 0");
        int before = server.log().length();
        EngineRun run = EngineRun.of(table, new Way(1, false));
        database.execute("ALTER DATABASE " + database.name() + " RESET log_min_duration_statement");
        List<Double> checkpoints = ServerLog.durations(server.log().substring(before), "backfill.slice SET");
        assertThat(checkpoints).hasSizeGreaterThan(10);
        checkpoints.forEach(each -> report.add("a checkpoint, ms", each));
        run.batches().forEach(batch -> report.add("a batch, ms", batch.toNanos() / 1e6));
        report.atMost("a checkpoint, ms", 0.5, report.median("a checkpoint, ms"));
        report.atMost("part of a batch", 0.03, report.median("a checkpoint, ms") / report.median("a batch, ms"));
        report.publish();
    }

    private static Map<String, Competitor> againstTheLoop() {
        Map<String, Competitor> competitors = new LinkedHashMap<>();
        competitors.put(
                ENGINE, bench -> seconds(EngineRun.of(bench, new Way(2, false)).work()));
        competitors.put(LOOP, timed(bench -> Competitors.jdbcLoop(bench, 1)));
        competitors.put(LOOP_TWO, timed(bench -> Competitors.jdbcLoop(bench, 2)));
        competitors.put(SINGLE, timed(Competitors::singleUpdate));
        return competitors;
    }

    private static void compare(Report report, BenchTable table, Map<String, Competitor> competitors) throws Exception {
        List<String> order = new ArrayList<>(competitors.keySet());
        for (int round = 0; round < ROUNDS; round++) {
            for (String name : order) {
                table.renew();
                report.add(name, requireNonNull(competitors.get(name)).run(table));
                table.requireDone();
            }
            Collections.rotate(order, 1);
        }
    }

    private static Competitor timed(Work work) {
        return table -> {
            long begun = System.nanoTime();
            work.on(table);
            return (System.nanoTime() - begun) / 1e9;
        };
    }

    /** With what else is of interest about the engine's work. */
    private static Competitor measured(Report report, Way way) {
        return table -> {
            ServerCpu cpu = ServerCpu.of(directory.resolve("data"));
            Duration server = cpu.used();
            Duration own = ownCpu();
            EngineRun run = EngineRun.of(table, way);
            double part = (double) ownCpu().minus(own).toNanos()
                    / cpu.used().minus(server).toNanos();
            String workers = way.workers() == 1 ? "1 worker" : way.workers() + " workers";
            report.add("own processor time, " + workers, part);
            report.add("with slicing and proof, " + workers, seconds(run.whole()));
            report.add(
                    "median batch, " + workers + ", ms",
                    Report.median(run.batches().stream()
                            .map(batch -> batch.toNanos() / 1e6)
                            .toList()));
            return seconds(run.work());
        };
    }

    private static void process(BenchTable table) throws Exception {
        Way way = new Way(2, false);
        Path job = Files.writeString(directory.resolve("job.yaml"), EngineRun.job(way));
        Path config = Files.writeString(directory.resolve("bench.conf"), EngineRun.configuration(table, way));
        BackfillProcess.Builder builder =
                BackfillProcess.builder("run", job.toString(), "--config", config.toString(), "--again");
        OF_THE_SCRIPT.forEach(builder::option);
        try (BackfillProcess process = builder.start()) {
            assertThat(process.waitFor(Duration.ofMinutes(10)))
                    .as(process.toString())
                    .isZero();
        }
    }

    private static Duration ownCpu() {
        return ProcessHandle.current().info().totalCpuDuration().orElseThrow();
    }

    private static String engine(int workers) {
        return "(a) engine, " + workers + (workers == 1 ? " worker" : " workers");
    }

    private static double seconds(Duration duration) {
        return duration.toNanos() / 1e9;
    }

    private static long rows(int millions) {
        return Math.max(1_000, (long) (millions * MILLION * SCALE));
    }

    /** The most that the heap holds after a full collection, above what it held at the start; in megabytes. */
    private record HeapWatch(double before, List<Double> seen, Thread thread) implements AutoCloseable {

        static HeapWatch start() {
            List<Double> seen = Collections.synchronizedList(new ArrayList<>());
            double before = used();
            Thread thread = new Thread(() -> {
                try {
                    while (true) {
                        Thread.sleep(2_000);
                        seen.add(used());
                    }
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            thread.setDaemon(true);
            thread.start();
            return new HeapWatch(before, seen, thread);
        }

        private static double used() {
            System.gc();
            return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() / 1e6;
        }

        double most() {
            return seen.stream().mapToDouble(Double::doubleValue).max().orElse(used()) - before;
        }

        @Override
        public void close() {
            thread.interrupt();
        }
    }
}
