package dev.backfill.orchestrator.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AssignmentsTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            UPDATE t SET a = 1                                                            | t.a
            update only s.T as x set A = x.a + 1, "B" = (SELECT 1, 2), c[1] = 2 WHERE :range(x) | t.a t.B t.c
            UPDATE "T" * SET (a, "B") = (SELECT 1, 2), c = 'x, d = 3' FROM u WHERE e = 4    | T.a T.B T.c
            INSERT INTO s.u AS x (k) SELECT 1 ON CONFLICT (k) DO UPDATE SET n = x.n + 1    | u.n
            MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN UPDATE SET a = 2 WHEN NOT MATCHED THEN DO NOTHING | t.a
            WITH m AS (UPDATE t SET a = a + 1 WHERE :range RETURNING b) UPDATE u SET c = 1 | t.a u.c
            UPDATE t SET a = (b = c), d = CASE WHEN e = 1 THEN 2 END -- SET f = 1          | t.a t.d
            UPDATE Größe SET ÄA = 1, 😀b = 2, "É" = 3 WHERE :range                         | größe.Äa größe.😀b größe.É
            SELECT * FROM t WHERE :range FOR NO KEY UPDATE OF t                            |
            DELETE FROM t WHERE b = 'UPDATE t SET a = 1'                                   |
            """)
    void what_a_statement_sets_is_found_wherever_it_stands(String sql, String expected) {
        List<String> found = Assignments.of(SqlTemplate.parse(sql)).stream()
                .map(a -> a.table() + "." + a.column())
                .toList();

        assertThat(String.join(" ", found)).isEqualTo(expected == null ? "" : expected);
    }
}
