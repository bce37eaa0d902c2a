package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** One job in the databases of three servers, of which one is away for a while; and a fourth database beside them. */
class SeveralDatabasesTest {

    private static final int ROWS = 600;
    private static final String SHARDS = "database: [\"shard-*\"]";

    @TempDir
    private static Path directory;

    private static OwnServer third;
    private static TestDatabase[] shards;
    private static TestDatabase archive;
    private static Map<String, String> urls;

    @BeforeAll
    static void start() throws Exception {
        third = OwnServer.start(directory);
        shards = new TestDatabase[] {
            TestPostgres.newest().newDatabase(),
            TestPostgres.version(14).newDatabase(),
            third.postgres().newDatabase()
        };
        archive = TestPostgres.newest().newDatabase();
        urls = new LinkedHashMap<>();
        for (int i = 0; i < shards.length; i++) {
            urls.put("shard-" + (i + 1), shards[i].jdbcUrl());
        }
        urls.put("archive", archive.jdbcUrl());
    }

    @AfterAll
    static void stop() throws Exception {
        shards[0].close();
        shards[1].close();
        archive.close();
        third.crash();
    }

    @Test
    void each_has_a_run_of_its_own_and_one_that_is_away_keeps_nobody_from_the_others() throws Exception {
        PacedTable[] tables = tables("fill", Duration.ZERO);
        PacedTable[] slow = tables("slow", Duration.ofMillis(50));
        third.stop();
        try (Daemon daemon = Daemon.start(directory.resolve("one"), urls, "lease = 2s")) {

            daemon.jobFile(directory.resolve("one"), "fill.yaml", tables[0].job(SHARDS));
            daemon.awaitRun("fill", run -> states(daemon, "fill").equals("SUCCEEDED SUCCEEDED "));

            Daemon.Answer put = daemon.put("/api/v1/jobs/slow", slow[0].job(SHARDS));
            assertThat(put.status()).isEqualTo(201);
            assertThat(put.body().at("/away/0/database").asString()).isEqualTo("shard-3");
            daemon.awaitRun("slow", run -> states(daemon, "slow").equals("RUNNING RUNNING "));

            Daemon.Answer paused = daemon.post("/api/v1/jobs/slow/pause");
            assertThat(paused.status()).isEqualTo(503);
            assertThat(paused.body().path("detail").asString())
                    .contains("not done in shard-3", "done in shard-1, shard-2", "?database=shard-3");
            assertThat(states(daemon, "slow")).isEqualTo("PAUSED PAUSED ");
            assertThat(daemon.post("/api/v1/jobs/slow/resume?database=shard-2").status())
                    .isEqualTo(200);
            daemon.awaitRun("slow", run -> states(daemon, "slow").startsWith("PAUSED RUNNING "));

            third.startAgain();
            daemon.awaitRun("fill", run -> states(daemon, "fill").equals("SUCCEEDED SUCCEEDED SUCCEEDED "));
            Daemon.Answer resumed = daemon.post("/api/v1/jobs/slow/resume");
            assertThat(resumed.status()).isEqualTo(200);
            assertThat(resumed.body().path("refused").valueStream().map(JsonNode::toString))
                    .anyMatch(other -> other.contains("shard-3") && other.contains("not registered here"));
            assertThat(daemon.get("/api/v1/jobs/slow/proof")
                            .body()
                            .path("unchecked")
                            .valueStream()
                            .map(JsonNode::asString))
                    .contains("shard-3");
            assertThat(daemon.put("/api/v1/jobs/slow", slow[0].job(SHARDS)).status())
                    .isEqualTo(200);
            daemon.awaitRun("slow", run -> states(daemon, "slow").equals("SUCCEEDED SUCCEEDED SUCCEEDED "));
        }
        for (int i = 0; i < shards.length; i++) {
            tables[i].assertEachRowWasChangedOnce();
            slow[i].assertEachRowWasChangedOnce();
        }
        assertThat(archive.queryLong("SELECT count(*) FROM backfill.registration"))
                .isZero();
    }

    @Test
    void the_command_works_one_after_the_other_and_says_what_became_of_each() throws Exception {
        PacedTable[] tables = tables("foreground", Duration.ZERO);
        shards[1].execute("ALTER TABLE foreground RENAME TO elsewhere");
        Path job = Files.writeString(directory.resolve("foreground.yaml"), tables[0].job(SHARDS));
        Path config = Files.write(
                directory.resolve("foreground.conf"),
                urls.entrySet().stream()
                        .map(url -> "databases.\"%s\".url = \"%s\"".formatted(url.getKey(), url.getValue()))
                        .toList());

        CommandResult first = CommandResult.of("run", job.toString(), "--config", config.toString());
        assertThat(first.exit()).as(first.text()).isEqualTo(2);
        assertThat(first.text())
                .contains("shard-1: done", "shard-2: not done: see above", "shard-3: done", "no table \"foreground\"");
        shards[1].execute("ALTER TABLE elsewhere RENAME TO foreground");
        CommandResult second = CommandResult.of("run", job.toString(), "--config", config.toString());
        assertThat(second.exit()).as(second.text()).isZero();
        assertThat(second.text()).contains("shard-1: done", "shard-2: done", "shard-3: done");
        for (PacedTable table : tables) {
            table.assertEachRowWasChangedOnce();
        }
    }

    @Test
    void a_job_that_does_not_fit_one_of_them_is_registered_in_none() throws Exception {
        PacedTable[] tables = tables("misfit", Duration.ZERO);
        shards[1].execute("ALTER TABLE misfit DROP COLUMN n");
        try (Daemon daemon = Daemon.start(directory.resolve("two"), urls)) {
            Daemon.Answer refused = daemon.put("/api/v1/jobs/misfit", tables[0].job(SHARDS));
            assertThat(refused.status()).isEqualTo(422);
            assertThat(refused.body().at("/problems/0/message").asString()).startsWith("in shard-2: ");
            assertThat(daemon.get("/api/v1/jobs/misfit").status()).isEqualTo(404);

            Daemon.Answer shorter = daemon.put(
                    "/api/v1/jobs/fill",
                    tables("narrow", Duration.ZERO)[0]
                            .job("database: [shard-1, shard-3]")
                            .replace("job: narrow", "job: fill"));
            assertThat(shorter.body().at("/problems/0/message").asString())
                    .isEqualTo("a job of this name is registered in database shard-2");
            assertThat(daemon.delete("/api/v1/jobs/fill?database=shard-2").status())
                    .isEqualTo(204);
            assertThat(daemon.get("/api/v1/jobs/fill").body().path("runs")).hasSize(2);

            Daemon.Answer unknown =
                    daemon.put("/api/v1/jobs/misfit", tables[0].job("database: [shard-1, \"store-*\", x]"));
            assertThat(unknown.body().path("problems")).hasSize(2);
            assertThat(unknown.body().at("/problems/0/message").asString())
                    .isEqualTo("the configuration has no database store-*");
        }
    }

    private static PacedTable[] tables(String name, Duration batch) throws Exception {
        PacedTable[] tables = new PacedTable[shards.length];
        for (int i = 0; i < shards.length; i++) {
            tables[i] = PacedTable.create(shards[i], name, ROWS, batch);
        }
        return tables;
    }

    /** The states of the latest runs, by the names of their databases. */
    private static String states(Daemon daemon, String job) {
        List<JsonNode> runs = daemon.get("/api/v1/jobs/" + job)
                .body()
                .path("runs")
                .valueStream()
                .toList();
        StringBuilder states = new StringBuilder();
        runs.forEach(run -> states.append(run.path("state").asString()).append(' '));
        return states.toString();
    }
}
