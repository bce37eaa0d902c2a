package dev.backfill.orchestrator.operate;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.registry.JobFiles;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.registry.Problem;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/** A file of several jobs is taken apart so that each says what it said, and where. */
class JobTextTest {

    private static final String REST = """
            range: { by: id }
            update: { set: { n: 1 }, where: n = 0 }
            """;

    private static final String ODD = "\u2028 \u0085 ü \ud83d\ude00";

    private final JobFiles files = new JobFiles(cron -> Optional.empty());

    @ParameterizedTest
    @ValueSource(strings = {"""
                version: 1
                job: one
                table: a
                REST---
                version: 1
                job: two
                table: b
                REST
                """, """
                \ufeff# first
                ---
                version: 1
                job: one
                table: a
                REST...
                # between
                ---
                # two

                version: 1
                job: two
                table: b
                REST
                """, """
                ---
                ---
                version: 1
                job: one
                table: a # --- not here
                REST---
                ---
                # nothing
                --- # marker
                  version: 1
                  job: two
                  table: b
                  range: { by: id }
                  delete: { where: n = 0 }
                ---
                # end
                """, """
                %YAML 1.2
                ---
                version: 1
                job: one
                table: a
                REST...
                %YAML 1.2
                ---
                version: 1
                job: two
                table: b
                REST
                """, """
                {version: 1, job: one, table: a, range: {by: id}, delete: {where: n = 0}}
                # between
                --- {version: 1, job: two, table: b,
                   range: {by: id}, delete: {where: n = 0}}
                """, """
                version: 1
                job: one
                description: |
                  --- # no marker
                   --- two
                  ODD
                table: a
                REST---
                version: 1
                job: two
                table: b
                REST
                """})
    void each_job_is_the_same_and_at_the_same_place(String pattern) {
        for (String lineBreak : List.of("\n", "\r\n", "\r")) {
            String file = pattern.replace("REST", REST).replace("ODD", ODD).replace("\n", lineBreak);
            JobFiles.Content whole = files.read("jobs.yaml", file.getBytes(UTF_8));
            assertThat(whole.problems()).isEmpty();
            List<JobText> texts = JobText.of(file.getBytes(UTF_8), whole.jobs());

            assertThat(texts).extracting(JobText::name).containsExactly("one", "two");
            for (JobText text : texts) {
                JobFiles.Content alone = files.read("jobs.yaml", text.text().getBytes(UTF_8));
                assertThat(alone.problems()).isEmpty();
                assertThat(alone.jobs()).hasSize(1);
                LoadedJob job = alone.jobs().get(0);
                assertThat(job.canonical()).isEqualTo(text.job().canonical());
                LoadedJob.Place place = job.locations().place("/table");
                assertThat(problem(text, place)).isEqualTo(text.job().problem("/table", "no table", "make one"));
            }
        }
    }

    @Test
    void a_file_of_one_job_is_sent_as_it_is() {
        byte[] file = ("# why\nversion: 1\njob: one\ntable: a\n" + REST + "---\n# no more").getBytes(UTF_8);
        List<JobText> texts = JobText.of(file, files.read("job.yaml", file).jobs());

        assertThat(texts).hasSize(1);
        assertThat(texts.get(0).text().getBytes(UTF_8)).isEqualTo(file);
        assertThat(texts.get(0).linesBefore()).isZero();
    }

    /** As a daemon says it of the text. */
    private static Problem problem(JobText text, LoadedJob.Place place) {
        return text.problem(JsonMapper.shared()
                .createObjectNode()
                .put("line", place.line())
                .put("column", place.column())
                .put("message", "no table")
                .put("hint", "make one"));
    }
}
