package dev.backfill.orchestrator.docs;

import static org.assertj.core.api.Assertions.assertThat;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import dev.backfill.orchestrator.cli.Commands;
import dev.backfill.orchestrator.registry.JobFiles;
import dev.backfill.orchestrator.schedule.CronTimes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Words in documents that the program must know. */
class DocumentsTest {

    private static final Path ROOT = Path.of("..");

    @Test
    void every_class_in_the_architecture_exists() throws IOException {
        Set<String> classes = classes();
        List<String> named = all(read("ARCHITECTURE.md"), "`([A-Z][A-Za-z]+)`s?");

        assertThat(named).hasSizeGreaterThan(20);
        assertThat(classes).containsAll(named);
    }

    @Test
    void every_package_is_in_the_architecture() throws IOException {
        String text = read("ARCHITECTURE.md");
        Path main = Path.of("src/main/java/dev/backfill/orchestrator");
        try (Stream<Path> packages = Files.list(main).filter(Files::isDirectory)) {
            assertThat(packages.map(p -> "| `" + p.getFileName() + "` |"))
                    .allSatisfy(row -> assertThat(text).contains(row));
        }
    }

    @Test
    void the_operating_guide_has_every_setting_of_the_defaults() throws IOException {
        Config defaults = ConfigFactory.parseResources("reference.conf").resolve();
        Set<String> settings = defaults.entrySet().stream()
                .map(e -> e.getKey().replace("database-defaults.", ""))
                .collect(Collectors.toSet());

        assertThat(settings).hasSizeGreaterThan(6);
        assertThat(rows(read("docs/operating.md"))).containsAll(settings);
    }

    @Test
    void the_job_of_the_readme_is_valid() throws IOException {
        List<String> jobs = all(read("README.md"), "(?s)```yaml\n(.*?)```");

        assertThat(jobs)
                .isNotEmpty()
                .allSatisfy(job -> assertThat(new JobFiles(CronTimes::problem)
                                .read("README.md", job.getBytes(StandardCharsets.UTF_8))
                                .problems())
                        .isEmpty());
    }

    @Test
    void the_commands_of_the_readme_exist() throws IOException {
        Set<String> commands = new TreeSet<>(all(read("README.md"), "\\./backfill ([a-z]+)"));

        assertThat(commands)
                .contains("demo", "run", "serve", "validate")
                .allSatisfy(command ->
                        assertThat(Commands.execute(command, "--help")).isZero());
    }

    @Test
    void every_linked_file_exists() throws IOException {
        List<String> links = all(read("README.md"), "\\]\\(([^)#:]+)\\)");

        assertThat(links)
                .isNotEmpty()
                .allSatisfy(link -> assertThat(ROOT.resolve(link)).exists());
    }

    private static Set<String> rows(String markdown) {
        return new TreeSet<>(all(markdown, "(?m)^\\| `([a-z.-]+)`"));
    }

    private static Set<String> classes() throws IOException {
        Set<String> names = new TreeSet<>();
        for (String sources : List.of("src", "../backfill-api/src")) {
            try (Stream<Path> files = Files.walk(Path.of(sources))) {
                files.map(f -> f.getFileName().toString())
                        .filter(f -> f.endsWith(".java"))
                        .forEach(f -> names.add(f.replace(".java", "")));
            }
        }
        return names;
    }

    private static List<String> all(String text, String pattern) {
        return Pattern.compile(pattern)
                .matcher(text)
                .results()
                .map((MatchResult m) -> m.group(1))
                .toList();
    }

    private static String read(String file) throws IOException {
        return Files.readString(ROOT.resolve(file));
    }
}
