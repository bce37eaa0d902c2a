package dev.backfill.orchestrator.registry;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.api.BatchLimits;
import dev.backfill.api.ErrorLimits;
import dev.backfill.api.Execution;
import dev.backfill.api.JobDefinition;
import dev.backfill.api.JobIdentity;
import dev.backfill.api.JobTarget;
import dev.backfill.api.Pacing;
import dev.backfill.api.Pacing.Ceilings;
import dev.backfill.api.Pacing.SignalRule;
import dev.backfill.api.RangeDefinition;
import dev.backfill.api.Schedule;
import dev.backfill.api.Schedule.Window;
import dev.backfill.api.Verification;
import dev.backfill.api.Work;
import dev.backfill.orchestrator.registry.JobFiles.Content;
import dev.backfill.orchestrator.schedule.CronTimes;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class JobFilesTest {

    private static final RangeDefinition.Course PLAIN = new RangeDefinition.Course(RangeDefinition.Order.ASC, false);

    private static final String EXPECT = "# expect: ";
    private static final String MINIMAL = """
            version: 1
            job: some-job
            table: orders
            range: { by: id }
            delete: { where: gone }
            """;

    private final JobFiles files = new JobFiles(CronTimes::problem);

    @ParameterizedTest
    @MethodSource("good")
    void reads_every_good_file(Path file) throws IOException {
        Content content = read(file);
        assertThat(content.problems()).isEmpty();
        assertThat(content.jobs()).isNotEmpty();
    }

    @ParameterizedTest
    @MethodSource("bad")
    void says_exactly_what_is_wrong_in_a_bad_file(Path file) throws IOException {
        List<String> expected = Files.readAllLines(file).stream()
                .filter(line -> line.startsWith(EXPECT))
                .map(line -> file.getFileName() + ":" + line.substring(EXPECT.length()))
                .toList();
        assertThat(read(file).problems()).extracting(Problem::display).containsExactlyElementsOf(expected);
        assertThat(expected).isNotEmpty();
    }

    @Test
    void maps_every_key_to_the_definition() throws IOException {
        JobDefinition definition = read(Path.of("src/test/resources/job-files/good/update-full.yaml"))
                .jobs()
                .get(0)
                .definition();
        assertThat(definition)
                .isEqualTo(new JobDefinition(
                        new JobIdentity(
                                "orders-total-cents",
                                "Fill orders.total_cents from orders.total",
                                Map.of("team", "billing", "link", "https://wiki.example/backfill")),
                        new JobTarget(
                                List.of("main"),
                                "public.orders",
                                new RangeDefinition(
                                        RangeDefinition.Kind.ID,
                                        List.of("id"),
                                        Optional.of("1"),
                                        Optional.of("90000000"),
                                        PLAIN),
                                false),
                        new Work.Update(
                                Map.of(
                                        "total_cents",
                                        "(total * 100)::bigint",
                                        "note",
                                        "\"Old Note\" || ':started' || :started::text"),
                                "total_cents IS NULL AND total IS NOT NULL"),
                        new Verification.Remaining("total_cents IS NULL AND total IS NOT NULL"),
                        new Execution(
                                pacing(4),
                                new ErrorLimits(5, 0, Duration.ofMillis(500), Duration.ofSeconds(30)),
                                Optional.of("Europe/Berlin"),
                                new Schedule(
                                        new Schedule.Cron("0 0 1 * * ?"),
                                        List.of(
                                                new Window(
                                                        EnumSet.range(DayOfWeek.MONDAY, DayOfWeek.FRIDAY),
                                                        LocalTime.of(22, 0),
                                                        LocalTime.of(6, 0)),
                                                new Window(
                                                        EnumSet.allOf(DayOfWeek.class),
                                                        LocalTime.of(12, 30),
                                                        LocalTime.MIDNIGHT)),
                                        ZoneId.of("Europe/Berlin"),
                                        Optional.of(new BigDecimal("0.01")),
                                        List.of("orders-currency", "orders-region")))));
    }

    @Test
    void fills_in_defaults_and_verifies_by_the_where() {
        JobDefinition definition = only(MINIMAL).definition();
        assertThat(definition.verification()).isEqualTo(new Verification.Remaining("gone"));
        assertThat(definition.target().range().columns()).isEmpty();
        assertThat(definition.execution())
                .isEqualTo(new Execution(
                        pacing(1),
                        new ErrorLimits(5, 0, Duration.ofMillis(500), Duration.ofSeconds(30)),
                        Optional.empty(),
                        new Schedule(
                                new Schedule.OnApply(), List.of(), ZoneId.of("UTC"), Optional.empty(), List.of())));
    }

    private static Pacing pacing(int parallelism) {
        BatchLimits batch = new BatchLimits(1000, 100, 100_000, Duration.ofMillis(250));
        return new Pacing(parallelism, 1, batch, Ceilings.NONE, Map.of());
    }

    @Test
    void maps_what_can_be_tuned() {
        Pacing pacing = only(MINIMAL + """
                        parallelism: 3
                        weight: 7
                        batch: { size: 10, min: 5, rows-per-second: 2000, wal-per-second: 20MB }
                        throttle:
                          replication-lag: { budget: 2s }
                          archive-backlog: off
                          dead-tuples: on
                          autovacuum: false
                          lock-storm: { hold: 9, resume: 3.5 }
                        """).definition().execution().pacing();
        assertThat(pacing)
                .isEqualTo(new Pacing(
                        3,
                        7,
                        new BatchLimits(10, 5, 100_000, Duration.ofMillis(250)),
                        new Ceilings(OptionalLong.of(2_000), OptionalLong.of(20L << 20)),
                        Map.of(
                                "replication-lag", new SignalRule(true, Map.of("budget", "2s")),
                                "archive-backlog", new SignalRule(false, Map.of()),
                                "dead-tuples", new SignalRule(true, Map.of()),
                                "autovacuum", new SignalRule(false, Map.of()),
                                "lock-storm", new SignalRule(true, Map.of("hold", "9", "resume", "3.5")))));
    }

    @Test
    void maps_every_start() {
        assertThat(start("on-apply")).isEqualTo(new Schedule.OnApply());
        assertThat(start("manual")).isEqualTo(new Schedule.Manual());
        assertThat(start("{ at: 2026-12-01T22:00:00Z }"))
                .isEqualTo(start("{ at: \"2026-12-01T23:30:00.000+01:30\" }"))
                .isEqualTo(new Schedule.At(Instant.parse("2026-12-01T22:00:00Z")));
        assertThat(start("{ cron: 0 0 1 * * ? }"))
                .isEqualTo(start("{ cron: \"0 0 1 * * ?\" }"))
                .isEqualTo(new Schedule.Cron("0 0 1 * * ?"));
    }

    private Schedule.Start start(String written) {
        return only(MINIMAL + "schedule: { start: " + written + " }\n")
                .definition()
                .execution()
                .schedule()
                .start();
    }

    @ParameterizedTest
    @CsvSource({"1%, 0.01", "0.5%, 0.005", "0.000001%, 0.00000001", "100%, 1", "100.000%, 1", "050%, 0.5"})
    void a_percentage_is_a_part(String written, BigDecimal part) {
        assertThat(only(MINIMAL + "schedule: { pause-after: " + written + " }\n")
                        .definition()
                        .execution()
                        .schedule()
                        .pauseAfter())
                .contains(part.stripTrailingZeros());
    }

    @Test
    void asks_what_it_was_handed_about_a_cron_expression() {
        JobFiles strict = new JobFiles(expression -> Optional.of("no good: " + expression));
        String yaml = MINIMAL + "schedule: { start: { cron: x } }\n";
        assertThat(strict.read("f", yaml.getBytes(UTF_8)).problems())
                .extracting(Problem::message)
                .containsExactly("schedule.start.cron: no good: x");
    }

    @ParameterizedTest
    @CsvSource({
        "max: 500, 500, 100, 500",
        "max: 50, 50, 50, 50",
        "min: 5000, 5000, 5000, 100000",
        "min: 200000, 200000, 200000, 200000",
        "size: 10, 10, 10, 100000",
        "size: 200000, 200000, 100, 200000",
        "'min: 1, max: 7', 7, 1, 7"
    })
    void defaults_of_the_batch_give_way_to_what_was_written(String written, int size, int min, int max) {
        assertThat(only(MINIMAL + "batch: { " + written + " }\n")
                        .definition()
                        .execution()
                        .batch())
                .isEqualTo(new BatchLimits(size, min, max, Duration.ofMillis(250)));
    }

    @Test
    void a_boolean_true_is_the_text_true() {
        JobDefinition definition = only(MINIMAL.replace("where: gone", "where: true") + "verify: { remaining: true }")
                .definition();
        assertThat(definition.work()).isEqualTo(new Work.Delete("true"));
        assertThat(definition.verification()).isEqualTo(new Verification.Remaining("true"));
    }

    @Test
    void a_bound_may_be_a_number_larger_than_any_integer() {
        String yaml = MINIMAL.replace("by: id", "by: id, from: -99999999999999999999, to: 99999999999999999999");
        assertThat(only(yaml).definition().target().range())
                .isEqualTo(new RangeDefinition(
                        RangeDefinition.Kind.ID,
                        List.of(),
                        Optional.of("-99999999999999999999"),
                        Optional.of("99999999999999999999"),
                        PLAIN));
    }

    @Test
    void formatting_comments_and_order_do_not_change_the_checksum() {
        String other = """
                # a comment
                "job": some-job   # another
                delete:
                    where: 'gone'
                range:
                    by: id
                table: "orders"
                version: 0x1
                """;
        assertThat(only(other).checksum()).isEqualTo(only(MINIMAL).checksum()).matches("[0-9a-f]{64}");
        String bounded = MINIMAL.replace("by: id", "by: id, from: 1");
        assertThat(only(bounded).checksum())
                .isEqualTo(only(bounded.replace("1 }", "'1' }")).checksum());
    }

    @Test
    void every_change_of_content_changes_the_checksum() {
        Stream<String> contents = Stream.of(
                MINIMAL,
                MINIMAL + "description: x\n",
                MINIMAL + "labels: { a: b }\n",
                MINIMAL + "labels: { a: c }\n",
                MINIMAL.replace("gone", "Gone"),
                MINIMAL + "schedule: { start: manual }\n",
                MINIMAL + "parallelism: 2\n");
        assertThat(contents.map(c -> only(c).checksum())).doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @MethodSource("good")
    void the_canonical_text_is_a_job_file_of_the_same_content(Path file) throws IOException {
        for (LoadedJob job : read(file).jobs()) {
            LoadedJob again = only(job.canonical());
            assertThat(again.canonical()).isEqualTo(job.canonical());
            assertThat(again.checksum()).isEqualTo(job.checksum());
            assertThat(again.definition()).isEqualTo(job.definition());
        }
    }

    @Test
    void a_byte_order_mark_is_allowed() {
        assertThat(only("\uFEFF" + MINIMAL).locations().place("/version")).isEqualTo(new LoadedJob.Place(1, 10));
    }

    @Test
    void says_where_the_first_byte_is_that_is_not_utf_8() {
        byte[] latin = (MINIMAL + "description: naïve Grüße\n").getBytes(ISO_8859_1);
        assertThat(files.read("f", latin).problems())
                .extracting(Problem::display)
                .containsExactly("f:6:16: the file is not UTF-8: a byte here fits no character (save it as UTF-8)");
        byte[] cut = Arrays.copyOf("# ä".getBytes(UTF_8), 3);
        assertThat(files.read("f", cut).problems())
                .singleElement()
                .satisfies(p -> assertThat(p.column()).isEqualTo(3));
    }

    @Test
    void a_huge_file_is_refused_unread() {
        byte[] bytes = new byte[JobFiles.MAX_BYTES + 1];
        assertThat(files.read("f", bytes).problems())
                .extracting(Problem::display)
                .containsExactly("f:1:1: the file has 1048577 bytes, and a job file may have 1048576");
    }

    @Test
    void an_empty_file_holds_no_job() {
        for (String text : List.of("", "\n \n", "---\n", "---\n...\n---\n", "\uFEFF# x")) {
            assertThat(problems(text)).as(text).containsExactly("f:1:1: no job in this file");
        }
    }

    @Test
    @Timeout(value = 5, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void a_file_full_of_aliases_is_refused_quickly() {
        StringBuilder yaml = new StringBuilder("a0: &a0 [x,x]\n");
        for (int i = 1; i < 5000; i++) {
            yaml.append("a%d: &a%d [*a%d,*a%d,*a%d,*a%d]\n".formatted(i, i, i - 1, i - 1, i - 1, i - 1));
        }
        assertThat(problems(yaml.toString())).hasSize(JobFiles.MAX_PROBLEMS + 1).anyMatch(p -> p.contains("aliases"));
    }

    @ParameterizedTest
    @CsvSource({"[", "{a: ", "'- '", "'? '", "'{? '", "'[{'"})
    @Timeout(value = 5, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void a_file_of_endless_nesting_is_refused_quickly(String opening) {
        assertThat(problems(opening.repeat(JobFiles.MAX_BYTES / opening.length())))
                .isNotEmpty()
                .allMatch(p -> p.contains("deep") || p.contains("a key must be text"));
    }

    @Test
    @Timeout(value = 5, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void a_number_of_a_million_digits_is_refused_quickly() {
        String digits = "9".repeat(1_000_000);
        assertThat(problems(MINIMAL + "parallelism: " + digits))
                .containsExactly("f:6:14: parallelism must be a whole number");
    }

    @ParameterizedTest
    @CsvSource({"';', a", "':range ', ''", "insert into , ''", "'(', ''", "'a$ ', ''"})
    @Timeout(value = 10, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void a_long_statement_is_checked_quickly(String part, String end) {
        String sql = "SELECT 1 WHERE :range " + part.repeat(200_000 / part.length()) + end;
        String yaml = MINIMAL.replace("delete: { where: gone }", "sql: \"" + sql + "\"") + "verify: none\n";
        assertThat(read(yaml).jobs()).hasSize(read(yaml).problems().isEmpty() ? 1 : 0);
    }

    @Test
    void names_the_place_of_a_value_or_of_its_nearest_parent() {
        LoadedJob job = only(MINIMAL.replace("by: id", "by: id, column: [a, b]"));
        assertThat(job.problem("/range/column/1", "m", "h").display()).isEqualTo("f:4:30: m (h)");
        assertThat(job.problem("/range/to", "m", "").display()).isEqualTo("f:4:1: m");
        assertThat(job.problem("/errors/lock-timeout", "m", "").display()).isEqualTo("f:1:1: m");
    }

    @Test
    void a_job_with_problems_does_not_hide_the_other() {
        Content content =
                read(MINIMAL + "---\n" + MINIMAL.replace("some", "other").replace("gone", ";"));
        assertThat(content.jobs()).extracting(j -> j.definition().name()).containsExactly("some-job");
        assertThat(content.problems()).hasSize(1);
    }

    @Test
    void never_throws_for_what_a_file_holds() throws IOException {
        Random random = new Random(20260101);
        List<Path> all = Stream.concat(good(), bad()).toList();
        int broken = 0;
        for (int i = 0; i < 3000; i++) {
            byte[] bytes = Files.readAllBytes(all.get(i % all.size()));
            mutate(bytes, random);
            broken += files.read("f", bytes).problems().isEmpty() ? 0 : 1;
        }
        assertThat(broken).isGreaterThan(1000);
    }

    private static void mutate(byte[] bytes, Random random) {
        String alphabet = "{}[]:,-?&*!|>'\"%@`# \n\t\\;$/.~01aZ";
        for (int n = random.nextInt(6); n >= 0; n--) {
            int at = random.nextInt(bytes.length);
            if (random.nextBoolean()) {
                bytes[at] = (byte) alphabet.charAt(random.nextInt(alphabet.length()));
            } else {
                int from = random.nextInt(bytes.length);
                System.arraycopy(bytes.clone(), from, bytes, at, Math.min(bytes.length - Math.max(at, from), 20));
            }
        }
    }

    private static Stream<Path> good() throws IOException {
        return list("good");
    }

    private static Stream<Path> bad() throws IOException {
        return list("bad");
    }

    private static Stream<Path> list(String directory) throws IOException {
        try (Stream<Path> files = Files.list(Path.of("src/test/resources/job-files", directory))) {
            return files.sorted().toList().stream();
        }
    }

    private Content read(Path file) throws IOException {
        return files.read(file.getFileName().toString(), Files.readAllBytes(file));
    }

    private Content read(String text) {
        return files.read("f", text.getBytes(UTF_8));
    }

    private List<String> problems(String text) {
        return read(text).problems().stream().map(Problem::display).toList();
    }

    private LoadedJob only(String text) {
        Content content = read(text);
        assertThat(content.problems()).isEmpty();
        assertThat(content.jobs()).hasSize(1);
        return content.jobs().get(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\\0", "\\x7f", "\\x9b", "\\ufffe"})
    void a_character_that_cannot_be_kept_is_refused_where_it_stands(String escape) {
        String text = MINIMAL + "labels: { team: \"a" + escape + "b\" }\n";

        assertThat(files.read("job.yaml", text.getBytes(UTF_8)).problems())
                .singleElement()
                .satisfies(problem -> {
                    assertThat(problem.message()).isEqualTo("a text holds a character that PostgreSQL cannot store");
                    assertThat(problem.line()).isEqualTo(6);
                    assertThat(problem.column()).isEqualTo(17);
                });
    }
}
