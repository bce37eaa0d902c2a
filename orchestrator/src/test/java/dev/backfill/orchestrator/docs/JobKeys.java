package dev.backfill.orchestrator.docs;

import dev.backfill.orchestrator.registry.JobSchema;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The keys of the job file's schema, at any depth, and what a reader is to be told of their values. */
final class JobKeys {

    /**
     * A key.
     *
     * @param name with dots
     * @param schema of its value
     * @param parent the schema of the group that it is in
     */
    record Key(String name, JsonNode schema, JsonNode parent) {

        /** What the reference has to say first of the form of its value. */
        String form() {
            List<String> all =
                    Stream.concat(values().stream(), types().map(this::words)).toList();
            String last = all.get(all.size() - 1);
            return all.size() == 1 ? last : String.join(", ", all.subList(0, all.size() - 1)) + " or " + last;
        }

        /** What the reference has to say of it when it is left out; empty when that is for words to say. */
        String otherwise() {
            String last = name.substring(name.lastIndexOf('.') + 1);
            if (strings(parent.path("required")).contains(last)) {
                return "required";
            } else if (parent.path("oneOf")
                    .valueStream()
                    .anyMatch(one -> strings(one.path("required")).contains(last))) {
                return "one of four";
            } else if (!schema.has("default")) {
                return "";
            }
            String value = schema.path("default").asString();
            return value.isEmpty() ? "empty" : "`" + value + "`";
        }

        private Stream<String> types() {
            if (schema.has("enum") || schema.has("const")) {
                return Stream.empty();
            }
            JsonNode type = schema.path("type");
            return (type.isArray() ? strings(type).stream() : Stream.of(type.asString()))
                    .filter(t -> !t.equals("string") || literals().isEmpty());
        }

        private String words(String type) {
            return switch (type) {
                case "string" -> text();
                case "integer" ->
                    schema.has("minimum") ? numbers("whole number", "minimum", "maximum") : "whole number";
                case "boolean" -> schema.path("type").isArray() ? "`true`" : "`true` or `false`";
                case "array" -> list();
                case "object" -> "group";
                default -> throw new IllegalStateException("no word for the type " + type);
            };
        }

        private String text() {
            String pattern = schema.path("pattern").asString("");
            if (pattern.endsWith("(ms|s|m|h)$")) {
                return "duration, at most 24h";
            }
            if (pattern.endsWith("(kB|MB|GB)$")) {
                return "size";
            }
            return pattern.endsWith("%$") ? "percentage" : "text";
        }

        private String list() {
            List<String> elements = quoted(strings(schema.path("items").path("enum")));
            String of = elements.isEmpty() ? "" : " of " + String.join(", ", elements);
            return schema.has("maxItems") ? numbers("list", "minItems", "maxItems") : "list" + of;
        }

        private String numbers(String what, String least, String most) {
            return "%s, %s to %s"
                    .formatted(
                            what,
                            schema.path(least).asString(),
                            schema.path(most).asString());
        }

        private List<String> values() {
            if (schema.has("const")) {
                return quoted(List.of(schema.path("const").asString()));
            }
            return quoted(Stream.concat(strings(schema.path("enum")).stream(), literals().stream())
                    .toList());
        }

        private List<String> literals() {
            Matcher words = LITERALS.matcher(schema.path("pattern").asString(""));
            return words.matches() ? List.of(words.group(1).split("\\|")) : List.of();
        }
    }

    private static final Pattern LITERALS = Pattern.compile("\\^\\(?([a-z-]+(?:\\|[a-z-]+)*)\\)?\\$");

    private JobKeys() {}

    static List<Key> all() {
        List<Key> keys = new ArrayList<>();
        collect("", JsonMapper.shared().readTree(JobSchema.text()), keys);
        return keys;
    }

    private static void collect(String prefix, JsonNode group, List<Key> keys) {
        group.path("properties").properties().forEach(property -> {
            String name = prefix + property.getKey();
            keys.add(new Key(name, property.getValue(), group));
            collect(name + ".", property.getValue(), keys);
            collect(name + ".", property.getValue().path("items"), keys);
        });
    }

    private static List<String> strings(JsonNode list) {
        return list.valueStream().map(JsonNode::asString).toList();
    }

    private static List<String> quoted(List<String> values) {
        return values.stream().map(value -> "`" + value + "`").toList();
    }
}
