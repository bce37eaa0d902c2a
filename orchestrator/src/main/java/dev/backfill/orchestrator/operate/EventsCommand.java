package dev.backfill.orchestrator.operate;

import dev.backfill.orchestrator.client.AdminClient;
import dev.backfill.orchestrator.client.ExitCode;
import dev.backfill.orchestrator.client.Pages;
import dev.backfill.orchestrator.client.RefusedException;
import dev.backfill.orchestrator.client.StoppedException;
import dev.backfill.orchestrator.words.Table;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/** Tells what happened. */
@Command(
        name = "events",
        description = {
            "Tells what happened, the latest last.",
            "Exit code 4 when the daemon or one of its databases does not answer."
        },
        mixinStandardHelpOptions = true)
public final class EventsCommand extends AdminCommand {

    private static final String EVENTS = "events";

    @Option(names = "--job", paramLabel = "JOB", description = "Only of this job.")
    private Optional<String> job = Optional.empty();

    @Option(
            names = "--limit",
            paramLabel = "N",
            defaultValue = "100",
            description = "How many, the latest. Default: ${DEFAULT-VALUE}.")
    private int limit;

    @Override
    ExitCode ask(AdminClient client) throws RefusedException, StoppedException {
        if (limit < 1) {
            throw RefusedException.askedWrongly("--limit must be 1 or more");
        }
        JsonNode answer = latest(client, job, limit);
        if (isJson()) {
            tellJson(answer);
        } else if (answer.path(EVENTS).isEmpty()) {
            out().println("nothing has happened"
                    + job.map(name -> " with job " + name).orElse(""));
        } else {
            table(answer).lines().forEach(out()::println);
        }
        return tellAway(answer);
    }

    /** The latest events, as one page. */
    static JsonNode latest(AdminClient client, Optional<String> job, int most)
            throws RefusedException, StoppedException {
        String of = job.map(name -> "&job=" + AdminClient.encoded(name)).orElse("");
        return new Pages(client, "/api/v1/events?limit=1000" + of, EVENTS).last(most);
    }

    /** A page of events. */
    static Table table(JsonNode page) {
        Table table = new Table("TIME", "DATABASE", "SUBJECT", "CHANGE", "WHO", "DETAIL");
        for (JsonNode event : page.path(EVENTS)) {
            table.add(
                    Shown.timeOrNothing(event, "time"),
                    Shown.orNothing(event, "database"),
                    subject(event.path("subject")),
                    change(event),
                    Shown.orNothing(event, "who"),
                    Shown.members(event.path("detail")));
        }
        return table;
    }

    private static String subject(JsonNode subject) {
        return (Shown.text(subject, "kind") + " " + Shown.text(subject, "name")).strip();
    }

    private static String change(JsonNode event) {
        String from = Shown.text(event, "from");
        return (from.isEmpty() ? "" : from + " to ") + Shown.orNothing(event, "to");
    }
}
