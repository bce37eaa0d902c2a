package dev.backfill.orchestrator.bench.throttle;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.backfill.orchestrator.bench.Chart;
import dev.backfill.orchestrator.bench.Chart.Panel;
import dev.backfill.orchestrator.bench.Chart.Scale;
import dev.backfill.orchestrator.bench.Report;
import dev.backfill.orchestrator.bench.Trace;
import dev.backfill.orchestrator.bench.Trace.Point;
import dev.backfill.orchestrator.bench.throttle.Rules.Rule;
import dev.backfill.orchestrator.bench.throttle.StandbyTrial.Outcome;
import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.TestStandby;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What giving way is worth: the throttle beside the rules of others, on the same servers one after the other, in an order
 * that turns from round to round. {@code -Dseconds=} is how long each rule has, {@code -Drounds=} how often, {@code
 * -Dseed=} where the application's bursts begin, {@code -Donly=} an expression for the names of rules, to try these alone; {@code
 * -Dwindows=} and {@code -Dwindow=} are how many windows the application has, and how many seconds each.
 */
@Tag("bench")
class ThrottleBench {

    private static final double SECONDS = Double.parseDouble(System.getProperty("seconds", "70"));
    private static final int ROUNDS = Integer.getInteger("rounds", 3);
    private static final long SEED = Long.getLong("seed", 17);
    private static final String ONLY = System.getProperty("only", "");
    private static final int WINDOWS = Integer.getInteger("windows", 10);
    private static final int WINDOW = Integer.getInteger("window", 20);
    private static final int WATCHED = 30;
    private static final int TIMES = 5;
    private static final double BUDGET = 5;
    private static final Path FOUND = Path.of(System.getProperty("basedir", ""), "target", "bench");

    @TempDir
    private Path directory;

    @Test
    void standbys() throws Exception {
        Report report = new Report("The throttle, standbys, %.0f s a rule".formatted(SECONDS));
        Map<String, Trace> shown = new LinkedHashMap<>();
        try (StandbyPlant plant = StandbyPlant.start(directory)) {
            StandbyTrial trial = new StandbyTrial(plant, directory, SECONDS);
            double bytes = trial.bytesOfRow();
            report.add("bytes of WAL a row", bytes);
            Map<String, Rule> rules = new LinkedHashMap<>();
            rules.put(Rules.OURS, (on, rows) -> ours(on, "foreground = off"));
            rules.put(Rules.BRIEF, (on, rows) -> ours(on, "foreground = on"));
            rules.putAll(Rules.ofOthers());
            rules.keySet().removeIf(name -> !name.matches(".*(" + ONLY + ").*"));
            List<String> order = new ArrayList<>(rules.keySet());
            trial.warmUp();
            for (int round = 0; round < ROUNDS; round++) {
                for (String name : order) {
                    Outcome outcome = trial.of(requireNonNull(rules.get(name)), SEED + round);
                    note(report, name, outcome, bytes);
                    shown.put(name, outcome.trace());
                    outcome.trace().write(FOUND.resolve("lag " + name.replaceAll("\\W+", "-") + ".csv"));
                }
                Collections.rotate(order, 1);
                table(report, rules.keySet());
            }
            if (ONLY.isEmpty()) {
                compare(report);
            }
            report.publish();
        }
        if (ONLY.isEmpty()) {
            picture(shown);
        }
    }

    private Ours ours(StandbyPlant on, String foreground) throws Exception {
        return Ours.start(
                        directory,
                        on.primary(),
                        "databases.main.throttle { replication-lag.budget = 5s, " + foreground + " }")
                .ready(Rules.WRITERS);
    }

    @Test
    void foreground() throws Exception {
        Report report = new Report("The throttle, foreground, windows of %d s".formatted(WINDOW));
        try (OwnServer server = OwnServer.start(
                        directory,
                        "fsync=on",
                        "shared_buffers=1GB",
                        "max_wal_size=16GB",
                        "checkpoint_timeout=1h",
                        "autovacuum=off");
                TestDatabase database = server.postgres().newDatabase();
                ForegroundTrial trial = new ForegroundTrial(directory, database, WINDOW)) {
            double capacity = trial.capacity();
            report.add("capacity, transactions/s", capacity);
            for (int round = 0; round < WINDOWS; round++) {
                trial.round(round, capacity, report);
            }
        }
        double ours = report.median(ForegroundTrial.rise(ForegroundTrial.OURS));
        report.atMost(
                "rise of p95, ours to the loop's",
                0.5,
                ours / report.median(ForegroundTrial.rise(ForegroundTrial.LOOP)));
        for (String name : List.of(ForegroundTrial.OURS, ForegroundTrial.KNOWING)) {
            report.atMost(
                    name + ": longest wait for a lock of ours, s",
                    1,
                    report.largest(name + ": longest wait for a lock of ours, s"));
        }
        report.publish();
    }

    @Test
    void the_cost_of_watching() throws Exception {
        assumeTrue(Files.isExecutable(Watching.RECEIVER), "there is no pg_receivewal: install postgresql-client-15");
        Report report = new Report("The throttle, cost of watching");
        try (TestDatabase database = TestPostgres.version(15).newDatabase()) {
            StandbyPlant.create(database, 400_000);
            try (Watching watching = Watching.start(directory, database);
                    Ours ours = Ours.start(directory, database, "databases.main.throttle.slot-retention = on")) {
                ours.register(Ours.job("batch: { rows-per-second: 5000 }\n"));
                Thread.sleep(3_000);
                long before = StandbyPlant.changed(database);
                List<Double> used = watching.use(WATCHED);
                report.add("receivers", (double) watching.following());
                report.add("rows a second", (double) (StandbyPlant.changed(database) - before) / WATCHED);
                used.forEach(part -> report.add("one session that looks, % of a core", part * 100));
                double all = used.stream().mapToDouble(Double::doubleValue).sum() * 100;
                report.atMost("all that look, % of a core", 1, used.isEmpty() ? Double.NaN : all);
            }
        }
        report.publish();
    }

    @Test
    void reaction_times() throws Exception {
        Report report = new Report("The throttle, reaction times");
        try (StandbyPlant plant = StandbyPlant.start(directory)) {
            plant.renew(1_000_000);
            String expected = "databases.main.standbys = [" + TestStandby.NAME + "]";
            try (Reactions quick = new Reactions(plant, Ours.start(directory, plant.primary(), expected), report)) {
                quick.register(Reactions.quickBatches());
                for (int i = 0; i < TIMES; i++) {
                    quick.standbyIsKilled();
                    quick.pauseIsSaid();
                }
            }
            plant.primary().execute("DROP SCHEMA backfill CASCADE");
            try (Reactions slow = new Reactions(plant, Ours.start(directory, plant.primary()), report)) {
                slow.register(Reactions.longBatches());
                for (int i = 0; i < TIMES; i++) {
                    slow.somebodyWaits();
                }
            }
        }
        report.atMost(Reactions.HOLD + ", the worst", 1, report.largest(Reactions.HOLD));
        report.atMost(Reactions.SAID + ", the worst", 1, report.largest(Reactions.SAID));
        report.atMost(Reactions.PAUSE + ", the worst", 1, report.largest(Reactions.PAUSE));
        report.atMost(Reactions.RELEASE + ", the worst", 1, report.largest(Reactions.RELEASE));
        report.publish();
    }

    private static void note(Report report, String rule, Outcome outcome, double bytes) {
        Trace trace = outcome.trace();
        report.add(rule + ": % of the time over", trace.over(BUDGET) * 100);
        report.add(rule + ": median lag, s", trace.quantile(0.5));
        report.add(rule + ": p99 lag, s", trace.quantile(0.99));
        report.add(rule + ": largest lag, s", trace.quantile(1));
        report.add(rule + ": own MB/s", outcome.rows() * bytes / 1e6);
        report.add(rule + ": own rows/s", outcome.rows());
    }

    private static void compare(Report report) {
        double own = report.median(Rules.OURS + ": own MB/s");
        report.atMost("ours, % of the time over", 0.5, report.median(Rules.OURS + ": % of the time over"));
        report.atLeast("gh-ost's, % of the time over", 10, report.median(Rules.GH_OST + ": % of the time over"));
        report.atMost("ours, p99 lag, s", 0.8 * BUDGET, report.median(Rules.OURS + ": p99 lag, s"));
        report.atLeast("ours, bytes to gh-ost's", 0.95, own / report.median(Rules.GH_OST + ": own MB/s"));
        report.atLeast("ours, bytes to AIMD's", 1.05, own / report.median(Rules.AIMD + ": own MB/s"));
    }

    private static void table(Report report, Iterable<String> rules) {
        StringBuilder text = new StringBuilder(
                "\n| rule | own MB/s | own rows/s | time over 5 s | median lag | p99 | largest |\n| --- | --- | --- | --- | --- | --- | --- |\n");
        for (String rule : rules) {
            text.append(String.format(
                    Locale.ROOT,
                    "| %s | %.1f | %,.0f | %.1f %% | %.1f s | %.1f s | %.1f s |%n",
                    rule,
                    report.median(rule + ": own MB/s"),
                    report.median(rule + ": own rows/s"),
                    report.median(rule + ": % of the time over"),
                    report.median(rule + ": median lag, s"),
                    report.median(rule + ": p99 lag, s"),
                    report.median(rule + ": largest lag, s")));
        }
        System.out.println(text);
    }

    private static void picture(Map<String, Trace> traces) throws Exception {
        List<Panel> others = new ArrayList<>();
        traces.forEach((name, trace) -> {
            if (!Set.of(Rules.OURS, Rules.BRIEF, Rules.NOBODY).contains(name)) {
                others.add(lag(name, trace, "#7f6a9c"));
            }
        });
        Trace ours = requireNonNull(traces.get(Rules.OURS));
        double most = ours.rates().stream().mapToDouble(Point::value).max().orElse(1);
        double step = Math.pow(10, Math.floor(Math.log10(most))) * 2;
        Scale scale =
                new Scale(Math.ceil(most / step) * step / 1_000, step / 1_000, "k", "#2471a3", OptionalDouble.empty());
        List<Point> thousands = ours.rates().stream()
                .map(point -> new Point(point.at(), point.value() / 1_000))
                .toList();
        Chart chart = new Chart(SECONDS);
        for (int i = 0; i < others.size(); i += 3) {
            chart.row(others.subList(i, Math.min(others.size(), i + 3)));
        }
        chart.row(List.of(lag(Rules.OURS, ours, "#1e8449")))
                .row(List.of(new Panel(
                        "ours, own rate",
                        "rows a second; at the dotted line the standby's replay goes from 35 % of the time to 15 %",
                        thousands,
                        scale)))
                .write(FOUND.resolve("throttling-lag.svg"), "Lag of the standby over time, by rule; budget 5 s");
    }

    private static Panel lag(String name, Trace trace, String color) {
        String note = String.format(
                Locale.ROOT,
                "over budget %.0f %% of the time, largest %.1f s",
                trace.over(BUDGET) * 100,
                trace.quantile(1));
        return new Panel(name, note, trace.lags(), new Scale(15, 5, " s", color, OptionalDouble.of(BUDGET)));
    }
}
