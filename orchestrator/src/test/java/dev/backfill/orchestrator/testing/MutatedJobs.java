package dev.backfill.orchestrator.testing;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Makes job files of which most are wrong somewhere: keys with a value that fits, one that fits its key but not the others,
 * or one that fits nothing; some are damaged as text. The same seed makes the same files.
 */
public final class MutatedJobs {

    private static final List<String> JUNK = List.of(
            "null",
            "[]",
            "{}",
            "\"\"",
            "-1",
            "1e999",
            ".nan",
            "99999999999999999999",
            "true",
            "'\\u0000'",
            "\"\\u009b31m\"",
            "\"\\u202e \\e \\U0001F600\"",
            "\"\\0\"",
            "\"\\x7f\"",
            "\"\\ud800\"",
            "!!java.net.URL [x]",
            "&a [*a]",
            "*nowhere",
            "? x",
            "\"a\\nb\"",
            "{ a: { b: { c: d } } }",
            "2026-13-45",
            "0x7f",
            "|\n    text");

    private static final String DAMAGE = "\t\0\u001b\u009b\u202e\uFEFF{}[]:,&*!|>'\"%@`#-?\uD83D\uDE00";

    /** Keys with values of which the first ones fit, alone; not every one of them fits beside the others. */
    private static final Map<String, List<String>> KEYS = keys();

    private final Random random;

    /**
     * A maker of files.
     *
     * @param seed of its choices
     */
    public MutatedJobs(long seed) {
        this.random = new Random(seed);
    }

    private static Map<String, List<String>> keys() {
        Map<String, List<String>> keys = new LinkedHashMap<>();
        keys.put("version", List.of("1"));
        keys.put("kind", List.of("backfill"));
        keys.put("job", List.of("fill", "fill-2", "a"));
        keys.put("description", List.of("words", "\"more: words\""));
        keys.put("labels", List.of("{ team: billing }", "{}"));
        keys.put("database", List.of("main", "[\"shard-*\"]", "[a, b]", "[]"));
        keys.put("table", List.of("orders", "public.orders", "'\"Odd\".\"Table\"'", "a.b.c", "'\"open'"));
        keys.put("range", ranges());
        keys.put("update", List.of("{ set: { a: b }, where: a IS NULL }", "{ set: { id: b }, where: \"true\" }"));
        keys.put("delete", List.of("{ where: gone }", "{ where: \"x; DROP TABLE y\" }"));
        keys.put("sql", List.of("\"UPDATE t SET a = 1 WHERE :range\"", "\"UPDATE t SET a = 1\"", "\"COMMIT\""));
        keys.put("processor", List.of("{ type: com.example.P }", "{ type: com.example.P, options: { a: b } }"));
        keys.put("idempotent", List.of("true", "false"));
        keys.put("verify", List.of("{ remaining: a IS NULL }", "none"));
        keys.put("depends-on", List.of("[{ job: other }]", "[{ job: fill }]", "[]"));
        keys.put("share-table", List.of("true", "false"));
        keys.put("parallelism", List.of("1", "4", "64", "0", "100000"));
        keys.put("weight", List.of("1", "2.5", "0"));
        keys.put("batch", batches());
        keys.put("schedule", schedules());
        keys.put("throttle", List.of("{ archive-backlog: off }", "{ replication-lag: { budget: 5s } }", "{ lag: on }"));
        keys.put("errors", errors());
        keys.put("session", List.of("{ time-zone: UTC }", "{ time-zone: Nowhere/Else }"));
        return keys;
    }

    private static List<String> ranges() {
        return List.of(
                "{ by: id }",
                "{ by: id, column: id, from: 1, to: 90 }",
                "{ by: id, from: 90, to: 1 }",
                "{ by: time, column: at, from: \"2026-01-01T00:00:00Z\", to: \"now() - interval '30 days'\" }",
                "{ by: time, from: \"2026-01-01T00:00:00Z\" }",
                "{ by: id, column: [a, b], from: 1 }",
                "{ by: id, order: desc, follow: true }");
    }

    private static List<String> batches() {
        return List.of(
                "{ size: 1000, min: 100, max: 100000, target: 250ms }",
                "{ size: 10, min: 100 }",
                "{ min: 1000, max: 100 }",
                "{ target: 1h }",
                "{ rows-per-second: 20000, wal-per-second: 20MB }");
    }

    private static List<String> schedules() {
        return List.of(
                "{ start: on-apply }",
                "{ start: manual, pause-after: 1% }",
                "{ start: { at: \"2026-12-01T22:00:00Z\" } }",
                "{ start: { cron: \"0 0 1 * * ?\" } }",
                "{ start: { cron: \"0 0 1 31 2 ?\" } }",
                "{ windows: [{ days: [MON], from: \"22:00\", to: \"06:00\" }], zone: Europe/Berlin }",
                "{ windows: [{ days: [MON], from: \"22:00\", to: \"22:00\" }] }",
                "{ zone: Nowhere/Else, pause-after: 0% }");
    }

    private static List<String> errors() {
        return List.of(
                "{ attempts: 5, quarantine: 100 }",
                "{ lock-timeout: 500ms, statement-timeout: 30s }",
                "{ lock-timeout: 1m, statement-timeout: 1s }");
    }

    /** The next file. */
    public String next() {
        List<String> lines = new ArrayList<>();
        String work = pick(List.of("update", "delete", "sql", "processor"));
        KEYS.forEach((key, values) -> {
            boolean required = List.of("version", "job", "table", "range", work).contains(key);
            boolean other = List.of("update", "delete", "sql", "processor").contains(key);
            if (required ? !chance(50) : chance(other ? 60 : 4)) {
                lines.add(key + ": " + (chance(40) ? pick(JUNK) : pick(values)));
            }
        });
        if (chance(30)) {
            lines.add(pick(List.of("jbo: fill", "x: y", "job: again", "- a", "---", "...")));
        }
        String text = String.join("\n", lines) + "\n";
        return chance(8) ? damaged(text) : text;
    }

    private String damaged(String text) {
        StringBuilder damaged = new StringBuilder(text);
        int place = random.nextInt(damaged.length());
        switch (random.nextInt(3)) {
            case 0 -> damaged.insert(place, DAMAGE.charAt(random.nextInt(DAMAGE.length())));
            case 1 -> damaged.delete(place, Math.min(damaged.length(), place + 1 + random.nextInt(20)));
            default -> damaged.insert(random.nextInt(damaged.length()), damaged.substring(place));
        }
        return damaged.toString();
    }

    /** Once in so many times. */
    private boolean chance(int oneIn) {
        return random.nextInt(oneIn) == 0;
    }

    private <T> T pick(List<T> choices) {
        return choices.get(random.nextInt(choices.size()));
    }
}
