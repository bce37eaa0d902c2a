package dev.backfill.orchestrator.dryrun;

import static dev.backfill.orchestrator.dryrun.Workbench.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.registry.JobStatement;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Where batches are tried. */
class PlacesTest {

    private static final String COUNT = "sql: UPDATE t SET n = n + 1 WHERE :range\nverify: { remaining: n = 0 }";

    private Workbench bench;

    @BeforeEach
    void create() throws SQLException {
        bench = new Workbench(3_000);
    }

    @AfterEach
    void close() throws SQLException {
        bench.close();
    }

    @Test
    void the_last_one_is_the_end_of_the_range_in_either_direction() throws SQLException {
        bench.database().execute("UPDATE t SET n = 5 WHERE id > 2500");
        String change = "update: { set: { n: 1 / (5 - n) }, where: n = 0 }";
        assertThat(text(bench.sample(bench.job("{ by: id }", change))))
                .contains("at the end: 500 keys, 0 rows changed", "at the start: 500 keys, 500 rows changed");
        assertThat(text(bench.sample(bench.job("{ by: id, order: desc }", change))))
                .contains("at the start: 500 keys, 0 rows changed", "at the end: 500 keys, 500 rows changed");
    }

    @Test
    void a_range_that_one_batch_takes_is_tried_once() throws SQLException {
        assertThat(places("{ by: id, to: 501 }")).containsExactly("at the start");
        assertThat(places("{ by: id, to: 401 }")).containsExactly("at the start");
        assertThat(places("{ by: id, to: 1001 }")).hasSize(5);
    }

    @Test
    void rows_without_a_value_are_tried_too() throws SQLException {
        bench.database()
                .execute(
                        "ALTER TABLE t ADD at timestamptz",
                        "UPDATE t SET at = '2026-01-01'::timestamptz + id * interval '1 min' WHERE id > 700",
                        "CREATE INDEX ON t (at)",
                        "ANALYZE t");
        JobStatement job = bench.job("{ by: time, column: at }", COUNT);
        Forecast forecast = bench.sample(job);
        assertThat(forecast.trials().samples())
                .hasSize(6)
                .allSatisfy(sample -> assertThat(sample.changed())
                        .as(sample.place())
                        .isEqualTo(sample.keys())
                        .isBetween(499L, 500L));
        assertThat(forecast.trials().samples().get(5).place()).isEqualTo("among the rows without a value");
        assertThat(forecast.gone()).isEmpty();
        assertThat(text(forecast)).contains(", and rows without a value;", "Index Cond: ((at > ");

        bench.database().execute("UPDATE t SET at = NULL", "ANALYZE t");
        assertThat(bench.sample(job).trials().all())
                .extracting(Trial::place)
                .containsExactly("among the rows without a value");
    }

    @Test
    void keys_of_text_and_of_several_columns() throws SQLException {
        bench.database()
                .execute(
                        "DROP TABLE t",
                        "CREATE TABLE t (kind int, id text, n int NOT NULL DEFAULT 0, PRIMARY KEY (kind, id))",
                        "INSERT INTO t SELECT 1 + g % 2, md5(g::text)" + " FROM generate_series(1, 3000) g",
                        "ANALYZE t");
        Forecast forecast = bench.sample(bench.job("{ by: id, column: [kind, id] }", COUNT));
        assertThat(forecast.trials().samples())
                .hasSizeGreaterThan(2)
                .allSatisfy(sample ->
                        assertThat(sample.changed()).as(sample.place()).isEqualTo(500));
        assertThat(forecast.trials().all())
                .extracting(Trial::place)
                .containsExactly("at the start", "at the end", "behind 1");
        assertThat(forecast.gone()).isEmpty();
        assertThat(text(forecast)).contains("by \"kind\", \"id\"", "with more rows it uses t_pkey:");
    }

    private List<String> places(String range) throws SQLException {
        return bench.sample(bench.job(range, COUNT)).trials().all().stream()
                .map(Trial::place)
                .toList();
    }
}
