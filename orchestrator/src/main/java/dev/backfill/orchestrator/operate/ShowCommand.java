package dev.backfill.orchestrator.operate;

import dev.backfill.orchestrator.client.AdminClient;
import dev.backfill.orchestrator.client.ExitCode;
import dev.backfill.orchestrator.client.RefusedException;
import dev.backfill.orchestrator.client.StoppedException;
import dev.backfill.orchestrator.words.Table;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** Shows a job. */
@Command(
        name = "show",
        description = {
            "Shows a job: its latest runs, what they wait for and why, and what happened.",
            "Exit code 2 when there is no such job, 4 when the daemon or one of its databases does not answer."
        },
        mixinStandardHelpOptions = true)
public final class ShowCommand extends AdminCommand {

    private static final int EVENTS = 10;

    @Parameters(paramLabel = "JOB", description = "The job's name.")
    @SuppressWarnings("NullAway.Init")
    private String job;

    @Override
    ExitCode ask(AdminClient client) throws RefusedException, StoppedException {
        JsonNode answer = client.get(AdminClient.job(job, ""), "runs");
        if (isJson()) {
            tellJson(answer);
            return ExitCode.DONE;
        }
        JsonNode runs = client.get(AdminClient.job(job, "/runs?limit=20"), "runs", "away");
        JsonNode events = EventsCommand.latest(client, Optional.of(job), EVENTS);
        tellJob(answer);
        answer.path("runs").forEach(this::tellRun);
        Set<String> latest = answer.path("runs")
                .valueStream()
                .map(run -> Shown.text(run, "id"))
                .collect(Collectors.toSet());
        tellEarlier(runs.path("runs")
                .valueStream()
                .filter(run -> !latest.contains(Shown.text(run, "id")))
                .toList());
        tellUnder(
                "events",
                events.path("events").isEmpty()
                        ? List.of()
                        : EventsCommand.table(events).lines());
        return tellAway(runs);
    }

    private void tellJob(JsonNode answer) {
        out().println(shown().heading(
                        "job " + Shown.text(answer, "job") + ", revision " + Shown.text(answer, "revision")));
        line("description", Shown.text(answer, "description"));
        line("labels", Shown.members(answer.path("labels")));
        line("registered", Shown.time(answer, "registered") + ", from " + Shown.text(answer, "origin"));
        line("schedule", Shown.members(answer.path("schedule")));
        if (answer.path("runs").isEmpty()) {
            line("runs", "none yet; `backfill start " + job + "` makes one");
        }
    }

    private void tellRun(JsonNode run) {
        Shown shown = shown();
        out().println();
        out().println(shown.heading("database " + Shown.text(run, "database") + ", run " + Shown.text(run, "id")));
        line("state", shown.state(run) + ", revision " + Shown.text(run, "revision"));
        line("reason", Shown.text(run, "reason"));
        if (run.path("hold").isObject()) {
            line("hold", hold(run, shown));
        }
        line("progress", Shown.part(run.path("progress")));
        line("rows", rows(run.path("rows")));
        if (run.path("eta").isNumber()) {
            line("eta", eta(run));
        }
        line("created", Shown.time(run, "created"));
        line("planned for", Shown.time(run, "scheduled-for"));
        line("started", Shown.time(run, "started"));
        line("finished", Shown.time(run, "finished"));
    }

    private static String hold(JsonNode run, Shown shown) {
        JsonNode hold = run.path("hold");
        String value = Shown.text(hold, "value");
        String limit = Shown.text(hold, "limit");
        return shown.hold(run) + " since " + Shown.time(hold, "since") + ": " + Shown.text(hold, "detail")
                + (value.isEmpty() ? "" : "; read now: " + value)
                + (limit.isEmpty() ? "" : ", limit " + limit);
    }

    private static String rows(JsonNode rows) {
        return Shown.text(rows, "scanned") + " scanned, " + Shown.text(rows, "changed") + " changed, "
                + Shown.text(rows, "quarantined") + " in quarantine, " + Shown.orNothing(rows, "remaining")
                + " remaining";
    }

    private static String eta(JsonNode run) {
        JsonNode range = run.path("eta-range");
        return Shown.duration(run.path("eta"))
                + (range.isArray()
                        ? ", from " + Shown.duration(range.path(0)) + " to " + Shown.duration(range.path(1))
                        : "");
    }

    private void tellEarlier(List<JsonNode> runs) {
        Table table = new Table("CREATED", "DATABASE", "RUN", "REVISION", "STATE", "CHANGED", "FINISHED");
        for (JsonNode run : runs) {
            table.add(
                    Shown.timeOrNothing(run, "created"),
                    Shown.orNothing(run, "database"),
                    Shown.orNothing(run, "id"),
                    Shown.orNothing(run, "revision"),
                    shown().state(run),
                    Shown.orNothing(run.path("rows"), "changed"),
                    Shown.timeOrNothing(run, "finished"));
        }
        tellUnder("runs before", runs.isEmpty() ? List.of() : table.lines());
    }

    private void tellUnder(String heading, List<String> lines) {
        if (!lines.isEmpty()) {
            out().println();
            out().println(shown().heading(heading));
            lines.forEach(line -> out().println("  " + line));
        }
    }

    private void line(String name, String value) {
        if (!value.isEmpty()) {
            out().printf("  %-11s  %s%n", name, value);
        }
    }
}
