package dev.backfill.orchestrator.client;

import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/** Has the range of a job's ended run checked again. */
@Command(
        name = "verify",
        description = "Has a daemon check the range of a job's ended run again, and tells what it found. Changes no row"
                + " and no state. Ctrl-C leaves the check going on.",
        mixinStandardHelpOptions = true)
public final class VerifyCommand implements Callable<Integer> {

    private static final Duration OFTEN = Duration.ofMillis(500);
    private static final int LOOKS_AT_EVENTS = 10;
    private static final int WITHOUT_PROOF = 1;

    @Parameters(paramLabel = "JOB", description = "The job's name.")
    @SuppressWarnings("NullAway.Init")
    private String job;

    @Option(names = "--database", paramLabel = "NAME", description = "Only in this database.")
    private Optional<String> database = Optional.empty();

    @Option(names = "--reason", paramLabel = "TEXT", description = "Why, for the audit log.")
    private Optional<String> reason = Optional.empty();

    @Option(names = "--no-wait", description = "Do not wait for what it finds.")
    private boolean noWait;

    @Option(names = "--json", description = "The answer of the admin API, for scripts.")
    private boolean json;

    @Mixin
    private ServerOptions server = new ServerOptions();

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Override
    public Integer call() throws RefusedException, InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        AdminClient client = server.client();
        Proofs before = Proofs.of(client, job, database);
        Map<String, JsonNode> checksBefore = checks(client);
        JsonNode asked = client.post(
                path("verify")
                        + database.map(name -> "?database=" + AdminClient.encoded(name))
                                .orElse(""),
                reason.map(text -> Map.of("reason", text)).orElse(Map.of()));
        if (noWait) {
            out.println(
                    json
                            ? asked.toPrettyString()
                            : "the check is asked for; `backfill proof " + job + "` tells what it finds");
            return 0;
        }
        Set<String> waiting = new HashSet<>(asked.path("runs")
                .valueStream()
                .filter(run -> database.isEmpty()
                        || database.get().equals(run.path("database").asString("")))
                .map(run -> run.path("id").asString(""))
                .toList());
        return await(client, waiting, before, checksBefore);
    }

    private int await(AdminClient client, Set<String> waiting, Proofs before, Map<String, JsonNode> checksBefore)
            throws RefusedException, InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        Stop never = new Stop(Timing.system());
        for (int look = 1; ; look++) {
            never.sleep(OFTEN);
            Map<String, JsonNode> checks = look % LOOKS_AT_EVENTS == 0 ? checks(client) : checksBefore;
            Proofs now = Proofs.of(client, job, database); // read after the events: what they tell of is in it
            waiting.removeIf(run -> !now.at(run).equals(before.at(run)));
            if (waiting.isEmpty()) {
                return now.tell(out, json);
            }
            for (String run : waiting) {
                JsonNode check = checks.get(run);
                if (check != null && !check.equals(checksBefore.get(run))) {
                    String why = check.path("detail").path("reason").asString("");
                    out.println("the check of run " + run + " has come to no proof: " + why);
                    return WITHOUT_PROOF;
                }
            }
        }
    }

    private String path(String what) {
        return "/api/v1/jobs/" + AdminClient.encoded(job) + "/" + what;
    }

    /** The event that ended the latest check of each run, by the run. */
    private Map<String, JsonNode> checks(AdminClient client) throws RefusedException, InterruptedException {
        Map<String, JsonNode> latest = new HashMap<>();
        Optional<String> after = Optional.of("");
        while (after.isPresent()) {
            String from = after.get().isEmpty() ? "" : "&after=" + AdminClient.encoded(after.get());
            JsonNode page = client.get("/api/v1/events?job=" + AdminClient.encoded(job) + "&limit=1000" + from);
            page.path("events")
                    .valueStream()
                    .filter(event -> event.path("to").asString("").equals("checked"))
                    .forEach(event -> latest.put(event.path("run").asString(""), event));
            after = page.path("next").stringValueOpt();
        }
        return latest;
    }
}
