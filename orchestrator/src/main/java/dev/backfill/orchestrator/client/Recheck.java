package dev.backfill.orchestrator.client;

import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.words.PlainText;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Another check of the ranges of a job's ended runs, from asking for it to what came of it. Used by one thread. */
final class Recheck {

    private static final Duration OFTEN = Duration.ofMillis(500);

    /** Whether the daemon was asked to check. */
    enum Asked {
        NOT_YET,
        NOT_KNOWN,
        YES
    }

    /**
     * What came of it.
     *
     * @param proofs what is known now
     * @param without why there is no new proof, by the databases that have none
     */
    record Outcome(Proofs proofs, SortedMap<String, String> without) {

        /** What is known of the databases that have a new proof, or were not asked. */
        Proofs found() {
            return proofs.only(database -> !without.containsKey(database));
        }

        /** What the process says to its caller. */
        ExitCode verdict() {
            ExitCode verdict = proofs.verdict();
            return verdict == ExitCode.DONE && !without.isEmpty() ? ExitCode.LEFT : verdict;
        }
    }

    private final AdminClient client;
    private final String job;
    private final Optional<String> database;
    private final SortedMap<String, String> runs = new TreeMap<>();
    private Map<String, JsonNode> conclusionsBefore = Map.of();
    private Proofs before = new Proofs(JsonMapper.shared().createObjectNode());
    private Asked asked = Asked.NOT_YET;

    /**
     * One that is not asked for yet.
     *
     * @param database only in this one; empty for all where the job is registered
     */
    Recheck(AdminClient client, String job, Optional<String> database) {
        this.client = client;
        this.job = job;
        this.database = database;
    }

    Asked asked() {
        return asked;
    }

    /** The databases that check. */
    Set<String> databases() {
        return runs.keySet();
    }

    /** Asks for it; answers what the daemon said. */
    JsonNode ask(Optional<String> reason) throws RefusedException, StoppedException {
        before = Proofs.of(client, job, database);
        conclusionsBefore = conclusions();
        String where =
                database.map(name -> "?database=" + AdminClient.encoded(name)).orElse("");
        asked = Asked.NOT_KNOWN;
        JsonNode answer = client.post(
                path("verify") + where, reason.map(r -> Map.of("reason", r)).orElse(Map.of()), "runs");
        asked = Asked.YES;
        answer.path("runs")
                .valueStream()
                .filter(run -> database.isEmpty() || database.get().equals(text(run, "database")))
                .forEach(run -> runs.put(text(run, "database"), text(run, "id")));
        return answer;
    }

    /**
     * Waits until nothing of it is being checked any more.
     *
     * @param stop ends the wait
     * @param err hears of databases that are away
     */
    Outcome await(Stop stop, PrintWriter err) throws RefusedException, StoppedException {
        Set<String> toldAway = new HashSet<>();
        Proofs now = Proofs.of(client, job, database);
        while (isGoingOn(now, toldAway, err)) {
            if (stop.sleep(OFTEN)) {
                throw new StoppedException();
            }
            now = Proofs.of(client, job, database);
        }
        return outcome(now);
    }

    private boolean isGoingOn(Proofs now, Set<String> toldAway, PrintWriter err) {
        boolean goesOn = false;
        for (Map.Entry<String, String> run : runs.entrySet()) {
            Optional<String> away = now.away(run.getKey());
            if (away.isPresent() && toldAway.add(run.getKey())) {
                err.println("database " + PlainText.of(run.getKey()) + " is away, waiting for it: " + away.get());
            }
            goesOn |= away.isPresent() || now.isChecking(run.getValue());
        }
        return goesOn;
    }

    private Outcome outcome(Proofs now) throws RefusedException, StoppedException {
        SortedMap<String, String> without = new TreeMap<>(runs);
        without.keySet().removeIf(name -> !now.latest(name).equals(before.latest(name)));
        if (!without.isEmpty()) {
            Map<String, JsonNode> conclusions = conclusions();
            Map<String, JsonNode> states = states();
            without.replaceAll((name, run) -> why(run, conclusions, states));
        }
        return new Outcome(now, without);
    }

    private String why(String run, Map<String, JsonNode> conclusions, Map<String, JsonNode> states) {
        JsonNode conclusion = conclusions.get(run);
        if (conclusion != null && !conclusion.equals(conclusionsBefore.get(run))) {
            return "the check of run " + run + " has come to no proof: " + text(conclusion.path("detail"), "reason");
        }
        JsonNode state = states.get(run);
        if (state == null) {
            return "the check of run " + run + " has come to no proof, and nothing is known of the run any more";
        }
        return state.path("finished").isNull()
                ? "run " + run + " goes on (" + text(state, "state")
                        + "), which dropped the check; its end makes a proof"
                : "run " + run + " went on meanwhile, which dropped the check; it is " + text(state, "state") + " now";
    }

    /** The event that ended the latest check of each run, by the run. */
    private Map<String, JsonNode> conclusions() throws RefusedException, StoppedException {
        Map<String, JsonNode> latest = new HashMap<>();
        Optional<String> after = Optional.of("");
        while (after.isPresent()) {
            String from = after.get().isEmpty() ? "" : "&after=" + AdminClient.encoded(after.get());
            JsonNode page =
                    client.get("/api/v1/events?job=" + AdminClient.encoded(job) + "&limit=1000" + from, "events");
            page.path("events")
                    .valueStream()
                    .filter(event -> text(event, "to").equals("checked"))
                    .forEach(event -> latest.put(text(event, "run"), event));
            after = page.path("next").stringValueOpt();
        }
        return latest;
    }

    /** The latest runs of the job, by their ids. */
    private Map<String, JsonNode> states() throws RefusedException, StoppedException {
        Map<String, JsonNode> states = new HashMap<>();
        client.get(path("runs"), "runs").path("runs").valueStream().forEach(run -> states.put(text(run, "id"), run));
        return states;
    }

    private String path(String what) {
        return "/api/v1/jobs/" + AdminClient.encoded(job) + "/" + what;
    }

    private static String text(JsonNode node, String name) {
        return node.path(name).asString("");
    }
}
