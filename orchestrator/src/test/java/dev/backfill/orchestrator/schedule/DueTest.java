package dev.backfill.orchestrator.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.registration.RegisteredJob;
import dev.backfill.orchestrator.testing.TestJobs;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DueTest {

    private static final Optional<Instant> NONE = Optional.empty();
    private static final Instant SINCE = Instant.parse("2026-06-10T12:00:00Z");
    private static final Instant FIRST_NIGHT = Instant.parse("2026-06-11T01:00:00Z");
    private static final Instant SECOND_NIGHT = Instant.parse("2026-06-12T01:00:00Z");
    private static final String NIGHTLY = "{ cron: '0 0 1 * * ?' }";
    private static final String AT_FIRST_NIGHT = "{ at: '2026-06-11T01:00:00Z' }";

    @ParameterizedTest
    @ValueSource(strings = {"on-apply", "manual"})
    void what_has_no_time_is_never_due(String start) {
        assertThat(due(job(start, NONE), SECOND_NIGHT)).isEmpty();
        assertThat(Due.next(job(start, NONE), SECOND_NIGHT)).isEmpty();
    }

    @Test
    void a_start_at_an_instant_is_due_from_then_on() {
        RegisteredJob job = job(AT_FIRST_NIGHT, NONE);

        assertThat(due(job, FIRST_NIGHT.minusMillis(1))).isEmpty();
        assertThat(due(job, FIRST_NIGHT)).contains(FIRST_NIGHT);
        assertThat(due(job, FIRST_NIGHT.plus(Duration.ofDays(365)))).contains(FIRST_NIGHT);
    }

    @Test
    void a_start_at_an_instant_before_the_job_was_registered_is_due_at_once() {
        assertThat(due(job("{ at: '2020-01-01T00:00:00Z' }", NONE), SINCE))
                .contains(Instant.parse("2020-01-01T00:00:00Z"));
    }

    @Test
    void a_start_at_an_instant_is_due_once() {
        assertThat(due(job(AT_FIRST_NIGHT, Optional.of(FIRST_NIGHT)), SECOND_NIGHT))
                .isEmpty();
    }

    @Test
    void a_start_at_another_instant_is_due_although_one_was_handled() {
        assertThat(due(job(AT_FIRST_NIGHT, Optional.of(SECOND_NIGHT)), SECOND_NIGHT))
                .contains(FIRST_NIGHT);
    }

    @Test
    void a_time_of_a_cron_expression_is_due_from_then_on() {
        RegisteredJob job = job(NIGHTLY, NONE);

        assertThat(due(job, FIRST_NIGHT.minusMillis(1))).isEmpty();
        assertThat(due(job, FIRST_NIGHT)).contains(FIRST_NIGHT);
        assertThat(due(job, SECOND_NIGHT.minusMillis(1))).contains(FIRST_NIGHT);
    }

    @Test
    void of_several_that_were_missed_the_latest_is_due() {
        Instant aYearOn = Instant.parse("2027-06-10T12:00:00Z");

        assertThat(due(job(NIGHTLY, NONE), aYearOn)).contains(Instant.parse("2027-06-10T01:00:00Z"));
        assertThat(due(job(NIGHTLY, Optional.of(FIRST_NIGHT)), aYearOn))
                .contains(Instant.parse("2027-06-10T01:00:00Z"));
    }

    @Test
    void a_handled_time_is_not_due_again_and_the_next_one_is() {
        RegisteredJob job = job(NIGHTLY, Optional.of(FIRST_NIGHT));

        assertThat(due(job, SECOND_NIGHT.minusMillis(1))).isEmpty();
        assertThat(due(job, SECOND_NIGHT)).contains(SECOND_NIGHT);
    }

    @Test
    void a_time_before_the_job_had_its_schedule_is_not_due() {
        RegisteredJob job = job(NIGHTLY, NONE);

        assertThat(due(job, SINCE)).isEmpty();
        assertThat(due(job(NIGHTLY, Optional.of(SINCE.minus(Duration.ofDays(5)))), FIRST_NIGHT.minusSeconds(1)))
                .as("handled under an older schedule")
                .isEmpty();
    }

    @Test
    void the_next_start_is_the_first_that_has_not_come() {
        assertThat(Due.next(job(NIGHTLY, NONE), SINCE)).contains(FIRST_NIGHT);
        assertThat(Due.next(job(NIGHTLY, NONE), FIRST_NIGHT)).contains(SECOND_NIGHT);
        assertThat(Due.next(job(NIGHTLY, Optional.of(FIRST_NIGHT)), FIRST_NIGHT.minusSeconds(90)))
                .as("handled by a daemon that was there before")
                .contains(SECOND_NIGHT);
        assertThat(Due.next(job(AT_FIRST_NIGHT, NONE), SINCE)).contains(FIRST_NIGHT);
        assertThat(Due.next(job(AT_FIRST_NIGHT, NONE), FIRST_NIGHT)).isEmpty();
    }

    @Test
    void times_are_read_in_the_zone_of_the_job_through_both_changes_of_the_clocks() {
        String berlin = NIGHTLY.replace("0 1 *", "30 2 *");

        assertThat(due(berlin(berlin, "2026-03-28T12:00:00Z"), Instant.parse("2026-03-29T12:00:00Z")))
                .as("02:30 is left out and comes at 03:30")
                .contains(Instant.parse("2026-03-29T01:30:00Z"));
        assertThat(due(berlin(berlin, "2026-10-24T12:00:00Z"), Instant.parse("2026-10-25T00:59:00Z")))
                .as("02:30 comes twice")
                .isEmpty();
        assertThat(due(berlin(berlin, "2026-10-24T12:00:00Z"), Instant.parse("2026-10-25T12:00:00Z")))
                .as("the second counts")
                .contains(Instant.parse("2026-10-25T01:30:00Z"));
    }

    private static Optional<Instant> due(RegisteredJob job, Instant now) {
        return Due.of(job, now);
    }

    private static RegisteredJob job(String start, Optional<Instant> handled) {
        return job("schedule: { start: %s }".formatted(start), SINCE, handled);
    }

    private static RegisteredJob berlin(String start, String since) {
        return job("schedule: { start: %s, zone: Europe/Berlin }".formatted(start), Instant.parse(since), NONE);
    }

    private static RegisteredJob job(String schedule, Instant since, Optional<Instant> handled) {
        return new RegisteredJob(
                TestJobs.job("fill", schedule), 1, "api", since, new RegisteredJob.Plan(since, handled));
    }
}
