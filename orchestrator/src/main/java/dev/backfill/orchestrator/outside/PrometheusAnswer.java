package dev.backfill.orchestrator.outside;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.json.JsonMapper;

/** What a Prometheus server answers to an instant query; pure. */
final class PrometheusAnswer {

    private static final ObjectReader JSON =
            JsonMapper.shared().reader().with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private PrometheusAnswer() {}

    /** The one finite number that it holds. */
    static double number(String body) throws UnreadableException {
        JsonNode answer;
        try {
            answer = JSON.readTree(body);
        } catch (JacksonException e) {
            throw new UnreadableException("what answers is no Prometheus server");
        }
        if (!answer.path("status").asString("").equals("success")) {
            throw new UnreadableException(
                    answer.has("status") ? "Prometheus refuses its query" : "what answers is no Prometheus server");
        }
        JsonNode data = answer.path("data");
        JsonNode result = data.path("result");
        return switch (data.path("resultType").asString("")) {
            case "scalar" -> finite(result);
            case "vector" -> {
                if (result.size() != 1) {
                    throw new UnreadableException("its query answers "
                            + (result.isEmpty() ? "no sample" : result.size() + " samples, not one"));
                }
                yield finite(result.path(0).path("value"));
            }
            case "string", "matrix" -> throw new UnreadableException("its query answers no instant vector or scalar");
            default -> throw new UnreadableException("what answers is no Prometheus server");
        };
    }

    /** A sample is a time and, as text, a number. */
    private static double finite(JsonNode sample) throws UnreadableException {
        double number;
        try {
            number = sample.size() == 2 && sample.path(1).isString()
                    ? Double.parseDouble(sample.path(1).asString())
                    : Double.NaN;
        } catch (NumberFormatException e) {
            number = Double.NaN; // such as +Inf
        }
        if (!Double.isFinite(number)) {
            throw new UnreadableException("its query answers no finite number");
        }
        return number;
    }
}
