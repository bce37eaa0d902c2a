package dev.backfill.orchestrator.client;

import dev.backfill.orchestrator.client.Exchange.Answer;
import dev.backfill.orchestrator.client.RefusedException.Fault;
import java.net.URI;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What answers mean. Safe for use by several threads.
 *
 * @param server that was asked
 * @param withToken whether a token was sent
 * @param most bytes that were read of an answer
 */
record Answers(URI server, boolean withToken, int most) {

    /** The type of an answer, and of a request. */
    static final String GOOD = "application/json";

    private static final String PROBLEM = "application/problem+json";

    /**
     * What was asked for.
     *
     * @param answer to the request
     * @param lists the members that a daemon's answer has, each a list
     * @throws RefusedException when it is a refusal, or not of a daemon
     */
    JsonNode judged(Answer answer, String... lists) throws RefusedException {
        if (answer.body().remaining() > most) {
            throw stranger("more than " + most + " bytes", answer);
        }
        boolean done = answer.status() / 100 == 2;
        String type = answer.type().split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
        Optional<JsonNode> body = type.equals(done ? GOOD : PROBLEM) ? json(answer) : Optional.empty();
        if (!done) {
            throw refused(answer, body.filter(problem -> problem.path("title").isString()));
        } else if (body.isEmpty()) {
            throw stranger(answer.type().isEmpty() ? "nothing of a known type" : answer.type(), answer);
        }
        Optional<String> missing = Stream.of(lists)
                .filter(list -> !body.get().path(list).isArray())
                .findFirst();
        if (missing.isPresent()) {
            throw stranger("JSON without the list `" + missing.get() + "`", answer);
        }
        return body.get();
    }

    private Optional<JsonNode> json(Answer answer) throws RefusedException {
        try {
            return Optional.of(JsonMapper.shared().readTree(answer.body().array()))
                    .filter(JsonNode::isObject);
        } catch (JacksonException e) {
            throw stranger("text that is no JSON", answer);
        }
    }

    private RefusedException refused(Answer answer, Optional<JsonNode> problem) {
        Optional<String> said = problem.map(Answers::said);
        if (answer.status() == 401 || (answer.status() == 403 && said.isEmpty())) {
            String message = "what answers at " + server
                    + (withToken
                            ? " does not accept the token of BACKFILL_TOKEN"
                            : " wants a token, set BACKFILL_TOKEN")
                    + ": " + said.orElse("status " + answer.status());
            return new RefusedException(Fault.SERVER, message);
        } else if (said.isEmpty()) {
            return stranger(answer.type().isEmpty() ? "nothing of a known type" : answer.type(), answer);
        } else if (answer.status() == 403) {
            String asked = withToken ? "asked with the token of BACKFILL_TOKEN" : "BACKFILL_TOKEN is not set";
            return new RefusedException(Fault.SERVER, said.get() + " (" + asked + ")");
        }
        Fault fault = switch (answer.status()) {
            case 400, 404, 405, 422 -> Fault.ASKED_WRONGLY;
            default -> Fault.SERVER;
        };
        return new RefusedException(fault, said.get(), problem.get());
    }

    private static String said(JsonNode problem) {
        String detail = problem.path("detail").asString("");
        return problem.path("title").asString("") + (detail.isEmpty() ? "" : ": " + detail);
    }

    /** The refusal of an answer that is not of a daemon. */
    RefusedException stranger(String sent, Answer answer) {
        String message = "what answers at " + server + " is no daemon of this program, it sent " + sent + ", status "
                + answer.status() + "; name the daemon's address by --server";
        return new RefusedException(Fault.SERVER, message);
    }
}
