package dev.backfill.orchestrator.dryrun;

import java.time.Duration;
import java.util.Locale;

/** Writes figures for people, in whatever country they are. Pure. */
final class Figures {

    private Figures() {}

    /** A number of things. */
    static String count(long number) {
        return String.format(Locale.ROOT, "%,d", number);
    }

    /** A number of things with its noun. */
    static String count(long number, String one, String more) {
        return count(number) + " " + (number == 1 ? one : more);
    }

    /** With one digit behind the point. */
    static String decimal(double number) {
        return String.format(Locale.ROOT, "%,.1f", number);
    }

    /** A time in seconds. */
    static String seconds(double seconds) {
        return time(Duration.ofMillis((long) (seconds * 1000)));
    }

    /** A time in the unit that fits. */
    static String time(Duration duration) {
        if (duration.compareTo(Duration.ofSeconds(1)) < 0) {
            return duration.toMillis() + " ms";
        } else if (duration.compareTo(Duration.ofMinutes(2)) < 0) {
            return decimal(duration.toMillis() / 1000.0) + " s";
        }
        return duration.compareTo(Duration.ofHours(2)) < 0
                ? duration.toMinutes() + " min"
                : decimal(duration.toMinutes() / 60.0) + " h";
    }
}
