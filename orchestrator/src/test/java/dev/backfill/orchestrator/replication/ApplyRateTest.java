package dev.backfill.orchestrator.replication;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ApplyRateTest {

    private static final long QUARTER = 250_000_000;
    private static final long MUCH = 10_000_000;
    private static final long LITTLE = 100_000;

    private final ApplyRate rate = new ApplyRate();
    private long at;
    private long position;

    @Test
    void without_a_backlog_nothing_is_learned() {
        apply(40, 1_000_000, LITTLE);

        assertThat(rate.bytesPerSecond()).isEmpty();
    }

    @Test
    void a_second_with_a_backlog_is_enough() {
        apply(40, 1_000_000, LITTLE);
        apply(4, 5_000_000, MUCH);
        assertThat(rate.bytesPerSecond()).isEmpty();

        apply(1, 5_000_000, MUCH);
        assertThat(rate.bytesPerSecond()).hasValue(5_000_000);
    }

    @Test
    void it_falls_fast_and_rises_slowly() {
        apply(20, 8_000_000, MUCH);
        apply(20, 2_000_000, MUCH);
        assertThat(rate.bytesPerSecond().orElseThrow()).isLessThan(2_500_000);

        apply(4, 8_000_000, MUCH);
        assertThat(rate.bytesPerSecond().orElseThrow()).isLessThan(4_000_000);
        apply(30, 8_000_000, MUCH);
        assertThat(rate.bytesPerSecond().orElseThrow()).isGreaterThan(7_900_000);
    }

    @Test
    void without_a_backlog_it_is_taken_to_be_a_tenth_more_every_four_seconds() {
        apply(20, 1_000_000, MUCH);
        apply(1, 1_000_000, LITTLE);
        double before = rate.bytesPerSecond().orElseThrow();

        apply(16, 1_000, LITTLE);

        assertThat(rate.bytesPerSecond().orElseThrow()).isBetween(before * 1.09, before * 1.11);
    }

    @Test
    void after_a_standstill_what_was_applied_is_a_bound_from_below() {
        apply(20, 8_000_000, MUCH);
        apply(60, 0, MUCH);
        assertThat(rate.bytesPerSecond().orElseThrow()).isLessThan(1_000);

        apply(8, 8_000_000, LITTLE);

        assertThat(rate.bytesPerSecond().orElseThrow()).isGreaterThan(3_000_000);
    }

    private void apply(int samples, long bytesPerSecond, long backlog) {
        for (int i = 0; i < samples; i++) {
            at += QUARTER;
            position += bytesPerSecond / 4;
            rate.sampled(at, position, backlog);
        }
    }
}
