package dev.backfill.orchestrator.client;

import dev.backfill.orchestrator.client.RefusedException.Fault;
import dev.backfill.orchestrator.words.PlainText;
import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What is known of the checks of a job, as the admin API tells it.
 *
 * @param answer of the databases that are wanted
 */
record Proofs(JsonNode answer) {

    /** The member of the databases that have a proof. */
    private static final String PROOFS = "proofs";

    private static final String UNCHECKED = "unchecked";
    private static final String CHECKING = "checking";
    private static final String AWAY = "away";
    private static final Set<String> ENDED = Set.of("SUCCEEDED", "FAILED", "CANCELLED");

    /**
     * Asks for them.
     *
     * @param database only of this database; empty for all
     */
    static Proofs of(AdminClient client, String job, Optional<String> database)
            throws RefusedException, StoppedException {
        String path = AdminClient.job(job, "/proof");
        Proofs all = new Proofs(client.get(path, PROOFS, UNCHECKED, CHECKING, AWAY));
        if (database.isEmpty()) {
            return all;
        }
        Proofs wanted = all.only(database.get()::equals);
        if (wanted.isEmpty()) {
            throw new RefusedException(Fault.ASKED_WRONGLY, all.isNot(database.get()));
        }
        return wanted;
    }

    /** The same, of some databases alone. */
    Proofs only(Predicate<String> wanted) {
        ObjectNode kept = JsonMapper.shared().createObjectNode();
        answer.properties()
                .forEach(member -> kept.set(
                        member.getKey(),
                        member.getValue() instanceof ArrayNode list ? only(list, wanted) : member.getValue()));
        return new Proofs(kept);
    }

    private static ArrayNode only(ArrayNode list, Predicate<String> wanted) {
        ArrayNode kept = JsonMapper.shared().createArrayNode();
        list.valueStream().filter(item -> wanted.test(database(item))).forEach(kept::add);
        return kept;
    }

    /** Whether nothing is known of any database. */
    boolean isEmpty() {
        return Stream.of(PROOFS, UNCHECKED, AWAY).allMatch(name -> list(name).isEmpty());
    }

    /** Whether a check of a run was asked for and is not concluded. */
    boolean isChecking(String run) {
        return list(CHECKING).stream()
                .anyMatch(check -> check.path("run").asString("").equals(run));
    }

    /** Why a database does not answer; empty when it does. */
    Optional<String> away(String database) {
        return list(AWAY).stream()
                .filter(away -> database(away).equals(database))
                .findFirst()
                .map(away -> text(away, "detail"));
    }

    /** Which proof of a database is the latest: the same text as long as there is no other. Empty when there is none. */
    String latest(String database) {
        return list(PROOFS).stream()
                .filter(proof -> database(proof).equals(database))
                .map(proof -> text(proof, "run") + " " + text(proof, "at"))
                .findFirst()
                .orElse("");
    }

    /** Whether nothing is left or set aside, in all databases, and nothing has begun since. */
    ExitCode verdict() {
        if (!list(AWAY).isEmpty()) {
            return ExitCode.UNREACHABLE;
        }
        boolean good = list(PROOFS).stream().allMatch(Proofs::isGood);
        return good && !list(PROOFS).isEmpty() && list(UNCHECKED).isEmpty() ? ExitCode.DONE : ExitCode.LEFT;
    }

    private static boolean isGood(JsonNode proof) {
        return proof.path("remaining").asLong(1) == 0
                && proof.path("quarantined").asLong(0) == 0
                && ENDED.contains(text(proof, "state"))
                && proof.path("newer-run").isNull();
    }

    /** Tells them to a script. */
    void tellAsJson(PrintWriter out) {
        out.println(PlainText.lines(answer.toPrettyString()));
    }

    /** Tells them to a person, with everything that is in the way. */
    void tell(PrintWriter out) {
        list(PROOFS).forEach(proof -> tell(out, proof));
        for (JsonNode name : list(UNCHECKED)) {
            String database = database(name);
            String job = text(answer, "job");
            out.printf("job %s, database %s: not checked yet%n", job, PlainText.of(database));
            out.println("  its runs end with a proof, unless the job says verify: none; `backfill verify " + job
                    + " --database " + PlainText.of(database) + "` makes one for a run that has ended");
            tellChecks(out, database);
        }
        list(AWAY)
                .forEach(away ->
                        out.println("database " + PlainText.of(database(away)) + " is away: " + text(away, "detail")));
    }

    private void tell(PrintWriter out, JsonNode proof) {
        long remaining = proof.path("remaining").asLong();
        JsonNode range = proof.path("range");
        JsonNode newer = proof.path("newer-run");
        String from = text(range, "from");
        String start = from.isEmpty() ? key(range.path("start")) : from;
        out.printf("job %s, database %s%n", text(answer, "job"), PlainText.of(database(proof)));
        line(out, "remaining", remaining == 0 ? "0, nothing is left" : remaining + " rows are still to do");
        tellQuarantined(out, proof);
        line(out, "at", text(proof, "at"));
        tellRun(out, proof);
        line(out, "range", range.path("end").isNull() ? "no row" : start + " to " + key(range.path("end")));
        if (!range.path("nulls").isNull()) {
            line(out, "", "and the rows whose range column is NULL");
        }
        line(out, "snapshot", "every transaction below " + text(proof, "snapshot") + " had ended");
        if (!newer.isNull()) {
            line(
                    out,
                    "newer run",
                    "a newer run " + text(newer, "run") + " is " + text(newer, "state") + "; this is not its proof");
        }
        tellChecks(out, database(proof));
    }

    private void tellQuarantined(PrintWriter out, JsonNode proof) {
        long keys = proof.path("quarantined").asLong(0);
        if (keys > 0) {
            line(
                    out,
                    "set aside",
                    (keys == 1 ? "1 key is" : keys + " keys are")
                            + " in quarantine: mend what is wrong with them, then retry the run");
        }
    }

    private static void tellRun(PrintWriter out, JsonNode proof) {
        String state = text(proof, "state");
        String again = ENDED.contains(state) ? "" : " again: this was found before";
        line(
                out,
                "run",
                text(proof, "run") + ", revision " + proof.path("revision").asInt() + ", " + state + again);
    }

    private void tellChecks(PrintWriter out, String database) {
        list(CHECKING).stream()
                .filter(check -> database(check).equals(database))
                .forEach(check -> line(out, "checking", "run " + text(check, "run") + " is being checked again now"));
    }

    private String isNot(String database) {
        String job = text(answer, "job");
        TreeSet<String> there = new TreeSet<>();
        Stream.of(PROOFS, UNCHECKED).forEach(name -> list(name).forEach(item -> there.add(database(item))));
        List<String> away = list(AWAY).stream().map(Proofs::database).toList();
        return "job " + job + " is not in a database " + database
                + (there.isEmpty() ? "" : "; it is in " + String.join(", ", there))
                + (away.isEmpty() ? "" : "; not answering: " + String.join(", ", away));
    }

    private List<JsonNode> list(String name) {
        return answer.path(name).valueStream().toList();
    }

    private static String database(JsonNode item) {
        return item.isString() ? item.asString() : item.path("database").asString("");
    }

    private static String text(JsonNode node, String name) {
        return PlainText.of(node.path(name).asString(""));
    }

    private static void line(PrintWriter out, String name, String value) {
        out.printf("  %-10s %s%n", name, value);
    }

    private static String key(JsonNode key) {
        return key.valueStream()
                .map(part -> PlainText.of(part.asString("NULL")))
                .collect(Collectors.joining(", "));
    }
}
