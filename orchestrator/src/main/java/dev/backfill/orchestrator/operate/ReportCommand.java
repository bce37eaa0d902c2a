package dev.backfill.orchestrator.operate;

import dev.backfill.orchestrator.client.AdminClient;
import dev.backfill.orchestrator.client.ExitCode;
import dev.backfill.orchestrator.client.RefusedException;
import dev.backfill.orchestrator.client.StoppedException;
import dev.backfill.orchestrator.words.Quantity;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Tells what runs have cost and waited for. */
@Command(
        name = "report",
        description =
                "Tells what the latest run of a job in each database, or one run, has cost and waited for: rows and rate,"
                        + " time held by reason, batches, what was written to the server's log, the worst lag, whom it made wait,"
                        + " and what is left to vacuum. Exit code 2 when there is no such job or run, 4 when the daemon does not"
                        + " answer.",
        mixinStandardHelpOptions = true)
public final class ReportCommand extends AdminCommand {

    private static final Pattern RUN = Pattern.compile("[0-9a-f-]{36}");

    @Parameters(paramLabel = "JOB|RUN", description = "The job's name, or the id of a run.")
    @SuppressWarnings("NullAway.Init")
    private String of;

    @Override
    ExitCode ask(AdminClient client) throws RefusedException, StoppedException {
        List<JsonNode> reports = new ArrayList<>();
        for (String run : runs(client)) {
            reports.add(client.get("/api/v1/runs/" + run + "/report", "held", "tables"));
        }
        if (isJson()) {
            tellJson(JsonMapper.shared()
                    .createObjectNode()
                    .set("reports", JsonMapper.shared().createArrayNode().addAll(reports)));
            return ExitCode.DONE;
        }
        if (reports.isEmpty()) {
            out().println("the job has never run; `backfill start " + of + "` makes a run");
        }
        reports.forEach(this::tell);
        return ExitCode.DONE;
    }

    private List<String> runs(AdminClient client) throws RefusedException, StoppedException {
        return RUN.matcher(of).matches()
                ? List.of(of)
                : client.get(AdminClient.job(of, ""), "runs")
                        .path("runs")
                        .valueStream()
                        .map(run -> Shown.text(run, "id"))
                        .toList();
    }

    private void tell(JsonNode report) {
        JsonNode rows = report.path("rows");
        JsonNode batches = report.path("batches");
        JsonNode victims = report.path("lock-victims");
        out().println(shown().heading("run " + Shown.text(report, "run") + " of " + Shown.text(report, "job") + " in "
                + Shown.text(report, "database") + ", revision " + Shown.text(report, "revision")));
        line("state", shown().state(report));
        line("started", Shown.text(report, "started"));
        line("finished", Shown.text(report, "finished"));
        line("lasted", Shown.duration(report.path("seconds")));
        line(
                "rows",
                Shown.text(rows, "scanned") + " scanned, " + Shown.text(rows, "changed") + " changed, "
                        + Shown.text(rows, "quarantined") + " in quarantine, " + Shown.orNothing(rows, "remaining")
                        + " remaining");
        line(
                "rate",
                report.path("rate").isNumber() ? Shown.text(report, "rate") + " rows/s with all it waited for" : "");
        line("held", held(report.path("held")));
        line(
                "batches",
                Shown.text(batches, "committed") + " committed, " + Shown.text(batches, "retried") + " tried again, "
                        + Shown.text(batches, "split") + " in parts, " + Shown.text(batches, "fenced") + " fenced off");
        line(
                "log",
                report.path("wal").isNumber() ? Quantity.size(report.path("wal").asLong()) : "");
        line("worst lag", report.path("worst-lag").isNumber() ? Shown.text(report, "worst-lag") + "s" : "");
        line(
                "made wait",
                victims.path("count").asLong() == 0
                        ? "nobody"
                        : Shown.text(victims, "count") + " sessions, each free within "
                                + Shown.orNothing(victims, "freed-within") + "s");
        tellDeadRows(report.path("tables"));
    }

    private void tellDeadRows(JsonNode tables) {
        tables.valueStream()
                .filter(table -> table.path("dead").asLong() > 0)
                .forEach(table -> line(
                        "dead rows",
                        Shown.text(table, "dead") + " in " + Shown.text(table, "table") + ": "
                                + Shown.text(table, "advice")));
    }

    private static String held(JsonNode held) {
        String reasons = held.valueStream()
                .map(each -> Shown.text(each, "reason") + " " + Shown.duration(each.path("seconds")))
                .collect(Collectors.joining(", "));
        return reasons.isEmpty() ? "never" : reasons;
    }

    private void line(String name, String value) {
        if (!value.isEmpty()) {
            out().printf("  %-11s  %s%n", name, value);
        }
    }
}
