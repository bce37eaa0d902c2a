package dev.backfill.orchestrator.operate;

import dev.backfill.orchestrator.client.AdminClient;
import dev.backfill.orchestrator.client.ExitCode;
import dev.backfill.orchestrator.client.Pages;
import dev.backfill.orchestrator.client.RefusedException;
import dev.backfill.orchestrator.client.StoppedException;
import dev.backfill.orchestrator.words.Table;
import picocli.CommandLine.Command;
import tools.jackson.databind.JsonNode;

/** Lists the jobs. */
@Command(
        name = "list",
        description = {
            "Lists the jobs of a daemon, each with its latest run in every database.",
            "Exit code 4 when the daemon or one of its databases does not answer."
        },
        mixinStandardHelpOptions = true)
public final class ListCommand extends AdminCommand {

    private static final String JOBS = "jobs";

    @Override
    ExitCode ask(AdminClient client) throws RefusedException, StoppedException {
        JsonNode answer = new Pages(client, "/api/v1/jobs?limit=200", JOBS).last(Integer.MAX_VALUE);
        if (isJson()) {
            tellJson(answer);
        } else if (answer.path(JOBS).isEmpty()) {
            out().println("no job is registered; `backfill apply FILE` registers one");
        } else {
            Shown shown = shown();
            table(answer.path(JOBS), shown).lines().forEach(out()::println);
        }
        return tellAway(answer);
    }

    private static Table table(JsonNode jobs, Shown shown) {
        Table table = new Table("JOB", "DATABASE", "STATE", "PROGRESS", "CHANGED", "REMAINING", "ETA", "HOLD");
        for (JsonNode job : jobs) {
            String name = Shown.orNothing(job, "job");
            if (job.path("runs").isEmpty()) {
                String none = Shown.NOTHING;
                table.add(name, none, none, none, none, none, none, none);
            }
            for (JsonNode run : job.path("runs")) {
                table.add(
                        name,
                        Shown.orNothing(run, "database"),
                        shown.state(run),
                        Shown.part(run.path("progress")),
                        Shown.orNothing(run.path("rows"), "changed"),
                        Shown.orNothing(run.path("rows"), "remaining"),
                        Shown.duration(run.path("eta")),
                        shown.hold(run));
            }
        }
        return table;
    }
}
