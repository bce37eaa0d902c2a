package dev.backfill.orchestrator.client;

import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The latest proofs of a job, as the admin API tells them.
 *
 * @param answer the whole answer
 * @param database only of this database; empty for all
 */
record Proofs(JsonNode answer, Optional<String> database) {

    private static final int DONE = 0;
    private static final int LEFT = 1;
    private static final int UNREACHABLE = 4;

    /** Asks for them. */
    static Proofs of(AdminClient client, String job, Optional<String> database)
            throws RefusedException, InterruptedException {
        return new Proofs(client.get("/api/v1/jobs/" + AdminClient.encoded(job) + "/proof"), database);
    }

    /** The proofs themselves. */
    List<JsonNode> all() {
        return answer.path("proofs").valueStream().filter(this::isWanted).toList();
    }

    private boolean isWanted(JsonNode node) {
        return database.isEmpty() || database.get().equals(node.path("database").asString(""));
    }

    private List<JsonNode> away() {
        return answer.path("away").valueStream().filter(this::isWanted).toList();
    }

    /** When the range of a run was checked last; empty when it never was. */
    String at(String run) {
        return all().stream()
                .filter(proof -> proof.path("run").asString("").equals(run))
                .map(proof -> proof.path("at").asString(""))
                .findFirst()
                .orElse("");
    }

    /** Tells them: to a script as they came, to a person in lines. The exit code that they mean. */
    int tell(PrintWriter out, boolean json) {
        if (json) {
            out.println(JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(answer));
        } else {
            all().forEach(proof -> tell(out, proof));
            away().forEach(away ->
                    out.println("database " + away.path("database").asString("") + " is away: "
                            + away.path("detail").asString("")));
            if (all().isEmpty() && away().isEmpty()) {
                out.println("no proof of job " + answer.path("job").asString("") + " yet: its runs end with one, unless"
                        + " the job says verify: none; `backfill verify` makes one for a run that has ended");
            }
        }
        if (!away().isEmpty()) {
            return UNREACHABLE;
        }
        boolean nothingLeft =
                all().stream().allMatch(proof -> proof.path("remaining").asLong(1) == 0);
        return nothingLeft && !all().isEmpty() ? DONE : LEFT;
    }

    private void tell(PrintWriter out, JsonNode proof) {
        long remaining = proof.path("remaining").asLong();
        JsonNode range = proof.path("range");
        String from = range.path("from").asString("");
        out.printf(
                "job %s, database %s%n",
                answer.path("job").asString(""), proof.path("database").asString(""));
        line(out, "remaining", remaining == 0 ? "0, nothing is left" : remaining + " rows are still to do");
        line(out, "at", proof.path("at").asString(""));
        line(
                out,
                "run",
                proof.path("run").asString("") + ", revision "
                        + proof.path("revision").asInt());
        line(
                out,
                "range",
                range.path("end").isNull()
                        ? "no row"
                        : (from.isEmpty() ? key(range.path("start")) : from) + " to " + key(range.path("end")));
        if (!range.path("nulls").isNull()) {
            line(out, "", "and the rows whose range column is NULL");
        }
        line(
                out,
                "snapshot",
                "every transaction below " + proof.path("snapshot").asString("") + " had ended");
    }

    private static void line(PrintWriter out, String name, String value) {
        out.printf("  %-10s %s%n", name, value);
    }

    private static String key(JsonNode key) {
        return key.valueStream().map(part -> part.asString("NULL")).collect(Collectors.joining(", "));
    }
}
