package dev.backfill.orchestrator.registry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.registry.LiveCheck.Accepted;
import dev.backfill.orchestrator.registry.LiveCheck.Refused;
import dev.backfill.orchestrator.registry.LiveCheck.Result;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestJobs;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.sql.Connection;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which indexes bring the rows in the run's order. */
class IndexKindsTest {

    private static final String WORK = "update: { set: { n: 1 }, where: n IS NULL }";
    private static final String TIME = "{ by: time, column: at }";

    private TestDatabase database;

    @BeforeEach
    void create() throws SQLException {
        database = TestPostgres.newest().newDatabase();
        database.execute("CREATE TABLE t (id bigint PRIMARY KEY, at timestamptz, a int NOT NULL, b int NOT NULL,"
                + " word text NOT NULL, n int)");
    }

    @AfterEach
    void drop() throws SQLException {
        database.close();
    }

    /** The second column: whether the index holds all of the key, ties and all. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "at | false | { by: time, column: at }",
                "at DESC | false | { by: time, column: at }",
                "at DESC NULLS FIRST | false | { by: time, column: at }",
                "at DESC | false | { by: time, column: at, order: desc }",
                "at, id | true | { by: time, column: at }",
                "at DESC, id DESC | true | { by: time, column: at }",
                "at DESC, id DESC | true | { by: time, column: at, order: desc }",
                "a DESC, b DESC | false | { by: id, column: [a, b] }",
                "a DESC, b DESC, id DESC | true | { by: id, column: [a, b] }",
                "word COLLATE \"default\" DESC | false | { by: id, column: word }",
                "word text_ops | false | { by: id, column: word }"
            })
    void in_the_order_of_its_columns_or_all_the_other_way_round_it_is_taken(String columns, boolean all, String range)
            throws SQLException {
        database.execute("CREATE INDEX i ON t (" + columns + ")");

        Result result = check(range);

        assertThat(result).as("%s", result).isInstanceOf(Accepted.class);
        assertThat(((Accepted) result).statement().key().indexed()).isEqualTo(all);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "at DESC NULLS LAST | { by: time, column: at }",
                "at NULLS FIRST | { by: time, column: at }",
                "at NULLS FIRST | { by: time, column: at, order: desc }",
                "a, b DESC | { by: id, column: [a, b] }",
                "a DESC, b | { by: id, column: [a, b] }",
                "word text_pattern_ops | { by: id, column: word }",
                "word COLLATE \"POSIX\" | { by: id, column: word }",
                "word COLLATE \"und-x-icu\" DESC | { by: id, column: word }"
            })
    void in_another_order_it_is_refused_with_the_reason(String columns, String range) throws SQLException {
        database.execute("CREATE INDEX i ON t (" + columns + ")");

        Result result = check(range);

        assertThat(result).as("%s", result).isInstanceOf(Refused.class);
        assertThat(((Refused) result).problems())
                .singleElement()
                .extracting(Problem::display)
                .asString()
                .startsWith("f:4:")
                .contains("i does not help: its operator class, collation or direction is not the default")
                .contains("(CREATE INDEX CONCURRENTLY ON \"public\".\"t\" (");
    }

    /** What comes last is not served: the rows of a tie are then gone through by the primary key. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"at, id DESC", "at DESC, id"})
    void one_that_turns_within_a_tie_does_not_hide_another(String columns) throws SQLException {
        database.execute("CREATE INDEX i ON t (" + columns + ")", "CREATE INDEX j ON t (at DESC)");

        Result result = check(TIME);

        assertThat(result).as("%s", result).isInstanceOf(Accepted.class);
        assertThat(((Accepted) result).statement().key().indexed()).isFalse();
        assertThat(((Accepted) result).warnings())
                .singleElement()
                .asString()
                .contains("CREATE INDEX CONCURRENTLY ON \"public\".\"t\" (\"at\", \"id\")");
    }

    private Result check(String range) throws SQLException {
        try (Connection connection = database.connect()) {
            connection.setAutoCommit(false);
            return LiveCheck.check(TestJobs.on("t", range, WORK), connection);
        }
    }
}
