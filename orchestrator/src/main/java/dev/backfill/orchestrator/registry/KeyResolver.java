package dev.backfill.orchestrator.registry;

import dev.backfill.api.RangeDefinition;
import dev.backfill.orchestrator.db.TableFacts;
import dev.backfill.orchestrator.db.TableFacts.Column;
import dev.backfill.orchestrator.db.TableFacts.Column.Generation;
import dev.backfill.orchestrator.db.TableFacts.Index;
import dev.backfill.orchestrator.registry.LoadedJob.Locations;
import dev.backfill.orchestrator.sql.KeyColumn;
import dev.backfill.orchestrator.sql.KeyColumns;
import dev.backfill.orchestrator.sql.KeyOrder;
import dev.backfill.orchestrator.sql.SqlName;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Finds the columns that a run goes by; one instance a question. Pure. */
final class KeyResolver {

    private static final String COLUMN = "/range/column";
    private static final Set<String> TIMES = Set.of("date", "timestamp without time zone", "timestamp with time zone");

    private final RangeDefinition range;
    private final TableFacts table;
    private final Locations locations;
    private final List<Problem> problems = new ArrayList<>();

    private KeyResolver(RangeDefinition range, TableFacts table, Locations locations) {
        this.range = range;
        this.table = table;
        this.locations = locations;
    }

    /**
     * What was found.
     *
     * @param key the columns; empty when there are problems
     * @param problems why there is no key
     */
    record Answer(Optional<KeyColumns> key, List<Problem> problems) {
        /** Copies the list. */
        Answer {
            problems = List.copyOf(problems);
        }
    }

    /**
     * Finds the key of a range.
     *
     * @param range what the job says
     * @param table what the catalog says
     * @param locations where problems are
     * @return the key or the problems
     */
    static Answer resolve(RangeDefinition range, TableFacts table, Locations locations) {
        KeyResolver resolver = new KeyResolver(range, table, locations);
        List<String> named = resolver.named();
        if (resolver.problems.isEmpty()) {
            resolver.checkIndex(named);
            resolver.checkNulls(named);
            resolver.checkKind(resolver.column(named.get(0)));
        }
        return resolver.problems.isEmpty()
                ? new Answer(Optional.of(resolver.key(named)), List.of())
                : new Answer(Optional.empty(), resolver.problems);
    }

    private List<String> named() {
        if (range.columns().isEmpty()) {
            if (table.primaryKey().isEmpty()) {
                add(COLUMN, "no primary key and no range.column", "name a column that has a btree index");
            }
            return table.primaryKey();
        }
        List<String> names = range.columns().stream().map(SqlName::parseColumn).toList();
        for (int i = 0; i < names.size(); i++) {
            if (table.column(names.get(i)).isEmpty()) {
                List<String> known = table.columns().stream().map(Column::name).toList();
                String message = "no column " + SqlName.quote(names.get(i)) + " in " + tableName();
                add(pointer(i), message, Problem.didYouMean(names.get(i), known));
            }
        }
        return names;
    }

    private void checkIndex(List<String> named) {
        if (isServed(named)) {
            return;
        }
        List<Index> candidates = table.indexes().stream()
                .filter(i -> i.columns().contains(named.get(0)) || i.columns().isEmpty())
                .toList();
        if (table.column(named.get(0))
                .filter(c -> c.generation() == Generation.VIRTUAL)
                .isPresent()) {
            add(
                    COLUMN,
                    list(named.subList(0, 1)) + " is computed when a row is read, and no index can hold it",
                    "go by another column, such as one that it is computed from");
            return;
        }
        String reasons =
                candidates.stream().map(i -> i.name() + " " + reason(i, named)).collect(Collectors.joining("; "));
        add(
                COLUMN,
                "no index in which the rows can be read by " + list(named) + (reasons.isEmpty() ? "" : ": " + reasons),
                "CREATE INDEX CONCURRENTLY ON " + tableName() + " (" + list(withPrimaryKey(named)) + ")");
    }

    private static String reason(Index index, List<String> named) {
        if (index.method().equals("brin")) {
            return "does not help: a BRIN index is none, it cannot return rows in order";
        } else if (!index.method().equals("btree")) {
            return "does not help: a " + index.method() + " index cannot return rows in order";
        } else if (index.columns().isEmpty()) {
            return "does not help: it is over an expression";
        } else if (!index.columns().get(0).equals(named.get(0))) {
            return "does not help: it begins with another column";
        } else if (!index.traits().complete()) {
            return "does not help: it is partial (it has a WHERE) or invalid";
        } else if (!index.traits().ordered()) {
            return "does not help: its operator class, collation or direction is not the default";
        }
        return "does not help: it does not begin with all of these columns in this order";
    }

    private void checkNulls(List<String> named) {
        List<String> names = isUnique(named) ? named : withPrimaryKey(named);
        IntStream.range(1, names.size())
                .filter(i -> column(names.get(i)).nullable())
                .forEach(i -> add(
                        i < named.size() ? pointer(i) : COLUMN,
                        "the column " + SqlName.quote(names.get(i)) + " may be NULL",
                        "only the first range column may; ALTER TABLE ... ALTER COLUMN ... SET NOT NULL, on tables that"
                                + " inherit too, or VALIDATE CONSTRAINT"));
    }

    private void checkKind(Column first) {
        boolean time = TIMES.contains(first.type());
        String name = SqlName.quote(first.name()) + " is of type " + first.type();
        if (range.by() == RangeDefinition.Kind.TIME && !time) {
            add("/range/by", "by: time needs a date or a timestamp, and " + name, "say by: id");
        } else if (range.by() == RangeDefinition.Kind.ID && time) {
            add("/range/by", "by: id is not for times, and " + name, "say by: time");
        }
    }

    private KeyColumns key(List<String> named) {
        boolean uniqueAlone = isUnique(named);
        List<String> names = uniqueAlone ? named : withPrimaryKey(named);
        List<KeyColumn> columns = names.stream()
                .map(this::column)
                .map(c -> new KeyColumn(c.name(), c.type(), c.nullable()))
                .toList();
        boolean unique = uniqueAlone || (!table.primaryKey().isEmpty() && isWithoutNulls(table.primaryKey()));
        return new KeyColumns(columns, unique, isServed(names), order());
    }

    private KeyOrder order() {
        return switch (range.course().order()) {
            case ASC -> KeyOrder.ASC;
            case DESC -> KeyOrder.DESC;
        };
    }

    private boolean isUnique(List<String> named) {
        Set<String> columns = new HashSet<>(named);
        return isWithoutNulls(named)
                && table.indexes().stream()
                        .filter(i -> i.traits().unique() && i.traits().complete())
                        .anyMatch(i -> !i.columns().isEmpty() && columns.containsAll(i.columns()));
    }

    private boolean isWithoutNulls(List<String> names) {
        return names.stream().noneMatch(name -> column(name).nullable());
    }

    private List<String> withPrimaryKey(List<String> named) {
        List<String> all = new ArrayList<>(named);
        table.primaryKey().stream().filter(c -> !all.contains(c)).forEach(all::add);
        return all;
    }

    private boolean isServed(List<String> names) {
        return table.indexes().stream().anyMatch(i -> i.serves(names));
    }

    private Column column(String name) {
        return table.column(name).orElseThrow(() -> new IllegalStateException("no column " + name));
    }

    private String pointer(int index) {
        String element = COLUMN + "/" + index;
        return locations.has(element) ? element : COLUMN;
    }

    private String tableName() {
        return table.identity().name().quoted();
    }

    private static String list(List<String> names) {
        return names.stream().map(SqlName::quote).collect(Collectors.joining(", "));
    }

    private void add(String pointer, String message, String hint) {
        problems.add(locations.problem(pointer, message, hint));
    }
}
