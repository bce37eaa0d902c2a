package dev.backfill.orchestrator.registry;

import dev.backfill.orchestrator.registry.LoadedJob.Locations;
import dev.backfill.orchestrator.sql.RangeValue;
import dev.backfill.orchestrator.sql.SqlFragment;
import dev.backfill.orchestrator.sql.SqlName;
import dev.backfill.orchestrator.sql.SqlTemplate;
import dev.backfill.orchestrator.sql.SqlTemplate.MalformedException;
import dev.backfill.orchestrator.sql.SqlTemplate.Place;
import dev.backfill.orchestrator.words.Quantity;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/**
 * What a job's keys must be to one another, and what its SQL must be, as far as no database is needed; one instance a
 * document.
 *
 * <p>The document may have any form: a rule whose values are missing or of another type has nothing to say.
 */
final class JobRules {

    private static final Duration LONGEST = Duration.ofHours(24);
    private static final String FOLLOW = "follow: true does not go with ";
    private static final String NAME_HINT = "as in SQL: double quotes around a name with capitals or blanks";
    private static final Set<String> STATEMENTS =
            Set.of("select", "insert", "update", "delete", "merge", "with", "values", "table");
    private static final Set<String> MOVING_TIMES = Set.of("now", "today", "tomorrow", "yesterday");
    private static final Pattern INTO =
            Pattern.compile("(?<!(insert|merge)\\s{1,100})(?<![.\\w])into\\b", Pattern.CASE_INSENSITIVE);
    private static final Pattern FIRST_WORD = Pattern.compile("[\\s(]*([A-Za-z]+)");

    private final JsonNode written;
    private final JsonNode root;
    private final Locations locations;
    private final List<Problem> problems = new ArrayList<>();

    private JobRules(JsonNode written, JsonNode root, Locations locations) {
        this.written = written;
        this.root = root;
        this.locations = locations;
    }

    /**
     * Checks a document.
     *
     * @param written the document as it was written
     * @param root the document, with its texts as texts
     * @param locations where everything stands
     * @return every problem that these rules find
     */
    static List<Problem> problems(JsonNode written, JsonNode root, Locations locations) {
        JobRules rules = new JobRules(written, root, locations);
        rules.names();
        rules.dependencies();
        rules.bounds();
        rules.batch();
        rules.durations();
        rules.work();
        rules.expressions();
        return rules.problems;
    }

    private void names() {
        text("/table")
                .ifPresent(table -> name("/table", () -> SqlName.parse(table).name()));
        Set<String> range = rangeColumns();
        Map<String, String> assigned = new HashMap<>();
        for (String key : root.at("/update/set").propertyNames()) {
            String pointer = Locations.pointer("/update/set", key);
            Optional<String> column = name(pointer, () -> SqlName.parseColumn(key));
            column.map(c -> assigned.putIfAbsent(c, key))
                    .ifPresent(first -> key(pointer, "`" + key + "` and `" + first + "` are the same column", ""));
            column.filter(range::contains)
                    .ifPresent(c -> key(pointer, "the range column `" + c + "` must not change under the run", ""));
        }
    }

    private void dependencies() {
        JsonNode others = root.path("depends-on");
        for (int i = 0; i < others.size(); i++) {
            if (others.path(i).path("job").equals(root.path("job"))) {
                add("/depends-on/" + i + "/job", "a job cannot depend on itself", "");
            }
        }
    }

    private Set<String> rangeColumns() {
        JsonNode node = root.at("/range/column");
        List<String> written = JobMapping.oneOrMore(node);
        Set<String> columns = new HashSet<>();
        for (int i = 0; i < written.size(); i++) {
            String pointer = node.isArray() ? "/range/column/" + i : "/range/column";
            String text = written.get(i);
            name(pointer, () -> SqlName.parseColumn(text))
                    .filter(column -> !columns.add(column))
                    .ifPresent(column -> add(pointer, "`" + column + "` is in the list twice", ""));
        }
        return columns;
    }

    private Optional<String> name(String pointer, Supplier<String> read) {
        try {
            return Optional.of(read.get());
        } catch (IllegalArgumentException e) {
            add(pointer, String.valueOf(e.getMessage()), NAME_HINT);
            return Optional.empty();
        }
    }

    private void bounds() {
        Optional<String> from = text("/range/from");
        Optional<String> to = text("/range/to");
        boolean time = text("/range/by").equals(Optional.of("time"));
        for (String end : time ? List.of("/range/from", "/range/to") : List.<String>of()) {
            text(end).ifPresent(value -> fixedTime(end, value));
        }
        boolean comparable = time
                || (written.at("/range/from").isNumber()
                        && written.at("/range/to").isNumber());
        if (comparable && from.isPresent() && to.isPresent() && !RangeValue.isBefore(from.get(), to.get(), time)) {
            add("/range/to", "range.to must be greater than range.from", "from is inclusive, to is exclusive");
        }
        if (root.at("/range/follow").asBoolean(false)) {
            to.ifPresent(end -> add("/range/follow", FOLLOW + "range.to", "leave one of them out"));
            text("/range/order")
                    .filter("desc"::equals)
                    .ifPresent(desc -> add("/range/follow", FOLLOW + "range.order: desc", "say order: asc"));
        }
    }

    private void fixedTime(String pointer, String value) {
        String word = value.strip().toLowerCase(Locale.ROOT);
        if (MOVING_TIMES.contains(word.split("\\s", 2)[0])) {
            add(pointer, "`" + value + "` is another time at each start", "write the date or the instant itself");
        } else if ((word.contains("now()") || word.contains("interval"))
                && !RangeValue.of(value, true).isRelative()) {
            add(
                    pointer,
                    "a time must be a date, an instant, or relative to the start",
                    "such as now() - interval '30 days'");
        }
    }

    private void batch() {
        notAbove("min", "size");
        notAbove("size", "max");
        if (!root.at("/batch").has("size")) {
            notAbove("min", "max");
        }
    }

    private void notAbove(String less, String more) {
        JsonNode low = root.at("/batch/" + less);
        JsonNode high = root.at("/batch/" + more);
        if (low.isIntegralNumber()
                && high.isIntegralNumber()
                && low.bigIntegerValue().compareTo(high.bigIntegerValue()) > 0) {
            add("/batch/" + less, "batch.%s must not be greater than batch.%s".formatted(less, more), "");
        }
    }

    private void durations() {
        for (String pointer : List.of("/batch/target", "/errors/lock-timeout", "/errors/statement-timeout")) {
            text(pointer)
                    .filter(t -> t.matches("[1-9][0-9]{0,7}(ms|s|m|h)"))
                    .filter(t -> Quantity.duration(t).compareTo(LONGEST) > 0)
                    .ifPresent(t -> add(pointer, pointer.substring(1).replace('/', '.') + " must be at most 24h", ""));
        }
    }

    private void work() {
        boolean verified = root.has("verify");
        for (String kind : List.of("update", "delete")) {
            String where = "/" + kind + "/where";
            if (!verified && text(where).filter(JobRules::isTrue).isPresent()) {
                add(where, "with `where: \"true\"` the job must say how it is verified", "add `verify`");
            }
        }
        for (String kind : List.of("sql", "processor")) {
            if (root.has(kind) && !verified) {
                key("/" + kind, "with `" + kind + "` the job must say how it is verified", "add `verify`");
            }
        }
        if (root.has("idempotent") && !root.has("sql") && !root.has("processor")) {
            key(
                    "/idempotent",
                    "`idempotent` is only for `sql` and `processor`",
                    "update and delete can always be done again");
        }
    }

    private static boolean isTrue(String condition) {
        return condition.replaceAll("[\\s'\"()]", "").equalsIgnoreCase("true");
    }

    private void expressions() {
        for (String pointer : List.of("/update/where", "/delete/where", "/verify/remaining")) {
            text(pointer).filter(sql -> !sql.isBlank()).ifPresent(sql -> expression(pointer, sql));
        }
        for (String key : root.at("/update/set").propertyNames()) {
            String pointer = Locations.pointer("/update/set", key);
            text(pointer).filter(sql -> !sql.isBlank()).ifPresent(sql -> expression(pointer, sql));
        }
        text("/sql").filter(sql -> !sql.isBlank()).ifPresent(this::statement);
    }

    private void expression(String pointer, String sql) {
        filled(pointer, sql, Set.of("started")).ifPresent(filled -> {
            String whole = SqlFragment.builder()
                    .code("SELECT (\n")
                    .add(filled)
                    .code("\n)")
                    .build()
                    .jdbc();
            if (code(filled).contains(";") || StatementCheck.statements(whole) != 1) {
                add(pointer, "an expression holds no `;` and no second statement", "");
            } else if (code(filled).isBlank() && filled.pieces().stream().allMatch(JobRules::isSpace)) {
                add(pointer, "there is no expression here, only a comment", "");
            }
        });
    }

    private void statement(String sql) {
        filled("/sql", sql, Set.of("from", "range", "started", "to")).ifPresent(filled -> {
            Matcher word = FIRST_WORD.matcher(code(filled));
            String first = word.lookingAt() ? word.group(1) : "";
            if (!STATEMENTS.contains(first.toLowerCase(Locale.ROOT))) {
                add("/sql", "sql must be one INSERT, UPDATE, DELETE, MERGE, SELECT or WITH statement", "");
            }
            if (INTO.matcher(code(filled)).find()) {
                add("/sql", "SELECT ... INTO creates a table", "create it before, and use INSERT INTO");
            }
            if (StatementCheck.statements(filled.jdbc()) != 1) {
                add("/sql", "sql holds more than one statement", "a job is one statement");
            }
            if (SqlTemplate.parse(sql).places().stream()
                    .noneMatch(place -> place.name().equals("range"))) {
                add("/sql", "sql must hold `:range`", "it stands for the batch's rows, as in WHERE :range");
            }
        });
    }

    private Optional<SqlFragment> filled(String pointer, String sql, Set<String> known) {
        try {
            SqlTemplate template = SqlTemplate.parse(sql);
            for (Place place : template.places()) {
                place(pointer, place, known);
            }
            return Optional.of(template.fill(place -> SqlFragment.of("NULL")));
        } catch (MalformedException e) {
            add(pointer, String.valueOf(e.getMessage()), "");
            return Optional.empty();
        }
    }

    private void place(String pointer, Place place, Set<String> known) {
        String names = known.stream().sorted().map(n -> "`:" + n + "`").collect(Collectors.joining(", "));
        if (!known.contains(place.name())) {
            add(pointer, "unknown place `:" + place.name() + "`", "there is " + names);
        } else if (place.alias().isPresent() && !place.name().equals("range")) {
            add(pointer, "`:" + place.name() + "` takes nothing in parentheses", "");
        }
    }

    private static String code(SqlFragment fragment) {
        return fragment.pieces().stream()
                .filter(SqlFragment.Code.class::isInstance)
                .map(piece -> ((SqlFragment.Code) piece).text())
                .collect(Collectors.joining(" "));
    }

    private static boolean isSpace(SqlFragment.Piece piece) {
        String text = piece instanceof SqlFragment.Verbatim verbatim ? verbatim.text() : "";
        return text.isBlank() || text.startsWith("--") || text.startsWith("/*");
    }

    private Optional<String> text(String pointer) {
        return root.at(pointer).stringValueOpt();
    }

    private void add(String pointer, String message, String hint) {
        problems.add(locations.problem(pointer, message, hint));
    }

    private void key(String pointer, String message, String hint) {
        problems.add(locations.keyProblem(pointer, message, hint));
    }
}
