package dev.backfill.orchestrator.words;

import java.time.Duration;
import java.util.Locale;

/** Reads a number with its unit, and writes one. Pure. */
public final class Quantity {

    private static final int THOUSAND_BITS = 10;

    private Quantity() {}

    /**
     * Reads a duration.
     *
     * @param text a number and one of ms, s, m, h, such as {@code 250ms}
     * @return the duration
     * @throws IllegalArgumentException when it is none
     */
    public static Duration duration(String text) {
        int digits = 0;
        while (digits < text.length() && Character.isDigit(text.charAt(digits))) {
            digits++;
        }
        long amount = Long.parseLong(text.substring(0, digits));
        return switch (text.substring(digits)) {
            case "ms" -> Duration.ofMillis(amount);
            case "s" -> Duration.ofSeconds(amount);
            case "m" -> Duration.ofMinutes(amount);
            case "h" -> Duration.ofHours(amount);
            default -> throw new IllegalArgumentException("no duration: " + text);
        };
    }

    /**
     * Reads a size, in the server's units: a kB is 1,024 bytes.
     *
     * @param text a number and one of kB, MB, GB, such as {@code 20MB}
     * @return bytes
     * @throws IllegalArgumentException when it is none
     */
    public static long bytes(String text) {
        int unit = Math.max(0, text.length() - 2);
        int thousands = switch (text.substring(unit)) {
            case "kB" -> 1;
            case "MB" -> 2;
            case "GB" -> 3;
            default -> throw new IllegalArgumentException("no size: " + text);
        };
        return Math.multiplyExact(Long.parseLong(text.substring(0, unit)), 1L << (THOUSAND_BITS * thousands));
    }

    /**
     * Writes a size in the unit that fits, in the server's units.
     *
     * @param bytes how many
     * @return such as {@code 1.5 kB}
     */
    public static String size(long bytes) {
        String[] units = {"bytes", "kB", "MB", "GB", "TB"};
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < units.length - 1) {
            value /= 1024;
            unit++;
        }
        return String.format(Locale.ROOT, unit == 0 ? "%,.0f %s" : "%,.1f %s", value, units[unit]);
    }
}
