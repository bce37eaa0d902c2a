package dev.backfill.orchestrator.docs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.api.JobDefinition;
import dev.backfill.orchestrator.docs.JobReference.Row;
import dev.backfill.orchestrator.registry.JobFiles;
import dev.backfill.orchestrator.registry.JobSchema;
import dev.backfill.orchestrator.registry.Problem;
import dev.backfill.orchestrator.schedule.CronTimes;
import dev.backfill.orchestrator.slicing.Following;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the reference says of each key, held against the schema, and against what the program takes. */
class JobReferenceTest {

    private static final String NOT_YET = "not in this version yet";
    private static final Pattern DOTTED = Pattern.compile("`([a-z-]+)((?:\\.[a-z-]+)+)`");

    private final JobFiles files = new JobFiles(CronTimes::problem);
    private final Map<String, JobKeys.Key> keys =
            JobKeys.all().stream().collect(Collectors.toMap(JobKeys.Key::name, Function.identity()));
    private JobReference reference;

    @BeforeEach
    void read() throws IOException {
        reference = JobReference.read();
    }

    @Test
    void it_describes_every_key_once_and_no_other() {
        assertThat(keys).hasSizeGreaterThan(40);
        assertThat(reference.keys()).extracting(Row::key).containsExactlyInAnyOrderElementsOf(keys.keySet());
    }

    @Test
    void it_says_the_type_the_bounds_and_the_values_that_the_schema_has() {
        assertThat(reference.keys())
                .allSatisfy(row ->
                        assertThat(row.form().split(";", 2)[0]).as(row.key()).isEqualTo(key(row).form()));
    }

    @Test
    void it_says_the_default_that_the_schema_has_or_that_there_is_none() {
        for (Row row : reference.keys()) {
            String expected = key(row).otherwise();
            if (expected.isEmpty()) {
                assertThat(row.otherwise()).as(row.key()).isNotBlank().doesNotMatch("required.*|`[^`]*`|empty");
            } else {
                assertThat(row.otherwise()).as(row.key()).isEqualTo(expected);
            }
        }
    }

    @Test
    void a_key_with_its_default_is_a_key_left_out() {
        for (Row row : reference.keys()) {
            if (row.otherwise().matches("`[^`]*`|empty")) {
                String value = row.otherwise().equals("empty") ? "" : JobReference.unquoted(row.otherwise());

                assertThat(only(JobDraft.of(row.key()).with(row.key(), value).text()))
                        .as(row.key())
                        .isEqualTo(
                                only(JobDraft.of(row.key()).without(row.key()).text()));
            }
        }
    }

    @Test
    void what_it_calls_required_cannot_be_left_out_and_the_rest_can() {
        for (Row row : reference.keys()) {
            JobDraft draft = JobDraft.of(row.key()).with(row.key(), JobDraft.SOMETHING);
            List<String> problems = problems(draft.without(row.key()).text());
            if (row.otherwise().matches("required|one of four")) {
                assertThat(problems).as(row.key()).isNotEmpty();
            } else if (!row.key().startsWith("schedule.start.")) {
                assertThat(problems).as(row.key()).isEmpty();
            }
        }
    }

    @Test
    void the_limits_that_it_states_are_those_of_the_program() {
        List<StatedLimits> stated = StatedLimits.of(reference.keys());
        assertThat(stated)
                .extracting(StatedLimits::key)
                .contains("job", "range.by", "range.order", "verify", "parallelism", "batch.max", "batch.target")
                .contains("schedule.windows", "schedule.windows.days", "schedule.windows.from", "schedule.windows.to")
                .contains("schedule.start", "schedule.start.cron", "schedule.pause-after", "errors.lock-timeout");
        for (StatedLimits limits : stated) {
            assertThat(limits.within())
                    .allSatisfy(value -> assertThat(problems(limits.key(), value))
                            .as(limits.key() + ": " + value)
                            .isEmpty());
            assertThat(limits.outside())
                    .allSatisfy(value -> assertThat(problems(limits.key(), value))
                            .as(limits.key() + ": " + value)
                            .isNotEmpty());
        }
    }

    @Test
    void it_says_of_exactly_the_planned_keys_that_they_are_not_there_yet() {
        Set<String> planned = planned();
        assertThat(planned)
                .containsExactlyInAnyOrderElementsOf(JobSchema.NOT_YET.stream()
                        .map(pointer -> pointer.substring(1).replace('/', '.'))
                        .toList());
        assertThat(planned)
                .allSatisfy(key -> assertThat(problems(key, "x"))
                        .singleElement()
                        .asString()
                        .contains(key + " cannot be used", NOT_YET));
        assertThat(reference.text()).contains("`" + NOT_YET + "`");
    }

    @Test
    void it_names_no_other_key_in_passing() {
        Set<String> planned = planned();
        List<String> named = DOTTED.matcher(reference.prose())
                .results()
                .filter(name -> keys.containsKey(name.group(1)))
                .map(name -> name.group(1) + name.group(2))
                .filter(name -> !planned.contains(name))
                .toList();
        assertThat(named).hasSizeGreaterThan(30).isSubsetOf(keys.keySet());
    }

    @Test
    void the_figures_in_its_words_are_those_of_the_program() {
        assertThat(reference.prose())
                .contains("at most " + (JobFiles.MAX_BYTES >> 20) + " MiB")
                .contains("until a round took less than " + Following.CLOSE.toSeconds() + " s");
    }

    private Set<String> planned() {
        return reference.table("planned key", "will say").stream()
                .map(cells -> JobReference.unquoted(cells.get(0)))
                .collect(Collectors.toSet());
    }

    private JobKeys.Key key(Row row) {
        return Objects.requireNonNull(keys.get(row.key()), () -> "the schema has no key " + row.key());
    }

    private List<String> problems(String key, Object value) {
        return problems(JobDraft.of(key).with(key, value).text());
    }

    private List<String> problems(String text) {
        return files.read("f", text.getBytes(UTF_8)).problems().stream()
                .map(Problem::display)
                .toList();
    }

    private JobDefinition only(String text) {
        JobFiles.Content content = files.read("f", text.getBytes(UTF_8));
        assertThat(content.problems()).as(text).isEmpty();
        return content.jobs().get(0).definition();
    }
}
