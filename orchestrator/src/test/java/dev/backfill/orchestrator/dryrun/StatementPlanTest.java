package dev.backfill.orchestrator.dryrun;

import static dev.backfill.orchestrator.dryrun.Workbench.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.dryrun.StatementPlan.Way;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How a batch finds its rows, by plans of the server. */
class StatementPlanTest {

    private static final String VERIFY = "\nverify: { remaining: n = 0 }";
    private static final String COUNT = "sql: UPDATE t SET n = n + 1 WHERE :range" + VERIFY;
    private static final String NO_CONDITION = "sql: UPDATE t SET n = n + 1 WHERE (:range) IS NOT FALSE" + VERIFY;

    private Workbench bench;

    @BeforeEach
    void create() throws SQLException {
        bench = new Workbench(20_000);
    }

    @AfterEach
    void close() throws SQLException {
        bench.close();
    }

    @Test
    void an_index_on_another_column_is_none_on_the_range() throws SQLException {
        bench.database()
                .execute(
                        "ALTER TABLE t ADD other int",
                        "UPDATE t SET other = id",
                        "CREATE INDEX by_other ON t (other, id)",
                        "CREATE SCHEMA elsewhere",
                        "CREATE TABLE elsewhere.t (id int PRIMARY KEY)",
                        "ANALYZE t");
        Forecast forecast = look("sql: UPDATE t SET n = n + 1 WHERE other = 5 AND :range" + VERIFY);
        assertThat(way(forecast)).isEqualTo(Way.OTHERWISE);
        assertThat(text(forecast))
                .contains(
                        "WARNING: a batch does not find its rows by an index on the range; see its plan:", "by_other");

        String namesake = "sql: UPDATE t SET n = 1 FROM elsewhere.t e WHERE e.id = 5 AND t.other = 5 AND"
                + " (:range(t)) IS NOT FALSE" + VERIFY;
        assertThat(text(look(namesake))).contains("t_pkey", "WARNING: a batch does not find its rows by an index");
    }

    @Test
    void an_index_that_is_read_into_a_bitmap_is_one() throws SQLException {
        try (Statement setting = bench.connection().createStatement()) {
            setting.execute("SET enable_indexscan = off");
            bench.connection().commit();
        }
        Forecast forecast = look(COUNT);
        assertThat(way(forecast)).isEqualTo(Way.INDEX);
        assertThat(text(forecast)).contains("a batch finds its rows by t_pkey:", "Bitmap Index Scan on t_pkey");
    }

    @Test
    void a_small_table_may_be_read_whole_if_an_index_is_used_later() throws SQLException {
        assertThat(way(look(NO_CONDITION))).isEqualTo(Way.OTHERWISE);

        bench.database().execute("DELETE FROM t WHERE id > 20", "VACUUM FULL t", "ANALYZE t");
        assertThat(text(look(COUNT)))
                .contains("a batch reads the whole table, because it is small; with more rows it uses t_pkey:");
    }

    @Test
    void a_large_table_that_is_read_whole_is_warned_of_also_below_another() throws SQLException {
        bench.database()
                .execute(
                        "CREATE TABLE below (filler text STORAGE PLAIN) INHERITS (t)",
                        "INSERT INTO below SELECT g, 0, '', repeat('y', 5000) FROM generate_series(30001, 31500) g",
                        "ANALYZE t",
                        "ANALYZE below");
        Forecast forecast = look(COUNT);
        assertThat(way(forecast)).isEqualTo(Way.WHOLE);
        assertThat(text(forecast))
                .contains("WARNING: each batch reads below of \"public\".\"t\" whole (11.7 MB); see its plan:")
                .contains("job tried on \"public\".\"t\", 14.", "MB without its indexes");

        bench.database()
                .execute(
                        "DROP TABLE below",
                        "ALTER TABLE t ALTER pad SET STORAGE PLAIN",
                        "UPDATE t SET pad = repeat('x', 900)");
        assertThat(text(look(NO_CONDITION))).contains("WARNING: each batch reads \"public\".\"t\" whole (");
    }

    @Test
    void partitions_are_found_by_their_own_indexes() throws SQLException {
        bench.database()
                .execute(
                        "DROP TABLE t",
                        "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0) PARTITION BY RANGE (id)",
                        "CREATE TABLE t2 (n int NOT NULL DEFAULT 0, id int NOT NULL)",
                        "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (9900)",
                        "ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM (9900) TO (100000)",
                        "INSERT INTO t SELECT generate_series(1, 20000)",
                        "ANALYZE t");
        Forecast forecast = look(COUNT);
        assertThat(way(forecast)).isEqualTo(Way.INDEX);
        assertThat(text(forecast))
                .containsPattern("a batch finds its rows by (t1_pkey|t1_pkey, t2_pkey|t2_pkey):")
                .contains("tables below it that hold rows: 2");
    }

    @Test
    void a_statement_that_may_delete_rows_of_the_table_is_known() throws SQLException {
        bench.database().execute("CREATE TABLE other (id int)");
        assertThat(deletes("UPDATE t SET n = 1 WHERE :range")).isFalse();
        assertThat(deletes("DELETE FROM t WHERE :range")).isTrue();
        assertThat(deletes("DELETE FROM other o USING t WHERE o.id = t.id AND :range(t)"))
                .isFalse();
        assertThat(deletes("WITH a AS (DELETE FROM ONLY t WHERE :range RETURNING 1) UPDATE other SET id = 1"))
                .isTrue();
        assertThat(deletes("MERGE INTO t USING other o ON t.id = o.id AND :range(t) WHEN MATCHED THEN DELETE"))
                .isTrue();
    }

    private boolean deletes(String sql) throws SQLException {
        return look("sql: " + sql + VERIFY).plan().orElseThrow().deletes();
    }

    private Forecast look(String work) throws SQLException {
        return bench.look(bench.job("{ by: id }", work));
    }

    private static Way way(Forecast forecast) {
        return forecast.plan().orElseThrow().way();
    }
}
