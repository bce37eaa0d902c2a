package dev.backfill.orchestrator.db;

import dev.backfill.orchestrator.sql.SqlName;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What the catalog says of a table.
 *
 * @param identity which table it is
 * @param columns its columns in order
 * @param indexes its indexes, the primary key's among them
 * @param publication how it is published
 * @param size how large it is
 */
public record TableFacts(
        Identity identity, List<Column> columns, List<Index> indexes, Publication publication, Size size) {

    /** What a relation is; only tables, partitioned or not, can be backfilled. */
    public enum Kind {
        TABLE,
        PARTITIONED_TABLE,
        VIEW,
        MATERIALIZED_VIEW,
        FOREIGN_TABLE,
        OTHER
    }

    /**
     * Which table it is.
     *
     * @param root the number in the catalog of the topmost table that it is a partition of, else its own
     * @param oid its number in the catalog
     * @param name its schema and name, as the search path found them
     * @param kind what it is
     */
    public record Identity(long root, long oid, SqlName name, Kind kind) {}

    /**
     * A column.
     *
     * @param name without quotes
     * @param type as SQL writes it, without a length; what a domain is made of: a constraint of the domain that is not
     *     valid for all rows must not keep a key from being written
     * @param nullable whether a row may hold NULL there, be it one of a table that inherits or one from before NOT NULL
     * @param generation whether it is always computed, so that nobody can set it
     * @param sources the columns that it is computed from
     */
    public record Column(String name, String type, boolean nullable, Generation generation, List<String> sources) {

        /** How a column gets its value. */
        public enum Generation {
            /** By who writes the row. */
            NONE,
            /** Computed when the row is written. */
            STORED,
            /** Computed when the row is read, so that no index can hold it. */
            VIRTUAL
        }

        /** Copies the list. */
        public Column {
            sources = List.copyOf(sources);
        }

        /**
         * Whether it is always computed.
         *
         * @return true when nobody can set it
         */
        public boolean generated() {
            return generation != Generation.NONE;
        }
    }

    /**
     * An index.
     *
     * @param name without quotes
     * @param method such as {@code btree} or {@code brin}
     * @param columns the plain columns that it begins with, in order, up to the first expression
     * @param traits what else is known of it
     */
    public record Index(String name, String method, List<String> columns, Traits traits) {

        /**
         * What else is known of an index.
         *
         * @param primary whether it is the primary key's
         * @param unique whether its columns, taken together, are unique
         * @param complete whether it is valid, ready and holds every row (no WHERE), so that a range can be read by it
         * @param ordered whether it holds the columns in the order that ORDER BY would ask for: default operator
         *     class and collation, and one direction with NULLs at the same end for all of them
         */
        public record Traits(boolean primary, boolean unique, boolean complete, boolean ordered) {}

        /** Copies the columns. */
        public Index {
            columns = List.copyOf(columns);
        }

        /**
         * Whether a range over these columns can be read in order by this index.
         *
         * @param wanted columns in order
         * @return true when the index begins with them
         */
        public boolean serves(List<String> wanted) {
            return method.equals("btree")
                    && traits.complete()
                    && traits.ordered()
                    && columns.size() >= wanted.size()
                    && columns.subList(0, wanted.size()).equals(wanted);
        }
    }

    /**
     * How a table is published to logical replication.
     *
     * @param publishing names of the publications that publish its updates or deletes
     * @param hasReplicaIdentity whether a change of its rows can be published
     */
    public record Publication(List<String> publishing, boolean hasReplicaIdentity) {
        /** Copies the names. */
        public Publication {
            publishing = List.copyOf(publishing);
        }
    }

    /**
     * How large a table is.
     *
     * @param estimatedRows the planner's figure; empty when the table was never analyzed
     * @param bytes of the table without its indexes
     */
    public record Size(Optional<Long> estimatedRows, long bytes) {}

    /**
     * What else hangs on a table.
     *
     * @param triggers the user's own that an UPDATE or a DELETE fires, also of what is below the table, with their events
     * @param partitions how many tables below it hold rows; 0 for an ordinary table
     * @param foreignKeys from it and to it, as PostgreSQL writes them, also those that it has as a partition
     * @param size how large the table and all that is below it are together
     * @param writes how many rows were inserted, updated and deleted since the server counts; it rises only
     */
    public record Surroundings(
            List<String> triggers, long partitions, List<String> foreignKeys, Size size, long writes) {
        /** Copies the lists. */
        public Surroundings {
            triggers = List.copyOf(triggers);
            foreignKeys = List.copyOf(foreignKeys);
        }
    }

    /** Copies the lists. */
    public TableFacts {
        columns = List.copyOf(columns);
        indexes = List.copyOf(indexes);
    }

    /**
     * Looks up a column.
     *
     * @param name without quotes
     * @return the column, empty when the table has none of that name
     */
    public Optional<Column> column(String name) {
        return columns.stream().filter(c -> c.name().equals(name)).findFirst();
    }

    /**
     * The primary key's columns.
     *
     * @return in the key's order; empty when there is no primary key
     */
    public List<String> primaryKey() {
        return indexes.stream()
                .filter(i -> i.traits().primary())
                .findFirst()
                .map(Index::columns)
                .orElse(List.of());
    }

    /**
     * The columns whose change changes these.
     *
     * @param names columns
     * @return these themselves, and what generated ones among them are computed from
     */
    public Set<String> setBy(List<String> names) {
        Set<String> all = new LinkedHashSet<>(names);
        names.stream()
                .map(this::column)
                .flatMap(Optional::stream)
                .map(Column::sources)
                .forEach(all::addAll);
        return all;
    }
}
