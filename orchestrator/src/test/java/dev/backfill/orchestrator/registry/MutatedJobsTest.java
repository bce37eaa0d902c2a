package dev.backfill.orchestrator.registry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.registry.JobFiles.Content;
import dev.backfill.orchestrator.schedule.CronTimes;
import dev.backfill.orchestrator.testing.MutatedJobs;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Ten thousand job files, most of them wrong somewhere: each problem has a place, and nothing breaks. */
class MutatedJobsTest {

    private static final int FILES = 10_000;

    private final JobFiles files = new JobFiles(CronTimes::problem);
    private final JobSchema schema = new JobSchema();

    @Test
    void every_problem_has_a_place_and_words() {
        MutatedJobs jobs = new MutatedJobs(20_261_128);
        int reachTheRules = 0;
        int fail = 0;
        Set<String> messages = new TreeSet<>();
        for (int i = 0; i < FILES; i++) {
            String text = jobs.next();
            Content content = files.read("job.yaml", text.getBytes(UTF_8));
            if (isWellFormed(text)) {
                reachTheRules++;
                fail += content.problems().isEmpty() ? 0 : 1;
            }
            content.jobs()
                    .forEach(job -> assertThat(
                                    files.read("kept", job.canonical().getBytes(UTF_8))
                                            .jobs())
                            .as("what is kept can be read: %s", text)
                            .singleElement()
                            .satisfies(again -> assertThat(again.checksum()).isEqualTo(job.checksum())));
            int lines = (int) text.lines().count() + 1;
            assertThat(content.jobs().isEmpty() && content.problems().isEmpty())
                    .as(text)
                    .isFalse();
            for (Problem problem : content.problems()) {
                assertThat(problem.line()).as("%s in%n%s", problem, text).isBetween(1, lines);
                assertThat(problem.column()).as("%s in%n%s", problem, text).isPositive();
                assertThat(problem.message()).isNotBlank();
                assertThat(problem.display())
                        .as(text)
                        .doesNotContainPattern("\\p{Cc}|\\p{Cs}")
                        .doesNotContain("Exception");
                messages.add(problem.message().replaceAll("[0-9]+|`[^`]*`", ""));
            }
        }
        System.out.printf(
                "%d job files: %d fit the schema, of these %d break a rule; %d kinds of messages%n",
                FILES, reachTheRules, fail, messages.size());
        assertThat(reachTheRules).isGreaterThan(FILES / 3);
        assertThat(fail).isGreaterThan(FILES / 10);
        assertThat(messages).hasSizeGreaterThan(50);
    }

    /** Whether it can be read and fits the schema, so that the rules between its keys are asked. */
    private boolean isWellFormed(String text) {
        YamlDocuments.Content yaml = YamlDocuments.read("job.yaml", text);
        return yaml.problems().isEmpty()
                && !yaml.documents().isEmpty()
                && yaml.documents().stream()
                        .allMatch(document -> document.spoiled().isEmpty()
                                && schema.problems(document).isEmpty());
    }
}
