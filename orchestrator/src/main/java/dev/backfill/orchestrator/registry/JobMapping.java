package dev.backfill.orchestrator.registry;

import dev.backfill.api.BatchLimits;
import dev.backfill.api.ErrorLimits;
import dev.backfill.api.Execution;
import dev.backfill.api.JobDefinition;
import dev.backfill.api.JobIdentity;
import dev.backfill.api.JobTarget;
import dev.backfill.api.Pacing;
import dev.backfill.api.Pacing.Ceilings;
import dev.backfill.api.Pacing.SignalRule;
import dev.backfill.api.RangeDefinition;
import dev.backfill.api.Schedule;
import dev.backfill.api.Schedule.Start;
import dev.backfill.api.Schedule.Window;
import dev.backfill.api.Verification;
import dev.backfill.api.Work;
import dev.backfill.orchestrator.words.Quantity;
import java.time.DayOfWeek;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Makes a job's definition of a document that was checked; the one place of the defaults. */
final class JobMapping {

    static final int PARALLELISM = 1;
    static final int WEIGHT = 1;
    static final int BATCH_SIZE = 1_000;
    static final int BATCH_MIN = 100;
    static final int BATCH_MAX = 100_000;
    static final String BATCH_TARGET = "250ms";
    static final int ATTEMPTS = 5;
    static final int QUARANTINE = 0;
    static final String LOCK_TIMEOUT = "500ms";
    static final String STATEMENT_TIMEOUT = "30s";
    static final String START = "on-apply";
    static final String ZONE = "UTC";

    private final JsonNode root;

    private JobMapping(JsonNode root) {
        this.root = root;
    }

    /**
     * Writes the values that may be a number or a boolean in YAML, but are text to us, as text.
     *
     * @param root a document, of any form
     * @return a copy
     */
    static JsonNode withTexts(JsonNode root) {
        JsonNode copy = root.deepCopy();
        toText(copy.path("range"), "from", "to");
        toText(copy.path("update"), "where");
        toText(copy.path("delete"), "where");
        toText(copy.path("verify"), "remaining");
        JsonNode set = copy.path("update").path("set");
        toText(set, set.propertyNames().toArray(String[]::new));
        return copy;
    }

    /**
     * Makes the definition.
     *
     * @param root a document without problems, whose texts are texts
     * @return the definition
     */
    static JobDefinition definition(JsonNode root) {
        return new JobMapping(root).definition();
    }

    private JobDefinition definition() {
        Work work = work();
        return new JobDefinition(
                new JobIdentity(
                        root.path("job").asString(), root.path("description").asString(""), texts(root.path("labels"))),
                new JobTarget(
                        oneOrMore(root.path("database")),
                        root.path("table").asString(),
                        range(),
                        root.path("share-table").asBoolean(false)),
                work,
                verification(work),
                new Execution(pacing(), errors(), text("/session/time-zone"), schedule()));
    }

    private Schedule schedule() {
        return new Schedule(
                start(),
                root.at("/schedule/windows")
                        .valueStream()
                        .map(JobMapping::window)
                        .toList(),
                ZoneId.of(text("/schedule/zone").orElse(ZONE)),
                text("/schedule/pause-after").map(ScheduleRules::part),
                root.path("depends-on")
                        .valueStream()
                        .map(other -> other.path("job").asString())
                        .toList());
    }

    private Start start() {
        Optional<Start> at =
                text("/schedule/start/at").map(ScheduleRules::instant).map(Schedule.At::new);
        Optional<Start> cron = text("/schedule/start/cron").map(Schedule.Cron::new);
        return at.or(() -> cron)
                .orElseGet(() -> text("/schedule/start").orElse(START).equals(START)
                        ? new Schedule.OnApply()
                        : new Schedule.Manual());
    }

    private static Window window(JsonNode window) {
        JsonNode days = window.path("days");
        return new Window(
                days.isMissingNode()
                        ? EnumSet.allOf(DayOfWeek.class)
                        : days.valueStream()
                                .map(JsonNode::asString)
                                .map(ScheduleRules::day)
                                .collect(Collectors.toSet()),
                ScheduleRules.timeOfDay(window.path("from").asString()),
                ScheduleRules.timeOfDay(window.path("to").asString()));
    }

    private RangeDefinition range() {
        return new RangeDefinition(
                root.at("/range/by").asString().equals("time") ? RangeDefinition.Kind.TIME : RangeDefinition.Kind.ID,
                oneOrMore(root.at("/range/column")),
                text("/range/from"),
                text("/range/to"),
                new RangeDefinition.Course(
                        root.at("/range/order").asString("asc").equals("desc")
                                ? RangeDefinition.Order.DESC
                                : RangeDefinition.Order.ASC,
                        root.at("/range/follow").asBoolean(false)));
    }

    /**
     * The names of a key that takes one or more.
     *
     * @param names one name, a list of names, or nothing
     * @return the names as they were written
     */
    static List<String> oneOrMore(JsonNode names) {
        if (names.isArray()) {
            return names.valueStream()
                    .filter(JsonNode::isString)
                    .map(JsonNode::asString)
                    .toList();
        }
        return names.isString() ? List.of(names.asString()) : List.of();
    }

    private Work work() {
        if (root.has("update")) {
            return new Work.Update(
                    texts(root.at("/update/set")), root.at("/update/where").asString());
        } else if (root.has("delete")) {
            return new Work.Delete(root.at("/delete/where").asString());
        }
        if (root.has("processor")) {
            return new Work.Custom(
                    root.at("/processor/type").asString(),
                    objects(root.at("/processor/options")),
                    root.path("idempotent").asBoolean(false));
        }
        return new Work.Sql(root.path("sql").asString(), root.path("idempotent").asBoolean(false));
    }

    private Verification verification(Work work) {
        if (root.path("verify").isString()) {
            return new Verification.None();
        } else if (root.path("verify").isObject()) {
            return new Verification.Remaining(root.at("/verify/remaining").asString());
        } else if (work instanceof Work.Update update) {
            return new Verification.Remaining(update.where());
        } else if (work instanceof Work.Delete delete) {
            return new Verification.Remaining(delete.where());
        }
        throw new IllegalStateException("a job with `sql` or `processor` must say how it is verified");
    }

    /** Defaults give way to what the author wrote: {@code max: 500} alone also cuts the size, {@code min: 5000} raises it. */
    private BatchLimits batch() {
        int min = integer("/batch/min", Math.min(BATCH_MIN, integer("/batch/size", integer("/batch/max", BATCH_MIN))));
        int max = integer("/batch/max", Math.max(BATCH_MAX, integer("/batch/size", min)));
        int size = integer("/batch/size", Math.max(min, Math.min(BATCH_SIZE, max)));
        return new BatchLimits(
                size, min, max, Quantity.duration(text("/batch/target").orElse(BATCH_TARGET)));
    }

    private Pacing pacing() {
        OptionalLong rows = root.at("/batch/rows-per-second").isMissingNode()
                ? OptionalLong.empty()
                : OptionalLong.of(root.at("/batch/rows-per-second").asLong());
        OptionalLong wal = text("/batch/wal-per-second")
                .map(Quantity::bytes)
                .map(OptionalLong::of)
                .orElse(OptionalLong.empty());
        Map<String, SignalRule> throttle = new LinkedHashMap<>();
        root.path("throttle").properties().forEach(entry -> throttle.put(entry.getKey(), rule(entry.getValue())));
        return new Pacing(
                integer("/parallelism", PARALLELISM),
                integer("/weight", WEIGHT),
                batch(),
                new Ceilings(rows, wal),
                throttle);
    }

    private static SignalRule rule(JsonNode written) {
        return written.isObject()
                ? new SignalRule(true, texts(written))
                : new SignalRule(written.asBoolean(written.asString().equals("on")), Map.of());
    }

    private ErrorLimits errors() {
        return new ErrorLimits(
                integer("/errors/attempts", ATTEMPTS),
                integer("/errors/quarantine", QUARANTINE),
                Quantity.duration(text("/errors/lock-timeout").orElse(LOCK_TIMEOUT)),
                Quantity.duration(text("/errors/statement-timeout").orElse(STATEMENT_TIMEOUT)));
    }

    private int integer(String pointer, int otherwise) {
        JsonNode node = root.at(pointer);
        return node.isMissingNode() ? otherwise : node.asInt();
    }

    private Optional<String> text(String pointer) {
        JsonNode node = root.at(pointer);
        return node.isString() ? Optional.of(node.asString()) : Optional.empty();
    }

    private static Map<String, String> texts(JsonNode object) {
        Map<String, String> texts = new LinkedHashMap<>();
        object.properties()
                .forEach(entry -> texts.put(entry.getKey(), entry.getValue().asString()));
        return texts;
    }

    private static Map<String, @Nullable Object> objects(JsonNode object) {
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        object.properties().forEach(entry -> values.put(entry.getKey(), value(entry.getValue())));
        return values;
    }

    /** A value as {@link dev.backfill.api.processor.Options} wants it. */
    private static @Nullable Object value(JsonNode node) {
        if (node.isObject()) {
            return objects(node);
        } else if (node.isArray()) {
            return node.valueStream().map(JobMapping::value).collect(Collectors.toCollection(ArrayList::new));
        } else if (node.isBoolean()) {
            return node.asBoolean();
        } else if (node.isIntegralNumber()) {
            return node.canConvertToLong() ? (Object) node.asLong() : node.bigIntegerValue();
        } else if (node.isNumber()) {
            return node.decimalValue();
        }
        return node.isNull() ? null : node.asString();
    }

    private static void toText(JsonNode parent, String... keys) {
        if (parent instanceof ObjectNode object) {
            for (String key : keys) {
                JsonNode value = object.path(key);
                if (value.isNumber() || value.isBoolean()) {
                    object.put(key, value.isBigDecimal() ? value.decimalValue().toPlainString() : value.asString());
                }
            }
        }
    }
}
