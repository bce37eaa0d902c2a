package dev.backfill.orchestrator.words;

import java.util.stream.Collectors;

/**
 * Text of somebody else as a terminal may have it. What would move the cursor, change colours, turn the direction of writing or
 * not be seen at all is shown by its number, as JSON writes it. Pure.
 */
public final class PlainText {

    private PlainText() {}

    /**
     * A text in one line.
     *
     * @param text as it came
     * @return with an escape in place of every such character and of every line break
     */
    public static String of(String text) {
        StringBuilder plain = new StringBuilder(text.length());
        text.codePoints().forEach(character -> {
            if (isPlain(character)) {
                plain.appendCodePoint(character);
            } else {
                plain.append(escape(character));
            }
        });
        return plain.toString();
    }

    /**
     * A text of several lines. JSON stays the same JSON: outside of its texts it has no such character, and inside of them the
     * escapes are its own.
     *
     * @param text as it came
     * @return the same, but the line breaks stay; without one at the end
     */
    public static String lines(String text) {
        return text.lines().map(PlainText::of).collect(Collectors.joining("\n"));
    }

    private static boolean isPlain(int character) {
        return switch (Character.getType(character)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            default -> true;
        };
    }

    private static String escape(int character) {
        return switch (character) {
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            default -> {
                StringBuilder escape = new StringBuilder();
                for (char unit : Character.toChars(character)) {
                    escape.append("\\u%04x".formatted((int) unit));
                }
                yield escape.toString();
            }
        };
    }
}
