package dev.backfill.orchestrator.registry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.api.Pacing;
import dev.backfill.orchestrator.schedule.CronTimes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class JobSchemaTest {

    private final JsonNode schema = JsonMapper.shared().readTree(JobSchema.text());

    @Test
    void every_key_is_described_for_editors() {
        List<String> undescribed = new ArrayList<>();
        collect(schema, "", undescribed);
        assertThat(undescribed).isEmpty();
        assertThat(schema.at("/properties/batch/properties/target/description").asString())
                .contains("250ms");
    }

    @Test
    void the_defaults_are_those_of_a_job_that_says_nothing() {
        Map<String, String> defaults = Map.ofEntries(
                Map.entry("/parallelism", String.valueOf(JobMapping.PARALLELISM)),
                Map.entry("/batch/size", String.valueOf(JobMapping.BATCH_SIZE)),
                Map.entry("/batch/min", String.valueOf(JobMapping.BATCH_MIN)),
                Map.entry("/batch/max", String.valueOf(JobMapping.BATCH_MAX)),
                Map.entry("/schedule/start", JobMapping.START),
                Map.entry("/schedule/zone", JobMapping.ZONE),
                Map.entry("/batch/target", JobMapping.BATCH_TARGET),
                Map.entry("/errors/attempts", String.valueOf(JobMapping.ATTEMPTS)),
                Map.entry("/errors/lock-timeout", JobMapping.LOCK_TIMEOUT),
                Map.entry("/errors/statement-timeout", JobMapping.STATEMENT_TIMEOUT));
        defaults.forEach((pointer, value) -> assertThat(
                        schema.at("/properties" + pointer.replaceAll("(?<=.)/", "/properties/"))
                                .path("default")
                                .asString())
                .as(pointer)
                .isEqualTo(value));
    }

    @Test
    void the_bound_of_parallelism_is_the_models() {
        assertThat(schema.at("/properties/parallelism/maximum").asInt()).isEqualTo(Pacing.MAX_PARALLELISM);
    }

    @Test
    void a_job_that_names_its_schema_is_still_a_job_only_without_the_key() {
        String yaml = "$schema: x\nversion: 1\njob: a\ntable: t\nrange: { by: id }\ndelete: { where: a }\n";
        assertThat(new JobFiles(CronTimes::problem)
                        .read("f", yaml.getBytes(UTF_8))
                        .problems())
                .extracting(Problem::display)
                .containsExactly("f:1:1: unknown key `$schema`");
    }

    private static void collect(JsonNode node, String path, List<String> undescribed) {
        for (Map.Entry<String, JsonNode> property : node.path("properties").properties()) {
            String name = path + "/" + property.getKey();
            if (property.getValue().path("description").asString("").length() < 10) {
                undescribed.add(name);
            }
            collect(property.getValue(), name, undescribed);
            collect(property.getValue().path("items"), name, undescribed);
        }
    }
}
