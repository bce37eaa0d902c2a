package dev.backfill.orchestrator.tuning;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.api.Pacing;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.testing.TestJobs;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TuningTest {

    private static final LoadedJob JOB = TestJobs.job(
            "fill",
            "parallelism: 4",
            "batch: { size: 500, rows-per-second: 1000 }",
            "throttle: { lock-storm: { hold: 9 }, archive-backlog: off }");

    private final Tuning tuning = new Tuning(TestJobs.FILES);

    @Test
    void what_is_not_said_stays_as_the_job_has_it() {
        Pacing now = changed(Optional.empty(), "{\"parallelism\": 2, \"batch\": {\"target\": \"100ms\"}}");

        assertThat(now.parallelism()).isEqualTo(2);
        assertThat(now.batch().size()).isEqualTo(500);
        assertThat(now.batch().target()).hasMillis(100);
        assertThat(now.ceilings().rows()).hasValue(1_000);
        assertThat(now.throttle())
                .isEqualTo(JOB.definition().execution().pacing().throttle());
    }

    @Test
    void a_change_goes_over_the_change_before_it_and_null_back_to_the_default() {
        Optional<String> first = sections(Optional.empty(), "{\"weight\": 3, \"batch\": {\"rows-per-second\": null}}");
        Pacing now = changed(first, "{\"throttle\": {\"lock-storm\": null}}");

        assertThat(now.weight()).isEqualTo(3);
        assertThat(now.ceilings().isEmpty()).as("taken away before").isTrue();
        assertThat(now.throttle()).containsOnlyKeys("archive-backlog");
        assertThat(tuning.of(JOB, first))
                .hasValueSatisfying(
                        job -> assertThat(job.definition().execution().pacing().weight())
                                .isEqualTo(3));
    }

    @Test
    void a_section_that_is_null_is_the_job_s_again() {
        Optional<String> first = sections(Optional.empty(), "{\"batch\": {\"size\": 300}, \"parallelism\": 9}");
        Pacing now = changed(first, "{\"batch\": null, \"parallelism\": null, \"weight\": null}");

        assertThat(now).isEqualTo(JOB.definition().execution().pacing());
    }

    @Test
    void what_is_taken_away_from_nothing_turns_nothing_on() {
        assertThat(changed(Optional.empty(), "{\"throttle\": {\"dead-tuples\": {\"hold\": null}}}")
                        .throttle())
                .doesNotContainKey("dead-tuples");
        assertThat(changed(Optional.empty(), "{\"throttle\": {\"dead-tuples\": {}}}")
                        .throttle())
                .containsKey("dead-tuples");
    }

    @Test
    void without_a_change_the_job_is_its_own() {
        assertThat(tuning.of(JOB, Optional.empty())).contains(JOB);
        assertThat(tuning.of(JOB, Optional.of("{\"from-the-future\": 1}"))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"parallelism\": 65} | parallelism must be at most 64",
                "{\"batch\": {\"sise\": 5}} | unknown key `sise` (did you mean `size`?)",
                "{\"batch\": 5} | batch must be a group of keys",
                "{\"batch\": {\"min\": 600}} | batch.min must not be greater than batch.size",
                "{\"table\": \"other\"} | `table` cannot be tuned; the sections that can are"
                        + " batch, parallelism, weight, throttle",
                "{} | a change is an object of the sections batch, parallelism, weight, throttle",
                "[] | a change is an object of the sections batch, parallelism, weight, throttle",
                "{ | the change is no JSON",
                "{\"throttle\": {\"lock-storm\": 5}} | throttle.lock-storm must be on, off, or limits in braces"
                        + " (such as { hold: 64 })",
            })
    void what_makes_no_job_is_refused(String change, String problem) {
        Tuning.Tuned tuned = tuning.change(JOB, Optional.empty(), change);

        assertThat(tuned.problems()).containsExactly(problem);
        assertThat(tuned.sections()).isEmpty();
    }

    private Pacing changed(Optional<String> before, String change) {
        return tuning.of(JOB, sections(before, change))
                .orElseThrow()
                .definition()
                .execution()
                .pacing();
    }

    private Optional<String> sections(Optional<String> before, String change) {
        Tuning.Tuned tuned = tuning.change(JOB, before, change);
        assertThat(tuned.problems()).isEmpty();
        return tuned.sections();
    }
}
