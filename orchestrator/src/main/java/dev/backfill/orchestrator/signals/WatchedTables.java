package dev.backfill.orchestrator.signals;

import dev.backfill.orchestrator.db.TableFacts;
import java.util.HashMap;
import java.util.Map;

/** The tables of the runs that move. Safe for use by several threads. */
final class WatchedTables {

    private final Map<Long, Integer> runs = new HashMap<>();
    private final Map<Long, String> names = new HashMap<>();

    /** One more run moves over a table. */
    synchronized void add(TableFacts.Identity table) {
        runs.merge(table.oid(), 1, Integer::sum);
        names.putIfAbsent(table.oid(), name(table));
    }

    /** One run fewer. */
    synchronized void remove(TableFacts.Identity table) {
        if (runs.merge(table.oid(), -1, Integer::sum) <= 0) {
            runs.remove(table.oid());
            names.remove(table.oid());
        }
    }

    /** Whether no run moves. */
    synchronized boolean isEmpty() {
        return runs.isEmpty();
    }

    /** Their names, by their numbers in the catalog. */
    synchronized Map<Long, String> all() {
        return Map.copyOf(names);
    }

    /** What the table of a run that moves is called, for as long as any run moves over it. */
    synchronized String nameOf(TableFacts.Identity table) {
        return names.getOrDefault(table.oid(), name(table));
    }

    /** What a table is called in messages and series. */
    private static String name(TableFacts.Identity table) {
        return table.name().schema().map(schema -> schema + ".").orElse("")
                + table.name().name();
    }
}
