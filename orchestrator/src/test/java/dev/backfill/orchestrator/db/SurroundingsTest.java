package dev.backfill.orchestrator.db;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.db.TableFacts.Surroundings;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the catalog says of the things that hang on a table, in the oldest version and in the newest. */
class SurroundingsTest {

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void what_a_table_has_of_one_above_it_is_its_own(int version) throws SQLException {
        try (TestDatabase database = TestPostgres.version(version).newDatabase()) {
            database.execute(
                    "CREATE TABLE parent (id int PRIMARY KEY)",
                    "CREATE TABLE t (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE)"
                            + " PARTITION BY RANGE (id)",
                    "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (100)",
                    "CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (100) TO (1000)",
                    "CREATE TABLE child (t int REFERENCES t ON UPDATE CASCADE)",
                    "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
                    "CREATE TRIGGER note AFTER INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION note()",
                    "CREATE TRIGGER enter AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION note()",
                    "CREATE CONSTRAINT TRIGGER late AFTER DELETE ON t DEFERRABLE FOR EACH ROW EXECUTE FUNCTION note()",
                    "INSERT INTO t SELECT generate_series(1, 500)",
                    "ANALYZE t",
                    "ANALYZE t1",
                    "ANALYZE t2");

            Surroundings whole = surroundings(database, "t");
            assertThat(whole.triggers()).containsExactly("late (DELETE)", "note (INSERT, UPDATE)");
            assertThat(whole.foreignKeys())
                    .containsExactly(
                            "child_t_fkey of child: FOREIGN KEY (t) REFERENCES t(id) ON UPDATE CASCADE",
                            "t_parent_fkey of t: FOREIGN KEY (parent) REFERENCES parent(id) ON DELETE CASCADE");
            assertThat(whole.partitions()).isEqualTo(2);
            assertThat(whole.size().estimatedRows()).isEqualTo(Optional.of(500L));
            assertThat(whole.size().bytes())
                    .isEqualTo(database.queryLong("SELECT pg_table_size('t1') + pg_table_size('t2')"))
                    .isPositive();

            Surroundings part = surroundings(database, "t1");
            assertThat(part.triggers()).isEqualTo(whole.triggers());
            assertThat(part.foreignKeys())
                    .contains("t_parent_fkey of t1: FOREIGN KEY (parent) REFERENCES parent(id) ON DELETE CASCADE")
                    .hasSize(2)
                    .anySatisfy(key -> assertThat(key).contains(" of child: FOREIGN KEY (t) REFERENCES t1(id)"));
            assertThat(part.partitions()).isZero();
            assertThat(part.size().estimatedRows()).isEqualTo(Optional.of(99L));
        }
    }

    @Test
    void the_rows_are_not_known_where_a_table_below_was_filled_since_it_was_counted() throws SQLException {
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            database.execute(
                    "CREATE TABLE t (id int)",
                    "CREATE TABLE below () INHERITS (t) WITH (autovacuum_enabled = off)",
                    "ANALYZE t",
                    "ANALYZE below");
            assertThat(surroundings(database, "t").size().estimatedRows()).isEqualTo(Optional.of(0L));

            database.execute("INSERT INTO below SELECT generate_series(1, 100)");
            assertThat(surroundings(database, "t").size().estimatedRows()).isEmpty();
            assertThat(surroundings(database, "t").size().bytes()).isPositive();
        }
    }

    private static Surroundings surroundings(TestDatabase database, String table) throws SQLException {
        try (Connection connection = database.connect()) {
            return TableFactsReader.surroundings(
                    connection, database.queryLong("SELECT '" + table + "'::regclass::oid"));
        }
    }
}
