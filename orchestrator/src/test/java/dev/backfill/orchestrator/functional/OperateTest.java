package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.Stranger;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.AbstractStringAssert;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The jobs of a daemon with two databases, from a terminal. */
class OperateTest {

    private static final String SLOW = "batch: { size: 10, min: 10, max: 10, rows-per-second: 10 }\n";
    private static final String BY_HAND = "schedule: { start: manual }\n";

    @TempDir
    private static Path directory;

    private static TestDatabase main;
    private static TestDatabase other;
    private static Daemon daemon;

    @BeforeAll
    static void start() throws Exception {
        main = TestPostgres.newest().newDatabase();
        other = TestPostgres.newest().newDatabase();
        for (TestDatabase database : List.of(main, other)) {
            database.execute(
                    "CREATE TABLE s (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)",
                    "INSERT INTO s SELECT g FROM generate_series(1, 5000) AS g",
                    "CREATE TABLE a (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, CHECK (id <> 3 OR n = 0))",
                    "INSERT INTO a SELECT g FROM generate_series(1, 10) AS g");
        }
        Map<String, String> urls = new LinkedHashMap<>();
        urls.put("main", main.jdbcUrl());
        urls.put("other", other.jdbcUrl());
        daemon = Daemon.start(directory, urls, "lease = 2s");
    }

    @AfterAll
    static void stop() throws Exception {
        daemon.close();
        main.close();
        other.close();
    }

    @Test
    void files_become_jobs_and_new_revisions_of_them() throws Exception {
        String second = job("second", "main", "a", BY_HAND + "depends-on: [{ job: not-yet }]\n");
        Path file = file("two.yaml", job("first", "main", "a", BY_HAND) + "---\n" + second);

        assertSaid(command("apply", file), 0)
                .contains("job first: registered, revision 1", "job second: registered, revision 1")
                .containsPattern("warning: .*not-yet");
        assertSaid(command("apply", file), 0)
                .contains("job first: unchanged, revision 1", "job second: unchanged, revision 1");
        Path changed = file("changed.yaml", second + "weight: 2\n");
        assertSaid(command("apply", changed), 0).contains("job second: new revision 2");
        CommandResult json =
                command("apply", changed, file("first.yaml", job("first", "main", "a", BY_HAND)), "--json");
        assertThat(json.exit()).as(json.text()).isZero();
        JsonNode told = JsonMapper.shared().readTree(json.text());
        assertThat(told.at("/jobs/0/job").asString()).isEqualTo("second");
        assertThat(told.at("/jobs/1/changed").asBoolean(true)).isFalse();
        assertThat(told.path("refused").isEmpty()).isTrue();
    }

    @Test
    void with_a_problem_in_a_file_nothing_is_sent() throws Exception {
        Path good = file("good.yaml", job("unsent", "main", "a", BY_HAND));
        String two =
                job("also-unsent", "main", "a", BY_HAND) + "---\n" + job("bad", "main", "a", BY_HAND + "wieght: 2\n");
        Path bad = file("bad.yaml", two);

        assertSaid(command("apply", good, bad), 2)
                .contains(bad + ":" + two.lines().count() + ":1: ", "did you mean `weight`?");
        assertSaid(command("apply", good, directory.resolve("none.yaml")), 2).contains("none.yaml: no such file");
        assertSaid(command("apply", good, directory), 2).contains(directory + ": cannot be read");
        Path again = file("again.yaml", job("unsent", "main", "s", BY_HAND));
        assertSaid(command("apply", good, again), 2)
                .contains(again + ":2:6: two jobs of this name: unsent (the first is in " + good + ")");
        for (String job : List.of("unsent", "also-unsent", "bad")) {
            assertThat(daemon.get("/api/v1/jobs/" + job).status()).isEqualTo(404);
        }
    }

    @Test
    void what_only_the_daemon_finds_is_told_at_its_place_in_the_file() throws Exception {
        String before = job("fits", "main", "a", BY_HAND) + "---\n# the next\n";
        Path file = file(
                "tables.yaml",
                before + job("fits-not", "main", "nowhere", BY_HAND) + "---\n" + job("fits-too", "main", "a", BY_HAND));
        long line = before.lines().count() + 4;

        assertSaid(command("apply", file), 2)
                .contains("job fits: registered", file + ":" + line + ":8: ", "no table \"nowhere\"")
                .contains("job fits-too: registered");
        CommandResult json = command("apply", file, "--json");
        assertThat(json.exit()).isEqualTo(2);
        assertThat(json.text()).contains("\"status\" : 422", "\"job\" : \"fits-not\"", file + ":" + line + ":8: ");
    }

    @Test
    void verbs_say_what_became_of_the_run_in_each_database() throws Exception {
        assertSaid(command("apply", file("slow.yaml", job("slow", "[main, other]", "s", SLOW + BY_HAND))), 0)
                .contains("job slow: registered");
        try {
            assertSaid(command("show", "slow"), 0).contains("none yet; `backfill start slow` makes one");
            assertSaid(command("pause", "slow"), 4).contains("the job has no run yet; start makes one");
            assertSaid(command("start", "slow"), 0)
                    .containsPattern("job slow, database main: (PENDING|RUNNING)")
                    .containsPattern("job slow, database other: (PENDING|RUNNING)");
            daemon.awaitState("slow", "RUNNING");
            assertSaid(command("pause", "slow", "--reason", "the shop is slow"), 0)
                    .contains("job slow, database main: PAUSED", "job slow, database other: PAUSED");
            assertSaid(command("show", "slow"), 0)
                    .containsPattern("state +PAUSED, revision 1")
                    .containsPattern("reason +paused by .*: the shop is slow")
                    .containsPattern("job slow +RUNNING to PAUSED .*the shop is slow");
            assertSaid(command("resume", "slow", "--database", "main"), 0)
                    .containsPattern("job slow, database main: (PENDING|RUNNING)")
                    .doesNotContain("database other");
            assertSaid(command("cancel", "slow", "--database", "other", "--reason", "sold"), 0)
                    .isEqualToIgnoringNewLines("job slow, database other: CANCELLED");
            assertSaid(command("pause", "slow"), 4)
                    .contains("job slow, database main: PAUSED")
                    .contains("job slow, database other: refused: the run is CANCELLED; start makes a new run");
            assertSaid(command("retry", "slow"), 4)
                    .containsPattern("Not allowed in this state: the run is .*; this is database (main|other)");
            CommandResult json = command("pause", "slow", "--database", "main", "--json");
            assertThat(json.exit()).as(json.text()).isZero();
            assertThat(JsonMapper.shared().readTree(json.text()))
                    .isEqualTo(
                            daemon.post("/api/v1/jobs/slow/pause?database=main").body());
        } finally {
            command("cancel", "slow");
        }
    }

    @Test
    void a_run_is_tuned_by_the_keys_of_its_job_file() throws Exception {
        daemon.register("tuned", job("tuned", "main", "s", SLOW));
        try {
            daemon.awaitState("tuned", "RUNNING");
            assertSaid(
                            command(
                                    "tune",
                                    "tuned",
                                    "batch.rows-per-second=20",
                                    "parallelism=2",
                                    "throttle.replication-lag.budget=3s"),
                            0)
                    .contains("job tuned, database main: tuned, RUNNING");
            assertSaid(command("events", "--job", "tuned"), 0)
                    .containsPattern("tuned .*\"rows-per-second\": ?20.*\"budget\": ?\"3s\"");
            assertSaid(command("tune", "tuned", "batch.size=many"), 2).contains("batch.size", "nothing was changed");
            assertSaid(command("tune", "tuned", "batsch.size=5"), 2)
                    .contains("`batsch` cannot be tuned", "parallelism");
            assertSaid(command("tune", "tuned", "batch.size"), 2).contains("`batch.size` is no KEY=VALUE");
        } finally {
            command("cancel", "tuned");
        }
        assertSaid(command("tune", "tuned", "parallelism=2"), 4).contains("there is no run under way");
    }

    @Test
    void a_failed_run_is_tried_again_and_what_was_before_is_shown() throws Exception {
        daemon.register("broken", job("broken", "other", "a", "errors: { quarantine: 5 }\n"));
        daemon.awaitState("broken", "FAILED");
        assertSaid(command("list"), 0).containsPattern("(?m)^broken +other +FAILED +[0-9.]+% +9 +\\d+ +- +-$");
        other.execute("ALTER TABLE a DROP CONSTRAINT a_check");

        assertSaid(command("retry", "broken", "--reason", "mended"), 0).contains("job broken, database other: ");
        daemon.awaitState("broken", "SUCCEEDED");
        String first = daemon.run("broken").path("id").asString();
        assertSaid(command("list"), 0)
                .containsPattern("(?m)^JOB +DATABASE +STATE +PROGRESS +CHANGED +REMAINING +ETA +HOLD$")
                .containsPattern("(?m)^broken +other +SUCCEEDED +100.0% +10 +0 +- +-$");
        assertSaid(command("show", "broken"), 0)
                .contains("job broken, revision 1", "database other, run " + first)
                .containsPattern("rows +\\d+ scanned, 10 changed, 0 in quarantine, 0 remaining")
                .contains("FAILED to RUNNING", "mended")
                .doesNotContain("runs before");

        assertSaid(command("start", "broken"), 0).contains("job broken, database other: ");
        daemon.awaitRun(
                "broken",
                run -> run.path("state").asString().equals("SUCCEEDED")
                        && !run.path("id").asString().equals(first));
        assertSaid(command("show", "broken"), 0)
                .containsPattern("(?s)runs before.* other +" + first + " +1 +SUCCEEDED");
        CommandResult json = command("show", "broken", "--json");
        assertThat(json.exit()).as(json.text()).isZero();
        assertThat(JsonMapper.shared().readTree(json.text()))
                .isEqualTo(daemon.get("/api/v1/jobs/broken").body());
    }

    @Test
    void lists_are_read_over_all_their_pages() throws Exception {
        for (int i = 0; i < 3; i++) {
            daemon.register("page-" + i, job("page-" + i, "main", "a", BY_HAND));
        }
        JsonNode events = daemon.get("/api/v1/events?limit=1000").body();
        CommandResult list = command("list", "--json");
        CommandResult all = command("events", "--limit", "1000", "--json");

        assertThat(list.exit()).as(list.text()).isZero();
        assertThat(JsonMapper.shared().readTree(list.text()))
                .isEqualTo(daemon.get("/api/v1/jobs?limit=1000").body());
        assertThat(JsonMapper.shared().readTree(all.text())).isEqualTo(events);
        assertSaid(command("events", "--limit", "2"), 0)
                .hasLineCount(3)
                .containsPattern("(?m)^TIME +DATABASE +SUBJECT +CHANGE +WHO +DETAIL$")
                .containsPattern("main +job page-1 ")
                .containsPattern("main +job page-2 ");
        assertSaid(command("events", "--job", "nothing"), 0).contains("nothing has happened with job nothing");
    }

    @Test
    void a_report_tells_what_a_run_has_cost() throws Exception {
        assertSaid(command("apply", file("told.yaml", job("told", "main", "s", ""))), 0);
        daemon.awaitState("told", "SUCCEEDED");
        String run = daemon.run("told").path("id").asString();

        assertSaid(command("report", "told"), 0)
                .contains("run " + run + " of told in main, revision 1")
                .containsPattern("state +SUCCEEDED")
                .containsPattern("rows +5000 scanned, [0-9]+ changed, 0 in quarantine, 0 remaining")
                .containsPattern("batches +[1-9][0-9]* committed, 0 tried again")
                .containsPattern("made wait +nobody");
        assertSaid(command("report", run), 0).contains("of told in main");
        assertThat(JsonMapper.shared()
                        .readTree(command("report", "told", "--json").text())
                        .at("/reports/0/rows/scanned")
                        .asInt())
                .isEqualTo(5000);
        assertSaid(command("report", "nobody"), 2).contains("no job of name nobody is registered");
        assertSaid(command("report", run.replaceAll("[0-9]", "f")), 2).contains("there is no run of id");
    }

    @Test
    void what_others_wrote_cannot_steer_the_terminal() throws Exception {
        String yaml = job("odd", "main", "a", BY_HAND + "description: \"\\e[31m \\u202e red\"\n");
        daemon.register("odd", yaml);

        assertSaid(command("show", "odd"), 0)
                .contains("\\u001b[31m \\u202e red")
                .doesNotContain("\u001b", "\u202e");
        CommandResult json = command("show", "odd", "--json");
        assertThat(json.text()).contains("\\u202e red").doesNotContain("\u202e");
        assertThat(JsonMapper.shared().readTree(json.text()))
                .isEqualTo(daemon.get("/api/v1/jobs/odd").body());
    }

    @Test
    void a_database_that_is_away_is_named_and_its_words_are_plain() throws Exception {
        String away = "[{\"database\": \"main\", \"detail\": \"no \u009b31m\u202e route\"}]";
        String none = "{\"jobs\": [], \"events\": [], \"runs\": [], \"warnings\": [], \"refused\": [], \"away\": %s}";
        Path file = file("some.yaml", job("some", "main", "a", BY_HAND));
        try (Stranger daemon = Stranger.acting(request -> none.formatted(away))) {
            for (String line : List.of("list", "events", "show x", "list --json", "apply " + file)) {
                CommandResult result = CommandResult.of((line + " --server=" + daemon.address()).split(" "));
                assertSaid(result, 4)
                        .contains("database main", "no \\u009b31m\\u202e route")
                        .doesNotContain("\u009b", "\u202e");
            }
        }
        String refused =
                "{\"title\": \"Database away\", \"detail\": \"not done: \u009b31m; call with ?database=main\"}";
        try (Stranger daemon = Stranger.saying(503, "application/problem+json", refused)) {
            assertSaid(CommandResult.of("pause", "x", "--server=" + daemon.address()), 4)
                    .contains("Database away: not done: \\u009b31m; call with --database main")
                    .doesNotContain("\u009b");
        }
    }

    @Test
    void a_standby_that_is_gone_is_forgotten() throws Exception {
        other.execute("INSERT INTO backfill.standby (name, address) VALUES ('gone', '10.0.0.9')");

        assertSaid(command("forget", "other", "gone", "--reason", "sold"), 0)
                .isEqualToIgnoringNewLines("standby gone of database other: forgotten");
        assertThat(other.queryLong("SELECT count(*) FROM backfill.standby WHERE name = 'gone'"))
                .isZero();
        assertSaid(command("events"), 0).containsPattern("other +standby gone .*sold");
        assertSaid(command("forget", "other", "gone"), 2).contains("no standby of this name is expected");
    }

    @ParameterizedTest
    @CsvSource({
        "show nobody, no job of name nobody is registered; `backfill list` shows those there are",
        "start nobody, no job of name nobody is registered",
        "pause nobody --database nowhere, the configuration has no database of this name",
        "tune nobody parallelism=2, no job of name nobody is registered",
        "pause .., no job has a name like `..`",
        "pause ../.., no job has a name like",
        "show A, no job has a name like `A`",
        "events --job A, `job` is not a job",
        "events --limit 0, --limit must be 1 or more",
        "forget nowhere x, the configuration has no database of this name",
        "forget main .., nothing has the name",
        "forget main, Missing required parameter",
        "start, Missing required parameter",
        "tune broken, Missing required parameter",
        "apply, Missing required parameter"
    })
    void what_makes_no_sense_is_said_and_does_nothing(String line, String said) {
        int before =
                daemon.get("/api/v1/events?limit=1000").body().path("events").size();

        assertSaid(command((Object[]) line.split(" ")), 2).contains(said);
        assertThat(daemon.get("/api/v1/events?limit=1000").body().path("events").size())
                .isEqualTo(before);
        assertThat(daemon.get("/api/v1/databases").body().toString()).doesNotContain("everything was stopped");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "list",
                "show x",
                "start x",
                "pause x",
                "resume x",
                "cancel x",
                "retry x",
                "tune x weight=2",
                "events",
                "forget main x",
                "apply FILE"
            })
    void a_daemon_that_is_not_there_is_named(String line) throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        String two = job("one", "main", "a", BY_HAND) + "---\n" + job("two", "main", "a", BY_HAND);
        String[] words = line.replace("FILE", file("away.yaml", two).toString()).split(" ");
        String[] all = Arrays.copyOf(words, words.length + 1);
        all[words.length] = "--server=http://127.0.0.1:" + port;
        CommandResult result = CommandResult.of(all);

        assertSaid(result, 4).contains("127.0.0.1:" + port, "cannot be reached", "is it running?");
        assertThat(result.text().contains("job two: not sent")).isEqualTo(line.startsWith("apply"));
    }

    @Test
    void the_shell_and_the_help_know_the_commands() {
        String[] inOrder = {
            "demo",
            "run",
            "serve",
            "validate",
            "dry-run",
            "apply",
            "list",
            "show",
            "start",
            "pause",
            "resume",
            "cancel",
            "retry",
            "verify",
            "tune",
            "events",
            "report",
            "proof",
            "forget",
            "schema",
            "ddl",
            "token",
            "database",
            "completion",
            "help"
        };
        CommandResult help = CommandResult.of("--help");
        CommandResult completion = CommandResult.of("completion");

        assertThat(help.text()
                        .lines()
                        .filter(line -> line.matches("  [a-z-]+ .*"))
                        .map(line -> line.split(" +", -1)[1]))
                .containsExactly(inOrder);
        assertThat(completion.exit()).isZero();
        assertThat(completion.text())
                .startsWith("#!")
                .contains("complete -F")
                .contains(inOrder)
                .contains("--server");
    }

    private static AbstractStringAssert<?> assertSaid(CommandResult result, int exit) {
        assertThat(result.exit()).as(result.text()).isEqualTo(exit);
        return assertThat(result.text()).doesNotContain("Exception", "\tat ");
    }

    private static CommandResult command(Object... words) {
        List<String> all = new ArrayList<>();
        for (Object word : words) {
            all.add(word.toString());
        }
        all.add("--server=" + daemon.address());
        return CommandResult.of(all.toArray(String[]::new));
    }

    private static Path file(String name, String content) throws Exception {
        return Files.writeString(directory.resolve(name), content);
    }

    private static String job(String name, String databases, String table, String more) {
        return """
                version: 1
                job: %s
                database: %s
                table: %s
                range: { by: id }
                update: { set: { n: n + 1 }, where: n = 0 }
                %s""".formatted(name, databases, table, more);
    }
}
