package dev.backfill.orchestrator.docs;

import java.util.Arrays;
import java.util.Locale;

/** What a table can be; each has the columns {@code a} and {@code b}. */
enum KindOfTable {
    ORDINARY("an ordinary table", "", "CREATE TABLE $ (a int PRIMARY KEY, b int)"),
    PARTITIONED(
            "a partitioned table",
            "",
            "CREATE TABLE $ (a int PRIMARY KEY, b int) PARTITION BY RANGE (a)",
            "CREATE TABLE part PARTITION OF $ FOR VALUES FROM (0) TO (9) PARTITION BY HASH (a)",
            "CREATE TABLE leaf PARTITION OF part FOR VALUES WITH (MODULUS 1, REMAINDER 0)"),
    PARTITION(
            "a partition",
            "",
            "CREATE TABLE whole (a int PRIMARY KEY, b int) PARTITION BY RANGE (a)",
            "CREATE TABLE $ PARTITION OF whole DEFAULT"),
    INHERITED(
            "a table that others inherit from",
            "",
            "CREATE TABLE $ (a int PRIMARY KEY, b int)",
            "CREATE TABLE heir (PRIMARY KEY (a)) INHERITS ($)"),
    PARTLY_FOREIGN(
            "a partitioned table with a foreign partition",
            "name the other partitions, a job each",
            "CREATE FOREIGN DATA WRAPPER w",
            "CREATE SERVER s FOREIGN DATA WRAPPER w",
            "CREATE TABLE $ (a int, b int) PARTITION BY RANGE (a)",
            "CREATE FOREIGN TABLE far PARTITION OF $ DEFAULT SERVER s",
            "CREATE INDEX ON ONLY $ (a)"),
    HEIR_ELSEWHERE(
            "a table that a foreign table inherits from",
            "NO INHERIT",
            "CREATE TABLE $ (a int PRIMARY KEY, b int)",
            "CREATE FOREIGN TABLE distant () INHERITS ($) SERVER s"),
    FOREIGN(
            "a foreign table",
            "run the job in the database that holds its rows",
            "CREATE FOREIGN TABLE $ (a int, b int) SERVER s"),
    VIEW(
            "a view",
            "name the table under it",
            "CREATE TABLE under_it (a int PRIMARY KEY, b int)",
            "CREATE VIEW $ AS TABLE under_it"),
    MATERIALIZED_VIEW(
            "a materialized view",
            "only REFRESH can change",
            "CREATE MATERIALIZED VIEW $ AS SELECT 1 AS a, 1 AS b",
            "CREATE INDEX ON $ (a)"),
    UNLOGGED("an unlogged table", "", "CREATE UNLOGGED TABLE $ (a int PRIMARY KEY, b int)"),
    ROWS_SEEN(
            "a table with row level security, and a role that sees every row",
            "",
            "CREATE TABLE $ (a int PRIMARY KEY, b int)",
            "ALTER TABLE $ ENABLE ROW LEVEL SECURITY"),
    ROWS_HIDDEN(
            "a table with row level security, and any other role",
            "row-level security",
            "CREATE TABLE $ (a int PRIMARY KEY, b int)",
            "ALTER TABLE $ ENABLE ROW LEVEL SECURITY"),
    GENERATED(
            "a table with generated columns",
            "",
            "CREATE TABLE $ (a int PRIMARY KEY, b int, c int GENERATED ALWAYS AS (b * 2) STORED)"),
    RULED(
            "a table with a rule that puts something else in place of the job's change",
            "puts something else in place of the change",
            "CREATE TABLE $ (a int PRIMARY KEY, b int)",
            "CREATE RULE r AS ON UPDATE TO $ DO INSTEAD NOTHING"),
    TRIGGERED(
            "a table with triggers",
            "",
            "CREATE TABLE $ (a int PRIMARY KEY, b int)",
            "CREATE TRIGGER t BEFORE UPDATE ON $ FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"),
    WITHOUT_PRIMARY_KEY(
            "a table without a primary key, with `range.column`",
            "",
            "CREATE TABLE $ (a int, b int)",
            "CREATE INDEX ON $ (a)"),
    WITHOUT_ANYTHING(
            "a table without a primary key, without `range.column`",
            "no primary key and no range.column",
            "CREATE TABLE $ (a int, b int)",
            "CREATE INDEX ON $ (a)"),
    PUBLISHED(
            "a published table without a replica identity",
            "without a replica identity",
            "CREATE TABLE $ (a int, b int)",
            "CREATE INDEX ON $ (a)",
            "CREATE PUBLICATION news FOR TABLE $");

    private final String words;
    private final String refusal;
    private final String[] statements;

    KindOfTable(String words, String refusal, String... statements) {
        this.words = words;
        this.refusal = refusal;
        this.statements = statements;
    }

    /** The table's name. */
    String table() {
        return "a_" + name().toLowerCase(Locale.ROOT);
    }

    /** What makes the table. */
    String[] statements() {
        return Arrays.stream(statements).map(sql -> sql.replace("$", table())).toArray(String[]::new);
    }

    /** How the reference calls it. */
    String words() {
        return words;
    }

    /** What a job on it is refused with; empty when it works. */
    String refusal() {
        return refusal;
    }

    /** Whether the job is to name the column that it goes by. */
    boolean isByColumn() {
        return words.contains("with `range.column`") || this == PUBLISHED || this == PARTLY_FOREIGN;
    }

    /** Whether row level security is no matter to the role that works on it. */
    boolean isForSuperuser() {
        return this != ROWS_HIDDEN;
    }
}
