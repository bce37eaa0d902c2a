package dev.backfill.orchestrator.registration;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;
import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.registry.JobFiles;
import dev.backfill.orchestrator.testing.SettableTiming;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JobsDirectoryTest {

    private static final Duration SCAN = Duration.ofMillis(500);

    @TempDir
    private Path temporary;

    private final SettableTiming timing = new SettableTiming();
    private long touches;
    private Path directory = Path.of("");
    private JobsDirectory jobs = new JobsDirectory(directory, timing);

    @BeforeEach
    void an_empty_directory() throws IOException {
        directory = Files.createDirectory(temporary.resolve("jobs"));
        jobs = new JobsDirectory(directory, timing);
    }

    @Test
    void a_file_is_answered_once_when_it_has_stood_still_for_a_second() throws IOException {
        write("a.yaml", "one");

        assertThat(scan()).isEmpty();
        assertThat(scan()).isEmpty();
        assertThat(scan()).containsExactly(file("a.yaml", "one"));
        assertThat(scans()).isEmpty();
    }

    @Test
    void changed_content_is_answered_and_a_touch_is_not() throws IOException {
        write("a.yaml", "one");
        assertThat(scans()).hasSize(1);

        touch("a.yaml");
        assertThat(scans()).isEmpty();

        write("a.yaml", "two");
        assertThat(scans()).containsExactly(file("a.yaml", "two"));

        write("a.yaml", "one");
        assertThat(scans()).as("back to what it was").containsExactly(file("a.yaml", "one"));
    }

    @Test
    void a_file_written_in_pieces_is_answered_once_and_whole() throws IOException {
        write("a.yaml", "");
        assertThat(scans()).as("empty").isEmpty();

        for (int piece = 0; piece < 8; piece++) {
            Files.writeString(directory.resolve("a.yaml"), "piece\n", StandardOpenOption.APPEND);
            assertThat(scan()).isEmpty();
        }
        assertThat(scans()).containsExactly(file("a.yaml", "piece\n".repeat(8)));
    }

    @Test
    void a_file_emptied_and_written_anew_with_the_same_content_is_not_answered() throws IOException {
        write("a.yaml", "one");
        assertThat(scans()).hasSize(1);

        write("a.yaml", "");
        assertThat(scans()).isEmpty();
        write("a.yaml", "one");
        assertThat(scans()).isEmpty();
    }

    @Test
    void a_file_put_in_place_of_another_is_seen_even_with_its_size_and_time() throws IOException {
        FileTime time = FileTime.from(Instant.EPOCH);
        Files.setLastModifiedTime(write("a.yaml", "one"), time);
        assertThat(scans()).hasSize(1);

        Path next = Files.writeString(temporary.resolve("next"), "two");
        Files.setLastModifiedTime(next, time);
        Files.move(next, directory.resolve("a.yaml"), ATOMIC_MOVE, REPLACE_EXISTING);

        assertThat(scans()).containsExactly(file("a.yaml", "two"));
    }

    @Test
    void a_file_that_comes_back_counts_as_new() throws IOException {
        Path file = write("a.yaml", "one");
        assertThat(scans()).hasSize(1);

        Files.delete(file);
        assertThat(scans()).isEmpty();
        write("a.yaml", "one");
        assertThat(scans()).containsExactly(file("a.yaml", "one"));
    }

    @Test
    void only_job_files_directly_in_the_directory_are_answered() throws IOException {
        for (String name : List.of(
                ".a.yaml",
                ".#a.yaml",
                "#a.yaml#",
                "a.yaml~",
                ".a.yaml.swp",
                "4913",
                "a.yaml.tmp",
                "a.txt",
                "yaml",
                ".yaml",
                "..a.yaml")) {
            write(name, "no");
        }
        Files.createDirectory(directory.resolve("d.yaml"));
        Files.writeString(directory.resolve("d.yaml").resolve("e.yaml"), "no");
        Files.createSymbolicLink(directory.resolve("l.yaml"), directory.resolve("d.yaml"));
        Files.createSymbolicLink(directory.resolve("dangling.yaml"), directory.resolve("missing"));
        write("c.json", "c");
        write("b.yml", "b");
        write("a.yaml", "a");
        write("-", "no");

        assertThat(scans())
                .containsExactly(file("a.yaml", "a"), file("b.yml", "b"), file("c.json", "c"))
                .extracting(JobFile::name)
                .startsWith(directory + "/a.yaml");
    }

    @Test
    void files_of_a_mounted_config_map_are_seen_to_change_when_it_is_swapped() throws IOException {
        revision("..1", "one");
        link("..data", "..1");
        link("a.yaml", "..data/a.yaml");
        assertThat(scans()).containsExactly(file("a.yaml", "one"));

        revision("..2", "two");
        link("..data_tmp", "..2");
        Files.move(directory.resolve("..data_tmp"), directory.resolve("..data"), ATOMIC_MOVE, REPLACE_EXISTING);
        Files.delete(directory.resolve("..1/a.yaml"));
        assertThat(scans()).containsExactly(file("a.yaml", "two"));

        revision("..3", "two");
        link("..data_tmp", "..3");
        Files.move(directory.resolve("..data_tmp"), directory.resolve("..data"), ATOMIC_MOVE, REPLACE_EXISTING);
        assertThat(scans()).as("another file of the same content").isEmpty();
    }

    @Test
    void of_a_file_that_is_too_long_no_more_is_read_than_shows_it() throws IOException {
        write("a.yaml", "x".repeat(JobFiles.MAX_BYTES + 100));

        List<JobFile> settled = scans();

        assertThat(settled).singleElement().satisfies(f -> assertThat(f.bytes()).hasSize(JobFiles.MAX_BYTES + 1));
        assertThat(new JobFiles(cron -> Optional.empty())
                        .read("a.yaml", settled.get(0).bytes())
                        .problems())
                .hasSize(1);
    }

    @Test
    void a_directory_that_cannot_be_read_for_a_moment_is_said_once_and_nothing_is_forgotten() throws IOException {
        write("a.yaml", "one");
        assertThat(scans()).hasSize(1);
        Path away = temporary.resolve("away");

        String log = logOf(() -> {
            Files.move(directory, away);
            assertThat(scans()).isEmpty();
            Files.move(away, directory);
            assertThat(scans()).isEmpty();
        });
        assertThat(log.lines()).singleElement().asString().contains("WARN", directory + " cannot be read", "create it");
        assertThat(logOf(() -> {
                    Files.move(directory, away);
                    assertThat(scans()).isEmpty();
                }))
                .as("said anew")
                .contains(directory + " cannot be read");
    }

    @Test
    void a_file_that_cannot_be_read_is_said_once_while_the_others_go_on() throws IOException {
        link("a.yaml", "a.yaml");
        write("b.yaml", "two");

        String log = logOf(() -> assertThat(scans()).containsExactly(file("b.yaml", "two")));
        assertThat(log.lines()).singleElement().asString().contains("WARN", "a.yaml cannot be read");

        Files.delete(directory.resolve("a.yaml"));
        write("a.yaml", "one");
        assertThat(scans()).containsExactly(file("a.yaml", "one"));
    }

    @Test
    void what_was_answered_cannot_be_changed() {
        byte[] bytes = {1, 2};
        JobFile file = new JobFile("a.yaml", bytes);
        bytes[0] = 9;
        file.bytes()[1] = 9;

        assertThat(file.bytes()).containsExactly(1, 2);
        assertThat(file)
                .isEqualTo(new JobFile("a.yaml", new byte[] {1, 2}))
                .hasSameHashCodeAs(new JobFile("a.yaml", new byte[] {1, 2}))
                .isNotEqualTo(new JobFile("a.yaml", new byte[] {1}))
                .isNotEqualTo(new JobFile("b.yaml", new byte[] {1, 2}));
    }

    /** Looked at twice a second: what takes the square of the files' number keeps a core busy from a few thousand on. */
    @Test
    void a_look_at_eight_times_as_many_files_takes_far_less_than_sixty_four_times_as_long() throws IOException {
        Duration few = look(500);
        Duration many = look(4_000);

        assertThat(many).isLessThan(few.multipliedBy(32));
    }

    /** The shortest of several, in time of the processor. */
    private Duration look(int files) throws IOException {
        for (int i = 0; i < files; i++) {
            write("job-" + i + ".yaml", "one");
        }
        assertThat(scans()).isNotEmpty();
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        return IntStream.range(0, 5)
                .mapToObj(i -> {
                    long begun = threads.getCurrentThreadCpuTime();
                    assertThat(scan()).isEmpty();
                    return Duration.ofNanos(threads.getCurrentThreadCpuTime() - begun);
                })
                .min(Comparator.naturalOrder())
                .orElseThrow();
    }

    private interface Steps {
        void run() throws IOException;
    }

    private static String logOf(Steps steps) throws IOException {
        PrintStream before = System.out;
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        System.setOut(new PrintStream(written, true, StandardCharsets.UTF_8));
        try {
            steps.run();
        } finally {
            System.setOut(before);
        }
        return written.toString(StandardCharsets.UTF_8);
    }

    private List<JobFile> scan() {
        List<JobFile> settled = jobs.settled();
        timing.pass(SCAN);
        return settled;
    }

    /** What is answered in three seconds. */
    private List<JobFile> scans() {
        return IntStream.range(0, 6).boxed().flatMap(i -> scan().stream()).toList();
    }

    private JobFile file(String name, String content) {
        return new JobFile(directory.resolve(name).toString(), content.getBytes(StandardCharsets.UTF_8));
    }

    private Path write(String name, String content) throws IOException {
        Path file = Files.writeString(directory.resolve(name), content);
        touch(name);
        return file;
    }

    /** Sets another time, since two writes in a row may have the same. */
    private void touch(String name) throws IOException {
        Path file = directory.resolve(name);
        touches++;
        Files.setLastModifiedTime(file, FileTime.from(Instant.EPOCH.plusSeconds(touches)));
    }

    private void revision(String name, String content) throws IOException {
        Files.writeString(Files.createDirectory(directory.resolve(name)).resolve("a.yaml"), content);
    }

    private void link(String name, String target) throws IOException {
        Files.createSymbolicLink(directory.resolve(name), Path.of(target));
    }
}
