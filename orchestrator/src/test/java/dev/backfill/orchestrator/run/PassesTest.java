package dev.backfill.orchestrator.run;

import static dev.backfill.orchestrator.run.RunFixture.OURS;
import static dev.backfill.orchestrator.run.RunFixture.RUN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.run.Passes.Followed;
import dev.backfill.orchestrator.run.Passes.Plan;
import dev.backfill.orchestrator.run.Passes.Rows;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.run.Run.TableWish;
import dev.backfill.orchestrator.run.Slice.Bounds;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.testing.AtOnce;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PassesTest {

    private static final long TABLE = 4242;
    private static final String OTHER = "other-run";
    private static final FrozenRange RANGE =
            new FrozenRange(Optional.empty(), Optional.of(Key.of("1")), Optional.of(Key.of("100")), Optional.empty());

    private RunFixture fixture;

    @BeforeAll
    void create() throws SQLException {
        fixture = new RunFixture();
        fixture.server()
                .execute("INSERT INTO backfill.job (name, revision, definition, checksum, origin, registered_by)"
                        + " VALUES ('other', 1, '{}', 'sum', 'file', 'test')");
    }

    @BeforeEach
    void twoRunsThatHaveNotBegun() throws SQLException {
        fixture.reset();
        fixture.server()
                .execute("INSERT INTO backfill.run (id, job, revision, state, worker)" + " VALUES ('" + OTHER
                        + "', 'other', 1, 'PENDING', 'daemons')");
    }

    @AfterAll
    void drop() throws SQLException {
        fixture.close();
    }

    @Test
    void of_two_runs_that_begin_on_a_table_at_the_same_moment_one_does() throws Exception {
        for (int round = 0; round < 25; round++) {
            twoRunsThatHaveNotBegun();

            List<Boolean> begun = AtOnce.call(2, number -> begin(number == 0 ? RUN : OTHER, TABLE, false));

            assertThat(begun).as("round %d", round).containsExactlyInAnyOrder(true, false);
        }
    }

    @Test
    void who_inherits_has_rows_of_the_table_above_also_of_one_of_two() throws Exception {
        fixture.server()
                .execute(
                        "DROP TABLE IF EXISTS above, beside CASCADE",
                        "CREATE TABLE above (id int)",
                        "CREATE TABLE beside (id int)",
                        "CREATE TABLE one () INHERITS (above)",
                        "CREATE TABLE two () INHERITS (above, beside)");
        for (List<String> tables : List.of(
                List.of("above", "one"),
                List.of("two", "above"),
                List.of("beside", "above"),
                List.of("two", "beside"))) {
            for (int round = 0; round < 10; round++) {
                twoRunsThatHaveNotBegun();
                List<Long> oids = List.of(oid(tables.get(0)), oid(tables.get(1)));

                List<Boolean> begun =
                        AtOnce.call(2, number -> begin(number == 0 ? RUN : OTHER, oids.get(number), false));

                assertThat(begun).as("%s, round %d", tables, round).containsExactlyInAnyOrder(true, false);
            }
        }
        twoRunsThatHaveNotBegun();
        assertThat(begin(RUN, oid("one"), false)).isTrue();
        assertThat(begin(OTHER, oid("two"), false)).as("siblings").isTrue();
    }

    @Test
    void the_table_is_free_for_who_shares_it_and_for_another_table() {
        assertThat(begin(RUN, TABLE, false)).isTrue();
        assertThat(begin(OTHER, TABLE, false)).isFalse();
        assertThat(passes().occupant(OTHER, new TableWish(TABLE, TABLE, false, List.of()))
                        .orElseThrow())
                .isEqualTo(new Passes.Occupant(RUN, "fill", RunState.RUNNING));

        assertThat(passes().occupant(OTHER, new TableWish(TABLE + 1, TABLE + 1, false, List.of())))
                .isEmpty();
        assertThat(begin(OTHER, TABLE, true)).isTrue();
    }

    @Test
    void a_run_that_was_paused_before_it_began_has_no_table() {
        assertThat(fixture.transitions().move(fixture.runs().find(RUN), RunState.PAUSED, "early"))
                .isTrue();

        assertThat(begin(OTHER, TABLE, false)).isTrue();
    }

    @Test
    void a_round_is_added_once_and_only_when_all_slices_are_done() throws SQLException {
        assertThat(begin(RUN, TABLE, false)).isTrue();
        Run run = fixture.runs().find(RUN);
        FrozenRange longer = new FrozenRange(RANGE.from(), RANGE.start(), Optional.of(Key.of("150")), RANGE.nulls());
        Plan more = new Plan(
                longer, List.of(new Bounds(Optional.of(Key.of("100")), Key.of("150"))), new Rows(50, Optional.empty()));
        Followed first = new Followed(1, Duration.ZERO, Duration.ZERO, 0);
        assertThat(passes().follow(run, more, first)).as("slices are left").isFalse();
        fixture.server().execute("UPDATE backfill.slice SET state = 'DONE'");

        assertThat(passes().follow(run, more, first)).isTrue();
        fixture.server().execute("UPDATE backfill.slice SET state = 'DONE'");
        assertThat(passes().follow(run, more, first)).as("the same again").isFalse();

        assertThat(fixture.server().queryLong("SELECT count(*) FROM backfill.slice"))
                .isEqualTo(2);
        assertThat(fixture.runs().find(RUN).details().range()).contains(longer);
        assertThat(fixture.server().queryLong("SELECT estimated_rows FROM backfill.run WHERE id = '" + RUN + "'"))
                .isEqualTo(150);
        assertThat(passes().followed(RUN).rounds()).isOne();
    }

    @Test
    void a_person_who_resumes_it_has_looked_at_what_took_its_workers() throws SQLException {
        assertThat(begin(RUN, TABLE, false)).isTrue();
        fixture.server().execute("UPDATE backfill.slice SET attempts = 9");
        fixture.transitions().move(fixture.runs().find(RUN), RunState.PAUSED, "");

        assertThat(fixture.transitions().resume(fixture.runs().find(RUN))).isTrue();

        assertThat(fixture.leases(OURS)
                        .claim(fixture.worker(), RUN, 1)
                        .orElseThrow()
                        .lease()
                        .attempts())
                .isZero();
    }

    @Test
    void a_check_does_not_begin_beside_slices_that_another_process_is_just_adding() throws Exception {
        assertThat(begin(RUN, TABLE, false)).isTrue();
        fixture.server().execute("UPDATE backfill.slice SET state = 'DONE'");
        CompletableFuture<Boolean> verifying;
        try (Connection adding = fixture.server().connect();
                Statement statement = adding.createStatement()) {
            adding.setAutoCommit(false);
            statement.execute("UPDATE backfill.run SET estimated_rows = 150 WHERE id = '" + RUN + "'");
            verifying =
                    CompletableFuture.supplyAsync(() -> fixture.transitions().beginVerifying(RUN));
            await().until(() -> fixture.server()
                            .queryLong("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
                    > 0);
            statement.execute("INSERT INTO backfill.slice (run, number, state, \"from\", \"to\", pass)"
                    + " SELECT run, 2, 'READY', \"to\", '[\"150\"]', pass FROM backfill.slice WHERE run = '" + RUN
                    + "'");
            adding.commit();
        }

        assertThat(verifying.get()).isFalse();
        assertThat(fixture.runs().find(RUN).state()).isEqualTo(RunState.RUNNING);
    }

    private long oid(String table) throws SQLException {
        return fixture.server().queryLong("SELECT CAST('" + table + "' AS regclass)::oid::bigint");
    }

    private Passes passes() {
        return fixture.transitions().passes();
    }

    private boolean begin(String run, long table, boolean shared) {
        Plan plan =
                new Plan(RANGE, List.of(new Bounds(Optional.empty(), Key.of("100"))), new Rows(100, Optional.empty()));
        return passes().begin(
                        fixture.runs().find(run), plan, new TableWish(table, table, shared, List.of("id bigint")));
    }
}
