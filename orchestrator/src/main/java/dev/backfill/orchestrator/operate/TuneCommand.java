package dev.backfill.orchestrator.operate;

import dev.backfill.orchestrator.client.AdminClient;
import dev.backfill.orchestrator.client.RefusedException;
import dev.backfill.orchestrator.client.StoppedException;
import java.math.BigDecimal;
import java.util.List;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Changes how the run under way goes. */
@Command(
        name = "tune",
        description = {
            "Changes how the run of a job goes while it is under way.",
            "What can be changed are the sections batch, parallelism, weight and throttle of its job file. It lasts until"
                    + " the run has ended. Exit code 2 when there is no such job, or a value is wrong; 4 when no run is under"
                    + " way, also in one of several databases, or when one does not answer."
        },
        mixinStandardHelpOptions = true)
public final class TuneCommand extends JobCommand {

    private static final Pattern NUMBER = Pattern.compile("-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,18})?");
    private static final String SUCH_AS = "; such as batch.size=500 or throttle.replication-lag.budget=3s";

    @Parameters(
            index = "1..*",
            arity = "1..*",
            paramLabel = "KEY=VALUE",
            description =
                    "Such as batch.size=500, parallelism=2, throttle.replication-lag.budget=3s or"
                            + " throttle.archive-backlog=off. null is what the job says of a section, and the default of a key.")
    @SuppressWarnings("NullAway.Init")
    private List<String> settings;

    @Override
    JsonNode change(AdminClient client, Path path, String... lists) throws RefusedException, StoppedException {
        return client.patch(path.of("/tuning"), change(settings), lists);
    }

    @Override
    String done() {
        return "tuned, ";
    }

    /**
     * The change as the admin API has it.
     *
     * @param settings each a key, with points between its parts, and a value
     * @throws RefusedException when one is none, or two do not go together
     */
    static ObjectNode change(List<String> settings) throws RefusedException {
        ObjectNode change = JsonMapper.shared().createObjectNode();
        for (String setting : settings) {
            int equals = setting.indexOf('=');
            if (equals < 0) {
                throw RefusedException.askedWrongly("`" + setting + "` is no KEY=VALUE" + SUCH_AS);
            }
            put(change, setting.substring(0, equals), setting.substring(equals + 1));
        }
        return change;
    }

    private static void put(ObjectNode change, String key, String value) throws RefusedException {
        if (value.isBlank()) {
            throw RefusedException.askedWrongly(
                    "`" + key + "` has no value; `" + key + "=null` goes back to what holds without tuning");
        }
        List<String> parts = List.of(key.split("\\.", -1));
        ObjectNode section = change;
        for (String part : parts.subList(0, parts.size() - 1)) {
            section = section.has(part) ? inside(section.path(part), key) : section.putObject(part);
        }
        String last = parts.get(parts.size() - 1);
        if (parts.stream().anyMatch(String::isBlank)) {
            throw RefusedException.askedWrongly("`" + key + "` is no key" + SUCH_AS);
        } else if (section.has(last)) {
            throw twice(key);
        }
        section.set(last, value(value));
    }

    private static ObjectNode inside(JsonNode section, String key) throws RefusedException {
        if (section instanceof ObjectNode object) {
            return object;
        }
        throw twice(key);
    }

    private static RefusedException twice(String key) {
        return RefusedException.askedWrongly("`" + key + "` is set twice, or beside a key that it is a part of");
    }

    /** As YAML would read it. */
    private static JsonNode value(String text) {
        JsonNodeFactory nodes = JsonNodeFactory.instance;
        if (text.equals("null")) {
            return nodes.nullNode();
        } else if (text.equals("true") || text.equals("false")) {
            return nodes.booleanNode(text.equals("true"));
        } else if (!NUMBER.matcher(text).matches()) {
            return nodes.stringNode(text);
        }
        return text.indexOf('.') < 0 ? nodes.numberNode(Long.parseLong(text)) : nodes.numberNode(new BigDecimal(text));
    }
}
