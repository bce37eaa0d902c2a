package dev.backfill.orchestrator.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.backfill.orchestrator.control.RunQueue.NewRun;
import dev.backfill.orchestrator.db.TableFacts.Identity;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.registry.LiveCheck;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.run.Passes;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.testing.TestJobs;
import dev.backfill.orchestrator.testing.TestStores;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a run takes for the table and the order that it began with, when it is taken up again. */
class SameTableTest {

    private static final String RUN = "run-1";

    private TestStores stores;

    @BeforeEach
    void create() throws SQLException {
        stores = new TestStores();
        stores.server()
                .execute(
                        "CREATE TABLE root (k int PRIMARY KEY, n int) PARTITION BY RANGE (k)",
                        "CREATE TABLE t PARTITION OF root FOR VALUES FROM (0) TO (100)");
    }

    @AfterEach
    void drop() throws SQLException {
        stores.close();
    }

    @Test
    void another_partition_of_the_same_name_is_refused_also_when_the_run_is_taken_up_again() throws SQLException {
        SameTable before = begin();
        stores.server()
                .execute(
                        "ALTER TABLE t RENAME TO old",
                        "CREATE TABLE t PARTITION OF root FOR VALUES FROM (100) TO (200)");

        assertThatThrownBy(() -> before.requireByName(stores.server().connect(), RUN))
                .hasMessageContaining("another table, of the oid");
        assertThatThrownBy(() -> before.requireUnchanged(stores.server().connect()))
                .hasMessageContaining("is not the table any more that it was when this run was taken up");
        assertRefused("another table, of the oid");

        String message = message();
        stores.server().execute(message.substring(message.indexOf("UPDATE backfill.run")));
        assertAccepted();
        assertThat(stores.server().queryLong("SELECT count(*) FROM backfill.run WHERE table_oid = 'root'::regclass"))
                .isOne();
    }

    @Test
    void a_partition_that_is_detached_and_attached_elsewhere_is_the_same_table() throws SQLException {
        begin();

        stores.server().execute("ALTER TABLE root DETACH PARTITION t");
        assertAccepted();

        stores.server()
                .execute(
                        "CREATE TABLE other (LIKE root INCLUDING ALL) PARTITION BY RANGE (k)",
                        "ALTER TABLE other ATTACH PARTITION t FOR VALUES FROM (0) TO (100)");
        assertAccepted();
    }

    /** Its run is found on it all the same. */
    @Test
    void a_detached_partition_is_still_taken() throws SQLException {
        begin();
        stores.server().execute("ALTER TABLE root DETACH PARTITION t");

        Identity now = statement().table().identity();
        assertThat(now.root()).isEqualTo(now.oid());
        assertThat(stores.transitions()
                        .passes()
                        .occupant("another", new Run.TableWish(now.root(), now.oid(), false, List.of())))
                .isPresent();
    }

    @ParameterizedTest
    @CsvSource({
        "int, bigint, true",
        "int, smallint, true",
        "int, numeric, true",
        "numeric, int, false",
        "int, text, false",
        "text, varchar, true",
        "varchar, text, true",
        "text, text COLLATE \"C\", false",
        "text COLLATE \"C\", varchar COLLATE \"C\", true",
        "text COLLATE \"C\", text COLLATE \"und-x-icu\", false"
    })
    void a_column_of_another_type_or_collation_is_the_same_order_or_not(String before, String after, boolean same)
            throws SQLException {
        stores.server().execute("DROP TABLE root", "CREATE TABLE t (k " + before + " PRIMARY KEY, n int)");
        begin();

        stores.server().execute("ALTER TABLE t ALTER k TYPE " + after);

        if (same) {
            assertAccepted();
        } else {
            assertRefused("the run began by the key (\"k\" ");
        }
    }

    @Test
    void a_run_from_before_this_was_written_down_goes_on() throws SQLException {
        begin();
        stores.server().execute("UPDATE backfill.run SET \"range\" = \"range\" - 'table' - 'key'");

        assertAccepted();
    }

    private SameTable begin() throws SQLException {
        JobStatement statement = statement();
        SameTable table = new SameTable(stores.database().tables(), statement);
        stores.jobs().register(job(), "api", TestStores.WHO);
        stores.queue().insert(NewRun.foreground(RUN, "fill", 1));
        Run.FrozenRange range =
                new Run.FrozenRange(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
        Passes.Plan plan = new Passes.Plan(range, List.of(), new Passes.Rows(0, Optional.empty()));
        try (Connection connection = stores.server().connect()) {
            Identity identity = statement.table().identity();
            Run.TableWish wish = new Run.TableWish(identity.root(), identity.oid(), false, table.key(connection));
            assertThat(stores.transitions().passes().begin(stores.runs().find(RUN), plan, wish))
                    .isTrue();
        }
        return table;
    }

    private void assertAccepted() {
        assertThatCode(this::require).doesNotThrowAnyException();
    }

    private void assertRefused(String why) {
        assertThatThrownBy(this::require).hasMessageContaining(why);
    }

    private String message() throws SQLException {
        try {
            require();
            return "";
        } catch (SQLException e) {
            return String.valueOf(e.getMessage());
        }
    }

    /** As when a daemon takes the run up now. */
    private void require() throws SQLException {
        try (Connection connection = stores.server().connect()) {
            new SameTable(stores.database().tables(), statement()).require(connection, RUN);
        }
    }

    private JobStatement statement() throws SQLException {
        try (Connection checking = stores.server().connect()) {
            checking.setAutoCommit(false);
            LiveCheck.Result result = LiveCheck.check(job(), checking);
            assertThat(result).isInstanceOf(LiveCheck.Accepted.class);
            return ((LiveCheck.Accepted) result).statement();
        }
    }

    private static LoadedJob job() {
        String yaml = """
                version: 1
                job: fill
                table: t
                range: { by: id }
                sql: UPDATE t SET n = n WHERE :range
                verify: none
                """;
        var content = TestJobs.FILES.read("job.yaml", yaml.getBytes(StandardCharsets.UTF_8));
        assertThat(content.problems()).isEmpty();
        return content.jobs().get(0);
    }
}
