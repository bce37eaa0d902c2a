package dev.backfill.orchestrator.operate;

import dev.backfill.orchestrator.words.PlainText;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/**
 * How what the daemon says looks in a terminal. Pure; safe for use by several threads.
 *
 * @param colours whether there are any
 */
record Shown(boolean colours) {

    /** What is shown where there is nothing. */
    static final String NOTHING = "-";

    private static final Pattern FRACTION = Pattern.compile("\\.[0-9]+Z$");
    private static final int MINUTE = 60;
    private static final int HOUR = 60 * MINUTE;
    private static final int DAY = 24 * HOUR;

    /** A member that is a text; empty when there is none. */
    static String text(JsonNode node, String name) {
        return PlainText.of(node.path(name).asString(""));
    }

    /** A member that is a text or a number. */
    static String orNothing(JsonNode node, String name) {
        String text = text(node, name);
        return text.isEmpty() ? NOTHING : text;
    }

    /** A time, to the second. */
    static String time(JsonNode node, String name) {
        return FRACTION.matcher(text(node, name)).replaceFirst("Z");
    }

    static String timeOrNothing(JsonNode node, String name) {
        String time = time(node, name);
        return time.isEmpty() ? NOTHING : time;
    }

    /** A part of a whole, never rounded up to all of it. */
    static String part(JsonNode part) {
        if (!part.isNumber()) {
            return NOTHING;
        }
        BigDecimal percent = part.decimalValue().movePointRight(2);
        return percent.setScale(1, RoundingMode.DOWN).toPlainString() + "%";
    }

    /** A number of seconds in the two largest units that it has. */
    static String duration(JsonNode seconds) {
        return seconds.isNumber() ? duration(seconds.asLong()) : NOTHING;
    }

    static String duration(long seconds) {
        if (seconds < MINUTE) {
            return seconds + "s";
        } else if (seconds < HOUR) {
            return seconds / MINUTE + "m " + seconds % MINUTE + "s";
        } else if (seconds < DAY) {
            return seconds / HOUR + "h " + seconds % HOUR / MINUTE + "m";
        }
        return seconds / DAY + "d " + seconds % DAY / HOUR + "h";
    }

    /** The members of an object in a line. */
    static String members(JsonNode object) {
        return object.properties().stream().map(Shown::member).collect(Collectors.joining(", "));
    }

    private static String member(Map.Entry<String, JsonNode> member) {
        JsonNode value = member.getValue();
        return PlainText.of(member.getKey() + "=" + (value.isString() ? value.asString() : value.toString()));
    }

    /** The state of a run. */
    String state(JsonNode run) {
        String state = orNothing(run, "state");
        return switch (state) {
            case "RUNNING", "VERIFYING" -> coloured(36, state);
            case "SUCCEEDED" -> coloured(32, state);
            case "PAUSED" -> coloured(33, state);
            case "FAILED" -> coloured(31, state);
            default -> state;
        };
    }

    /** The word for why a run does not move. */
    String hold(JsonNode run) {
        String reason = orNothing(run.path("hold"), "reason");
        return reason.equals(NOTHING) ? reason : coloured(33, reason);
    }

    /** A line above others. */
    String heading(String text) {
        return coloured(1, text);
    }

    private String coloured(int code, String text) {
        return colours ? "\u001b[" + code + "m" + text + "\u001b[0m" : text;
    }
}
