package dev.backfill.orchestrator.batch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.testing.TestStores;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the slices of a run tell about where its keys lie. */
class KnownPartTest {

    private static final String RUN = "r";
    private static final KeyRange WHOLE = new KeyRange(new KeyRange.At(Key.of("1")), Key.of("90"));

    private TestStores stores;

    @BeforeEach
    void create() throws SQLException {
        stores = new TestStores();
        stores.addRun("fill", RUN, RunState.VERIFYING);
        stores.server().execute("UPDATE backfill.run SET pass = 2");
    }

    @AfterEach
    void close() throws SQLException {
        stores.close();
    }

    @Test
    void slices_that_follow_one_another_are_parts_in_the_order_of_the_range_and_not_of_their_numbers()
            throws Exception {
        slice(1, 2, null, "30", 25);
        slice(2, 2, "60", "90", 20);
        slice(3, 2, "30", "60", 10);
        slice(4, 1, null, "90", 1_000);

        assertThat(parts())
                .containsExactly(
                        new KnownPart(new KeyRange(WHOLE.lower(), Key.of("30")), 25),
                        new KnownPart(new KeyRange(new KeyRange.After(Key.of("30")), Key.of("60")), 10),
                        new KnownPart(new KeyRange(new KeyRange.After(Key.of("60")), Key.of("90")), 20));
    }

    @Test
    void a_range_that_they_do_not_make_up_is_one_part_of_which_nothing_is_known() throws Exception {
        assertThat(parts()).containsExactly(KnownPart.unknown(WHOLE));
        slice(1, 2, null, "30", 25);
        slice(2, 2, "31", "90", 20);
        assertThat(parts()).as("a gap").containsExactly(KnownPart.unknown(WHOLE));
        slice(3, 2, "30", "80", 20);
        assertThat(parts()).as("another end").containsExactly(KnownPart.unknown(WHOLE));
    }

    @Test
    void behind_a_batch_fewer_are_left() {
        KnownPart part = new KnownPart(WHOLE, 25);
        KeyRange rest = new KeyRange(new KeyRange.After(Key.of("7")), WHOLE.upTo());
        assertThat(part.behind(new KeySearch.End(Key.of("7"), 10))).isEqualTo(new KnownPart(rest, 15));
        assertThat(part.behind(new KeySearch.End(Key.of("7"), 40))).isEqualTo(new KnownPart(rest, 0));
        assertThat(KnownPart.unknown(WHOLE).behind(new KeySearch.End(Key.of("7"), 10)))
                .isEqualTo(KnownPart.unknown(rest));
    }

    private List<KnownPart> parts() throws SQLException {
        Run run = stores.runs().find(RUN);
        try (Connection connection = stores.server().connect()) {
            return KnownPart.of(stores.database().tables(), connection, run, WHOLE);
        }
    }

    private void slice(int number, int pass, @Nullable String from, String to, long scanned) throws SQLException {
        stores.server()
                .execute("INSERT INTO backfill.slice (run, number, pass, \"from\", \"to\", state, rows_scanned)"
                        + " VALUES ('%s', %d, %d, %s, to_jsonb(ARRAY['%s']), 'DONE', %d)"
                                .formatted(
                                        RUN,
                                        number,
                                        pass,
                                        from == null ? "NULL" : "to_jsonb(ARRAY['" + from + "'])",
                                        to,
                                        scanned));
    }
}
