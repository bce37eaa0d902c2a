package dev.backfill.orchestrator.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KeyProgressTest {

    @ParameterizedTest
    @CsvSource({
        "0, 100, 400, 250, 0.625",
        "400, 300, 0, 150, 0.625",
        "-9223372036854775808, 0, 9223372036854775807, 4611686018427387904, 0.75",
        "2026-01-01, 2026-01-11, 2026-01-21, 2026-01-16, 0.75",
        "2026-01-01 00:00:00+00, 2026-01-11 00:00:00.5+00, 2026-01-21 00:00:00+00, 2026-01-16 00:00:00.123456+00, 0.75",
        "00000000-0000-0000-0000-000000000000, 40000000-0000-0000-0000-000000000000,"
                + "80000000-0000-0000-0000-000000000000, 60000000-0000-0000-0000-000000000000, 0.75",
    })
    void a_slice_counts_by_its_width(String start, String middle, String end, String checkpoint, double part) {
        List<SliceView> slices = slices(slice("DONE", null, middle, middle), slice("RUNNING", middle, end, checkpoint));

        assertThat(KeyProgress.of(Optional.of(List.of(start)), slices).orElseThrow())
                .isEqualTo(part, within(0.001));
    }

    @Test
    void slices_of_keys_without_distances_count_alike() {
        List<SliceView> slices =
                slices(slice("DONE", null, "b", "b"), slice("RUNNING", "b", "m", "k"), slice("READY", "m", "z", null));

        assertThat(KeyProgress.of(Optional.of(List.of("a")), slices).orElseThrow())
                .isEqualTo(1.0 / 3, within(0.001));
    }

    @Test
    void an_infinite_end_counts_like_a_slice_without_distance() {
        List<SliceView> slices = slices(
                slice("DONE", null, "2026-01-01", "2026-01-01"),
                slice("DONE", "2026-01-01", "2026-01-03", "2026-01-03"),
                slice("READY", "2026-01-03", "infinity", null));

        assertThat(KeyProgress.of(Optional.of(List.of("-infinity")), slices).orElseThrow())
                .isEqualTo(2.0 / 3, within(0.001));
    }

    @Test
    void it_is_everything_once_all_slices_are_done_and_nothing_before_any_batch() {
        assertThat(KeyProgress.of(Optional.of(List.of("1")), slices(slice("READY", null, "9", null))))
                .contains(0.0);
        assertThat(KeyProgress.of(Optional.of(List.of("1")), slices(slice("DONE", null, "9", "9"))))
                .contains(1.0);
        assertThat(KeyProgress.of(Optional.of(List.of("1")), List.of())).isEmpty();
    }

    private static List<SliceView> slices(SliceView... slices) {
        return new ArrayList<>(Arrays.asList(slices));
    }

    private static SliceView slice(
            String state,
            @org.jspecify.annotations.Nullable String from,
            String to,
            @org.jspecify.annotations.Nullable String checkpoint) {
        return new SliceView(
                1,
                new SliceView.Work(1, state, Optional.empty()),
                new SliceView.Bounds(
                        Optional.ofNullable(from).map(List::of),
                        List.of(to),
                        Optional.ofNullable(checkpoint).map(List::of)),
                new SliceView.Rows(0, 0, 0));
    }
}
