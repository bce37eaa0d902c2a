package dev.backfill.orchestrator.functional;

import java.util.List;
import java.util.Locale;

/**
 * A table of a kind of key, with the first and the last value that its type has. Each has a twin. The rows are made of
 * {@code g}, from 1 to {@link KilledRuns.Shape#ROWS}.
 */
enum KeyShape implements KilledRuns.Shape {
    SMALLINT("k smallint PRIMARY KEY", "CASE g WHEN 1 THEN -32768 WHEN 6000 THEN 32767 ELSE g * 8 - 16000 END"),
    INTEGER("k integer PRIMARY KEY", "CASE g WHEN 1 THEN -2147483648 WHEN 6000 THEN 2147483647 ELSE g - 2000 END"),
    BIGINT("k bigint PRIMARY KEY", Values.BIGINT),
    BIGINT_DOWN("k bigint PRIMARY KEY", Values.BIGINT, "{ by: id, order: desc }"),
    NUMERIC("k numeric PRIMARY KEY", Values.NUMERIC),
    NUMERIC_DOWN("k numeric PRIMARY KEY", Values.NUMERIC, "{ by: id, order: desc }"),
    FLOAT("k float8 PRIMARY KEY", "CASE g WHEN 1 THEN '-Infinity' WHEN 6000 THEN 'NaN' ELSE g / 7.0 - 100 END::float8"),
    UUID("k uuid PRIMARY KEY", Values.UUID),
    UUID_DOWN("k uuid PRIMARY KEY", Values.UUID, "{ by: id, order: desc }"),
    TEXT("k text COLLATE \"C\" PRIMARY KEY", Values.TEXT),
    TEXT_OF_A_LANGUAGE("k text COLLATE \"und-x-icu\" PRIMARY KEY", Values.TEXT),
    TEXT_DOWN("k text PRIMARY KEY", Values.TEXT, "{ by: id, order: desc }"),
    CHAR("k char(12) PRIMARY KEY", "CASE g WHEN 1 THEN '' ELSE left(md5(g::text), 12) END"),
    BYTES("k bytea PRIMARY KEY", "CASE g WHEN 1 THEN '' ELSE decode(md5(g::text), 'hex') END"),
    ADDRESS("k inet PRIMARY KEY", "'0.0.0.0'::inet + g * 1000"),
    ENUM(
            "k mood, id integer PRIMARY KEY",
            "(enum_range(NULL::mood))[1 + g % 5], g",
            "{ by: id, column: k }",
            "(k, id)"),
    ENUM_DOWN(
            "k mood, id integer PRIMARY KEY",
            "(enum_range(NULL::mood))[1 + g % 5], g",
            "{ by: id, column: k, order: desc }",
            "(k)"),
    BOOLEAN(
            "k boolean, id integer PRIMARY KEY",
            "CASE g % 3 WHEN 0 THEN true WHEN 1 THEN false END, g",
            "{ by: id, column: k }",
            "(k, id)"),
    TIME_OF_DAY(
            "k time PRIMARY KEY", "CASE g WHEN 6000 THEN '24:00' ELSE '00:00'::time + (g - 1) * interval '10 s' END"),
    INTERVAL(
            "k interval PRIMARY KEY",
            "CASE g WHEN 1 THEN '-178000000 years' WHEN 6000 THEN '178000000 years' ELSE (g - 2000) * interval '7 h' END"),
    TYPE_OF_ANOTHER_SCHEMA("k \"Odd Types\".\"Key ?\" PRIMARY KEY", "g - 100"),
    ENUM_OF_ANOTHER_SCHEMA(
            "k \"Odd Types\".\"Level\", id integer, PRIMARY KEY (k, id)",
            "(ARRAY['low', 'it''s', 'High'])[1 + g % 3]::\"Odd Types\".\"Level\", g"),
    /** Its constraint, which comes later, does not hold for all of them. */
    DOMAIN("k positive PRIMARY KEY", "g - 100"),
    DOMAIN_OF_TIMES("k moment PRIMARY KEY", Values.TIMESTAMP.formatted("timestamptz"), "{ by: time }"),
    DATE("k date PRIMARY KEY", Values.DATE, "{ by: time }"),
    TIMESTAMP("k timestamp PRIMARY KEY", Values.TIMESTAMP.formatted("timestamp"), "{ by: time }"),
    TIMESTAMPTZ("k timestamptz PRIMARY KEY", Values.TIMESTAMP.formatted("timestamptz"), "{ by: time }"),
    TIMESTAMPTZ_DOWN(
            "k timestamptz PRIMARY KEY", Values.TIMESTAMP.formatted("timestamptz"), "{ by: time, order: desc }"),
    /** As they are in Kathmandu, where the run begins. */
    LOCAL_ENDS("k timestamptz PRIMARY KEY", Values.KATHMANDU, "{ by: time" + Values.LOCAL_ENDS + " }"),
    LOCAL_ENDS_DOWN(
            "k timestamptz PRIMARY KEY", Values.KATHMANDU, "{ by: time, order: desc" + Values.LOCAL_ENDS + " }"),
    TIES("k timestamptz, id integer PRIMARY KEY", Values.TIES, "{ by: time, column: k }", "(k)"),
    TIES_DOWN("k timestamptz, id integer PRIMARY KEY", Values.TIES, "{ by: time, column: k, order: desc }", "(k)"),
    TIES_WITH_KEY_DOWN(
            "k timestamptz, id integer PRIMARY KEY", Values.TIES, "{ by: time, column: k, order: desc }", "(k, id)"),
    TIES_OF_SEVERAL_SCALES(
            "k numeric, id integer PRIMARY KEY",
            "CASE WHEN g % 10 > 0 THEN round(g / 700, g % 3) END, g",
            "{ by: id, column: k }",
            "(k)"),
    TIES_IN_SEVERAL_CASES(
            "k text COLLATE any_case, id integer PRIMARY KEY",
            "substr('aAbBcCdD', g % 8 + 1, 1), g",
            "{ by: id, column: k }",
            "(k)"),
    COMPOSITE("k integer, id text, PRIMARY KEY (k, id)", Values.INTEGERS.formatted(500) + ", md5(g::text)"),
    COMPOSITE_OF_ONE_DOWN("k integer, id integer, PRIMARY KEY (k, id)", "7, g", "{ by: id, order: desc }"),
    COMPOSITE_OF_THREE("k integer, id integer, c text, PRIMARY KEY (k, id, c)", Values.THREE),
    COMPOSITE_OF_THREE_DOWN(
            "k integer, id integer, c text, PRIMARY KEY (k, id, c)", Values.THREE, "{ by: id, order: desc }"),
    PARTITIONED("k bigint PRIMARY KEY", Values.BIGINT),
    WITHOUT_PRIMARY_KEY("k integer", "CASE WHEN g % 10 > 0 THEN g / 120 END", "{ by: id, column: k }", "(k)"),
    INDEXED_DOWN("k bigint NOT NULL", Values.BIGINT, "{ by: id, column: k }", "(k DESC)"),
    TIES_INDEXED_DOWN(
            "k timestamptz, id integer PRIMARY KEY", Values.TIES, "{ by: time, column: k }", "(k DESC, id DESC)");

    /** What some of the types need. */
    static final String[] BEFORE = {
        "CREATE DOMAIN positive AS integer",
        "CREATE TYPE mood AS ENUM ('sad', 'so so', 'Happy', '{', 'NULL')",
        "CREATE SCHEMA \"Odd Types\"",
        "CREATE DOMAIN \"Odd Types\".\"Key ?\" AS bigint",
        "CREATE TYPE \"Odd Types\".\"Level\" AS ENUM ('low', 'it''s', 'High')",
        "CREATE DOMAIN point_in_time AS timestamptz",
        "CREATE DOMAIN moment AS point_in_time",
        "CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
    };

    /** What stands in the key columns. */
    private static final class Values {
        static final String UNTOUCHED = "WITH (autovacuum_enabled = false)";
        static final String BIGINT = "CASE g WHEN 1 THEN -9223372036854775808 WHEN 6000 THEN 9223372036854775807"
                + " ELSE (g - 2000) * 2000000000000000::bigint END";
        static final String INTEGERS = "CASE g WHEN 1 THEN -2147483648 WHEN 6000 THEN 2147483647 ELSE g / %d END";
        static final String THREE = INTEGERS.formatted(2000) + ", " + INTEGERS.formatted(400) + ", md5(g::text)";
        static final String NUMERIC =
                "CASE g WHEN 1 THEN '-Infinity' WHEN 6000 THEN 'NaN' ELSE (g - 2000) * 1e20 + 0.000000001 END::numeric";
        static final String UUID = "CASE g WHEN 1 THEN '00000000-0000-0000-0000-000000000000'"
                + " WHEN 6000 THEN 'ffffffff-ffff-ffff-ffff-ffffffffffff' ELSE md5(g::text) END::uuid";
        static final String TEXT =
                "CASE g WHEN 1 THEN '' WHEN 2 THEN 'NULL' WHEN 3 THEN '{\"' WHEN 4 THEN E'a\\\\b\\n,''}'"
                        + " WHEN 5 THEN ' ' WHEN 6000 THEN chr(1114111) ELSE substr('aAbBäÄzZéE', g % 10 + 1, 1) || g END";
        static final String DATE =
                "CASE g WHEN 1 THEN '-infinity' WHEN 2 THEN '4714-11-24 BC' WHEN 5999 THEN '5874897-12-31'"
                        + " WHEN 6000 THEN 'infinity' ELSE '2026-01-01'::date + g END::date";
        static final String TIMESTAMP = "CASE g WHEN 1 THEN '-infinity' WHEN 2 THEN '4714-11-24 00:00:00 BC'"
                + " WHEN 5999 THEN '294276-12-31 23:59:59.999999' WHEN 6000 THEN 'infinity'"
                + " ELSE '2026-03-28 20:00:00'::timestamp + g * interval '3 min 0.000001 s' END::%1$s";
        static final String KATHMANDU = "'2026-03-28 20:00+05:45'::timestamptz + g * interval '3 min'";
        static final String LOCAL_ENDS = ", from: '2026-03-28 20:03', to: '2026-04-10 08:00:01'";
        static final String TIES = "CASE WHEN g % 10 = 0 THEN NULL WHEN g BETWEEN 1000 AND 1700 THEN '2026-02-01'"
                + " WHEN g = 1 THEN '-infinity' WHEN g > 5990 THEN 'infinity'"
                + " ELSE '2026-01-01'::timestamptz + (g / 3) * interval '1 h' END::timestamptz, g";
    }

    private final String columns;
    private final String values;
    private final String range;
    private final String index;

    KeyShape(String columns, String values) {
        this(columns, values, "{ by: id }");
    }

    KeyShape(String columns, String values, String range) {
        this(columns, values, range, "");
    }

    KeyShape(String columns, String values, String range, String index) {
        this.columns = columns;
        this.values = values;
        this.range = range;
        this.index = index;
    }

    @Override
    public String table() {
        return name().toLowerCase(Locale.ROOT);
    }

    @Override
    public String twin() {
        return table() + "_twin";
    }

    @Override
    public String job() {
        return table().replace('_', '-');
    }

    @Override
    public String range() {
        return range;
    }

    /** Every other is without statistics, which a range with ends needs for more than one slice. */
    @Override
    public List<String> ddl() {
        return List.of(
                create(table()) + (this == PARTITIONED ? "PARTITION BY RANGE (k)" : Values.UNTOUCHED),
                this == PARTITIONED ? partition("1", "MINVALUE", "0") : "SELECT",
                this == PARTITIONED ? partition("2", "0", "MAXVALUE") : "SELECT",
                create(twin()) + Values.UNTOUCHED,
                fill(table()),
                fill(twin()),
                this == DOMAIN ? "ALTER DOMAIN positive ADD CHECK (VALUE > 0) NOT VALID" : "SELECT",
                index.isEmpty() ? "SELECT" : "CREATE INDEX ON " + table() + " " + index,
                name().length() % 2 == 0 && this != TEXT_OF_A_LANGUAGE && this != LOCAL_ENDS
                        ? "SELECT"
                        : "ANALYZE " + table());
    }

    private String create(String table) {
        return "CREATE TABLE " + table + " (" + columns + ", g integer NOT NULL, n integer NOT NULL DEFAULT 0) ";
    }

    private String partition(String name, String from, String to) {
        return "CREATE TABLE " + table() + name + " PARTITION OF " + table() + " FOR VALUES FROM (" + from + ") TO ("
                + to + ") " + Values.UNTOUCHED;
    }

    private String fill(String table) {
        return "INSERT INTO " + table + " SELECT " + values + ", g FROM generate_series(1, " + ROWS + ") AS g";
    }

    @Override
    public String change(String table, String where) {
        return "UPDATE " + table + " SET n = n + g WHERE " + where;
    }
}
