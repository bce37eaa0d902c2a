package dev.backfill.orchestrator.registry;

import com.networknt.schema.Error;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import com.networknt.schema.path.NodePath;
import dev.backfill.orchestrator.registry.LoadedJob.Locations;
import dev.backfill.orchestrator.registry.YamlDocuments.Document;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The JSON Schema of the job file, and what it finds in our own words.
 *
 * <p>Safe for use by several threads.
 */
public final class JobSchema {

    /** The keys, as JSON pointers, that are planned, and refused as not in this version yet. */
    public static final Set<String> NOT_YET = Set.of("/session/search-path", "/session/role");

    private static final String RESOURCE = "job.schema.json";
    private static final List<String> KINDS_OF_WORK = List.of("update", "delete", "sql", "processor");
    private static final Set<String> DURATIONS =
            Set.of("/batch/target", "/errors/lock-timeout", "/errors/statement-timeout");

    private final JsonNode tree;
    private final Schema schema;

    /** Reads the schema. */
    JobSchema() {
        String text = text();
        this.tree = JsonMapper.shared().readTree(text);
        this.schema = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                .getSchema(tree);
    }

    /**
     * The schema's text, for editors.
     *
     * @return a JSON Schema of draft 2020-12
     */
    public static String text() {
        try (InputStream in = Objects.requireNonNull(JobSchema.class.getResourceAsStream(RESOURCE), RESOURCE)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Checks a document.
     *
     * @param document what was read
     * @return every problem with its keys and with the form of its values
     */
    List<Problem> problems(Document document) {
        List<Problem> problems = new ArrayList<>();
        for (Error error : schema.validate(document.root())) {
            String pointer = pointer(error.getInstanceLocation());
            if (!error.getEvaluationPath().contains("oneOf") && !isSpoiled(document, pointer)) {
                problems.add(problem(error, pointer, document));
            }
        }
        work(document).ifPresent(problems::add);
        return problems;
    }

    private static boolean isSpoiled(Document document, String pointer) {
        boolean within = !pointer.isEmpty() && isSpoiled(document, Locations.parent(pointer));
        return within || document.spoiled().contains(pointer);
    }

    private static Optional<Problem> work(Document document) {
        JsonNode root = document.root();
        List<String> kinds = KINDS_OF_WORK.stream().filter(root::has).toList();
        if (!root.isObject() || kinds.size() == 1) {
            return Optional.empty();
        }
        if (kinds.isEmpty()) {
            return Optional.of(document.locations()
                    .keyProblem("", "no work: one of update, delete, sql, processor is needed", ""));
        }
        String second = kinds.stream()
                .max((a, b) -> order(document.locations(), a).compareTo(order(document.locations(), b)))
                .orElseThrow();
        String message = kinds.size() + " kinds of work: " + String.join(", ", kinds);
        return Optional.of(document.locations()
                .keyProblem("/" + second, message, "exactly one of update, delete, sql, processor"));
    }

    private static Problem order(Locations locations, String key) {
        return locations.keyProblem("/" + key, "", "");
    }

    private Problem problem(Error error, String pointer, Document document) {
        Locations at = document.locations();
        String name = name(pointer);
        return switch (error.getKeyword()) {
            case "additionalProperties" -> unknownKey(at, pointer, error.getProperty());
            case "required" ->
                isElement(pointer)
                        ? at.problem(pointer, missing(pointer, error.getProperty()), "")
                        : at.keyProblem(pointer, missing(pointer, error.getProperty()), "");
            case "type" -> wrongType(at, pointer, document.root().at(pointer));
            case "pattern" -> wrongForm(at, pointer);
            case "const" ->
                at.problem(
                        pointer,
                        name + " must be " + schemaAt(pointer).path("const").asString(),
                        "");
            case "enum" -> notInList(at, pointer, document.root().at(pointer).asString(""));
            case "minimum" -> at.problem(pointer, name + " must be at least " + bound(pointer, "minimum"), "");
            case "maximum" -> at.problem(pointer, name + " must be at most " + bound(pointer, "maximum"), "");
            case "maxItems" -> at.problem(pointer, name + " may have at most " + bound(pointer, "maxItems"), "");
            case "minProperties", "minItems" -> empty(at, pointer);
            case "maxProperties" -> wrongForm(at, pointer);
            case "not" -> at.problem(pointer, name + " is false: that is no row", "");
            default -> at.problem(pointer, name + ": " + error.getMessage(), "");
        };
    }

    private static boolean isElement(String pointer) {
        return pointer.matches(".*/\\d+");
    }

    private static Problem empty(Locations at, String pointer) {
        return ScheduleRules.wrongForm(at, pointer)
                .orElseGet(() -> at.problem(pointer, name(pointer) + " is empty", ""));
    }

    private Problem notInList(Locations at, String pointer, String value) {
        JsonNode list = schemaAt(pointer).path("enum");
        String hint = list.valueStream()
                .map(JsonNode::asString)
                .filter(known -> value.regionMatches(true, 0, known, 0, known.length()))
                .findFirst()
                .map(known -> "did you mean `" + known + "`?")
                .orElse("");
        return at.problem(pointer, name(pointer) + " must be one of " + values(list), hint);
    }

    private Problem unknownKey(Locations at, String parent, String key) {
        String pointer = parent + "/" + key;
        if (NOT_YET.contains(pointer)) {
            return at.keyProblem(
                    Locations.pointer(parent, key), name(pointer) + " cannot be used", "not in this version yet");
        }
        String hint =
                Problem.didYouMean(key, schemaAt(parent).path("properties").propertyNames());
        return at.keyProblem(
                Locations.pointer(parent, key), "unknown key `" + key + "`", hint.isEmpty() ? elsewhere(key) : hint);
    }

    private String elsewhere(String key) {
        List<String> sections = sections(tree, "", key).toList();
        if (sections.isEmpty()) {
            return tree.path("properties").has(key) ? "it belongs at the top of the document" : "";
        }
        return "it belongs under " + String.join(" or ", sections);
    }

    private static Stream<String> sections(JsonNode schema, String prefix, String key) {
        return schema.path("properties").properties().stream().flatMap(entry -> {
            String name = prefix + entry.getKey();
            JsonNode inner = entry.getValue().path("items").has("properties")
                    ? entry.getValue().path("items")
                    : entry.getValue();
            Stream<String> here = inner.path("properties").has(key) ? Stream.of("`" + name + "`") : Stream.empty();
            return Stream.concat(here, sections(inner, name + ".", key));
        });
    }

    private static String missing(String pointer, String key) {
        return pointer.isEmpty() ? "`" + key + "` is missing" : name(pointer) + " needs `" + key + "`";
    }

    private Problem wrongType(Locations at, String pointer, JsonNode actual) {
        if (pointer.isEmpty()) {
            return at.problem(pointer, "a job is a group of keys, such as `job: orders-total`", "");
        }
        if (DURATIONS.contains(pointer)) {
            return wrongForm(at, pointer);
        }
        if (actual.isNull()) {
            String hint = pointer.startsWith("/update/set/") ? "to set NULL, write \"NULL\" in quotes" : "";
            return at.problem(pointer, name(pointer) + " has no value", hint);
        }
        Optional<Problem> schedule = ScheduleRules.wrongForm(at, pointer);
        if (schedule.isPresent()) {
            return schedule.get();
        }
        Set<String> types = types(pointer);
        String hint = types.contains("text") && actual.isValueNode() ? "put it in quotes" : "";
        return at.problem(pointer, name(pointer) + " must be " + String.join(" or ", types), hint);
    }

    private Set<String> types(String pointer) {
        JsonNode type = schemaAt(pointer).path("type");
        Stream<String> names = type.isArray() ? type.valueStream().map(JsonNode::asString) : Stream.of(type.asString());
        List<String> all = names.toList();
        return all.stream()
                .filter(t -> !t.equals("boolean") || all.size() == 1)
                .map(t -> switch (t) {
                    case "string" -> pointer.equals("/verify") ? "`none`" : "text";
                    case "integer" -> "a whole number";
                    case "number" -> "a number";
                    case "boolean" -> "true or false";
                    case "array" -> "a list";
                    default -> "a group of keys";
                })
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    private static Problem wrongForm(Locations at, String pointer) {
        String name = name(pointer);
        if (DURATIONS.contains(pointer)) {
            return at.problem(pointer, name + " is no duration", "write a number and a unit: 250ms, 5s, 10m, 1h");
        }
        Optional<Problem> schedule = ScheduleRules.wrongForm(at, pointer);
        if (schedule.isPresent()) {
            return schedule.get();
        }
        if (pointer.startsWith("/database")) {
            return at.problem(pointer, name + " must be a name of the configuration, or a pattern such as shard-*", "");
        }
        return switch (pointer.replaceFirst("^/depends-on/\\d+", "")) {
            case "/job" ->
                at.problem(
                        pointer,
                        "a job's name is made of a-z, 0-9 and -, at most 63 characters, and does not begin with -",
                        "");
            case "/verify" -> at.problem(pointer, name + " must be `none` or `remaining: <condition>`", "");
            default -> at.problem(pointer, name + " is empty", "");
        };
    }

    private String bound(String pointer, String keyword) {
        return schemaAt(pointer).path(keyword).asString();
    }

    private static String values(JsonNode list) {
        return list.valueStream().map(JsonNode::asString).collect(Collectors.joining(", "));
    }

    private JsonNode schemaAt(String pointer) {
        JsonNode at = tree;
        for (String part :
                pointer.isEmpty() ? new String[0] : pointer.substring(1).split("/", -1)) {
            JsonNode property = at.path("properties").path(part);
            if (property.isMissingNode()) {
                property = at.path(at.has("items") ? "items" : "additionalProperties");
            }
            at = property;
        }
        return at;
    }

    private static String name(String pointer) {
        return pointer.isEmpty() ? "the document" : pointer.substring(1).replace('/', '.');
    }

    private static String pointer(NodePath path) {
        String pointer = "";
        for (int i = 0; i < path.getNameCount(); i++) {
            pointer = Locations.pointer(pointer, String.valueOf(path.getElement(i)));
        }
        return pointer;
    }
}
