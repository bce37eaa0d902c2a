package dev.backfill.orchestrator.docs;

import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A valid job without anything that could be left out, in which single keys are set or left out. */
final class JobDraft {

    /** For {@link #with}: any value that the key may have. */
    static final Object SOMETHING = new Object();

    private static final JsonMapper JSON = JsonMapper.shared();

    private final ObjectNode root;

    private JobDraft(ObjectNode root) {
        this.root = root;
    }

    /** One in which there is a place for the key. */
    static JobDraft of(String key) {
        String work = switch (key.split("\\.", -1)[0]) {
            case "update" -> "\"update\": {\"set\": {\"a\": \"1\"}, \"where\": \"b\"}";
            case "sql", "idempotent" -> "\"sql\": \"DELETE FROM t WHERE :range\", \"verify\": \"none\"";
            case "processor" -> "\"processor\": {\"type\": \"x\"}, \"verify\": \"none\"";
            default -> "\"delete\": {\"where\": \"b\"}";
        };
        ObjectNode root = (ObjectNode) JSON.readTree(
                "{\"version\": 1, \"job\": \"j\", \"table\": \"t\", \"range\": {\"by\": \"id\"}, " + work + "}");
        if (key.startsWith("schedule.windows")) {
            root.putObject("schedule").putArray("windows").add(window());
        }
        if (key.startsWith("depends-on.")) {
            root.putArray("depends-on").addObject().put("job", "other");
        }
        if (key.endsWith(".where")) {
            root.put("verify", "none"); // as every row needs
        }
        return new JobDraft(root);
    }

    /** One window, that opens every day. */
    static ObjectNode window() {
        return JSON.createObjectNode().put("from", "22:00").put("to", "06:00");
    }

    /** Sets a key; a text that is a number or a boolean stands for that. */
    JobDraft with(String key, Object value) {
        if (value != SOMETHING) {
            String text = value.toString();
            boolean bare = value instanceof String && text.matches("true|false|-?[0-9]{1,18}");
            group(key).set(last(key), bare ? JSON.readTree(text) : JSON.valueToTree(value));
        } else if (key.equals("verify.remaining")) {
            group(key).put(last(key), "b");
        }
        return this;
    }

    JobDraft without(String key) {
        group(key).remove(last(key));
        return this;
    }

    /** As a file holds it. */
    String text() {
        return root.toString();
    }

    private ObjectNode group(String key) {
        List<String> parts = List.of(key.split("\\.", -1));
        ObjectNode at = root;
        for (String part : parts.subList(0, parts.size() - 1)) {
            JsonNode inner = at.path(part);
            if (inner.isArray()) {
                at = (ObjectNode) inner.get(0);
            } else {
                at = inner.isObject() ? (ObjectNode) inner : at.putObject(part);
            }
        }
        return at;
    }

    private static String last(String key) {
        return key.substring(key.lastIndexOf('.') + 1);
    }
}
