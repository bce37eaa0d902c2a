package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.access.Token;
import dev.backfill.orchestrator.testing.TestBrowser;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.Keys;

/** The page of the daemon in a real browser. */
@EnabledIf("dev.backfill.orchestrator.testing.TestBrowser#isPossible")
class BrowserTest {

    private static final int ROWS = 4_000;
    private static final Duration BATCH = Duration.ofMillis(100);
    private static final String HOSTILE = "<img src=x onerror=alert(1)> of the \"shop\"";

    @TempDir
    private Path directory;

    private TestDatabase database;
    private Daemon daemon;
    private TestBrowser browser;

    @BeforeEach
    void start() throws Exception {
        database = TestPostgres.newest().newDatabase();
        daemon = Daemon.start(directory, database);
        browser = new TestBrowser(directory.resolve("browser"));
    }

    @AfterEach
    void stop() throws Exception {
        browser.close();
        daemon.close();
        database.close();
    }

    @Test
    void a_run_is_seen_moving_and_is_paused_and_resumed_with_a_reason() throws Exception {
        browser.open(daemon.address());
        browser.awaitText("main", text -> text.contains("No job is registered"));
        PacedTable table = PacedTable.create(database, "fill", ROWS, BATCH);

        daemon.register("fill", table.job("description: '" + HOSTILE + "'"));

        browser.awaitText(".job h2", "fill"::equals);
        browser.awaitText(".description", HOSTILE::equals);
        browser.awaitText(".state", "RUNNING"::equals);
        browser.awaitText(".figures", text -> text.matches("[0-9,]+ rows/s .*[0-9,]+ of about 4,000 rows"));
        int before = percent();
        browser.awaitText(".figures", text -> percent() > before);

        browser.click(".job button", "pause");
        browser.type("the shop is slow", Keys.ENTER);

        browser.awaitText(".state", "PAUSED"::equals);
        browser.awaitText(".why", text -> text.contains("the shop is slow"));
        assertThat(daemon.state("fill")).isEqualTo("PAUSED");
        browser.click(".job button", "resume");
        browser.type(Keys.ESCAPE);
        assertThat(daemon.state("fill")).isEqualTo("PAUSED");
        browser.click(".job button", "resume");
        browser.click("dialog button", "resume");
        browser.awaitText(".state", "RUNNING"::equals);
        table.batchesLast(Duration.ZERO);
        browser.awaitText(".state", "SUCCEEDED"::equals);
        browser.awaitText(".figures", text -> text.startsWith("4,000 rows · in "));
        assertThat(percent()).isEqualTo(100);
        assertThat(browser.complaints()).isEmpty();
    }

    @Test
    void a_hold_a_refusal_and_a_daemon_that_is_gone_are_told() throws Exception {
        PacedTable table = PacedTable.create(database, "fill", ROWS, BATCH);
        daemon.register("fill", table.job());
        browser.open(daemon.address());
        browser.awaitText(".state", "RUNNING"::equals);

        daemon.post("/api/v1/pause", "{\"reason\": \"incident 7\"}");

        browser.awaitText(".state", "RUNNING, held: stopped"::equals);
        browser.awaitText(".why", text -> text.contains("incident 7"));
        browser.awaitText("#stopped", text -> text.contains("incident 7"));
        browser.click(".job button", "pause");
        daemon.say("cancel", "fill");
        browser.click("dialog button", "pause");
        browser.awaitText(".answer", text -> text.startsWith("pause was refused: the run is CANCELLED"));

        String address = daemon.address();
        daemon.close();
        browser.awaitText("#connection", text -> text.startsWith("The daemon does not answer since "));
        browser.awaitText(".job h2", "fill"::equals);
        daemon = Daemon.start(
                directory,
                Map.of("main", database.jdbcUrl()),
                "admin.port = " + address.substring(address.lastIndexOf(':') + 1));
        browser.awaitText("#connection", "live"::equals);
        browser.awaitText(".state", "CANCELLED"::equals);
    }

    @Test
    void one_job_shows_its_slices_charts_events_quarantine_and_report() throws Exception {
        PacedTable table = PacedTable.create(database, "fill", 400, BATCH);
        database.execute("ALTER TABLE fill ADD CHECK (id <> 77 OR n = 0)");
        browser.show(1100, 900, "light");
        browser.open(daemon.address());
        daemon.register(
                "fill",
                table.job("errors: { quarantine: 10 }", "parallelism: 2").replace("min: 20", "min: 1"));
        browser.awaitText(".job h2", "fill"::equals);

        browser.follow("fill");

        browser.awaitText(".slices", text -> text.matches("[0-9]+ of [0-9]+ slices done, [12] worked"));
        assertThat(browser.count(".strip .worked")).isPositive();
        browser.awaitText("#events", text -> text.contains("PENDING → RUNNING"));
        browser.awaitText(".report", text -> text.contains("Batches") && text.contains("Made wait\nnobody"));
        assertThat(browser.count("figure canvas")).isEqualTo(2);
        assertThat(browser.count("figure[hidden]"))
                .as("of the lag, without a standby")
                .isOne();
        browser.picture("page-job");
        browser.awaitText(".set-aside", text -> text.contains("77") && text.contains("violates check constraint"));
        table.batchesLast(Duration.ZERO);
        browser.awaitText("#one-card .state", "FAILED"::equals);
        browser.awaitText("#events", text -> text.contains("→ FAILED"));
        assertThat(browser.count(".strip .done")).isEqualTo(browser.count(".strip span"));

        browser.follow("Databases");
        browser.awaitText(".database-card h2", "main"::equals);
        browser.awaitText(".database-card table", text -> text.contains("archive-backlog") && text.contains("go"));
        browser.picture("page-databases");
        assertThat(browser.complaints()).isEmpty();
        browser.open(daemon.address() + "/#job/none");
        browser.awaitText("#unknown", "No job of this name is registered."::equals);
        browser.follow("Jobs");
        browser.awaitText("#jobs .job h2", "fill"::equals);
        browser.show(360, 640, "dark");
        browser.follow("fill");
        browser.awaitText(".slices", text -> text.contains("slices done"));
        assertThat(browser.contentWidth()).isLessThanOrEqualTo(360);
    }

    @Test
    void who_has_no_token_is_asked_for_one_and_what_it_does_not_allow_is_said() throws Exception {
        String looks = Token.make();
        String steers = Token.make();
        PacedTable table = PacedTable.create(database, "fill", 100, BATCH);
        daemon.register("fill", table.job());
        daemon.awaitState("fill", "SUCCEEDED");
        daemon.close();
        daemon = Daemon.start(
                directory,
                Map.of("main", database.jdbcUrl()),
                "admin.tokens.lea { role = viewer, sha256 = \"" + Token.sha256(looks) + "\" }",
                "admin.tokens.otto { role = operator, sha256 = \"" + Token.sha256(steers) + "\" }");

        browser.open(daemon.address());
        browser.awaitText("#enter-why", text -> text.contains("needs a token"));
        assertThat(browser.text("main")).doesNotContain("fill");
        browser.type(Token.make(), Keys.ENTER);
        browser.awaitText("#enter-why", text -> text.contains("the token is not known here"));
        browser.type(Keys.ESCAPE);
        browser.click("header button", "Enter a token");
        browser.type(looks, Keys.ENTER);
        browser.awaitText(".state", "SUCCEEDED"::equals);
        browser.awaitText("#connection", "live"::equals);

        browser.click(".job button", "verify");
        browser.click("dialog button", "verify");
        browser.awaitText(
                ".answer", "verify was refused: this needs the role operator, and lea has the role viewer"::equals);

        browser.open(daemon.address());
        browser.awaitText("#enter-why", text -> text.contains("needs a token"));
        browser.type(steers, Keys.ENTER);
        browser.awaitText(".state", "SUCCEEDED"::equals);
        browser.click(".job button", "verify");
        browser.type("to be sure", Keys.ENTER);
        await().atMost(Duration.ofSeconds(20))
                .until(
                        () -> database.queryStrings("SELECT who FROM backfill.event WHERE \"to\" = 'check-asked'"),
                        List.of("otto at 127.0.0.1")::equals);
    }

    @Test
    void who_may_look_without_a_token_can_still_enter_one_to_steer() throws Exception {
        String steers = Token.make();
        PacedTable table = PacedTable.create(database, "fill", 100, BATCH);
        daemon.register("fill", table.job());
        daemon.awaitState("fill", "SUCCEEDED");
        daemon.close();
        daemon = Daemon.start(
                directory,
                Map.of("main", database.jdbcUrl()),
                "admin.anonymous = viewer",
                "admin.tokens.otto { role = operator, sha256 = \"" + Token.sha256(steers) + "\" }");
        browser.open(daemon.address());
        browser.awaitText(".state", "SUCCEEDED"::equals);

        browser.click(".job button", "verify");
        browser.click("dialog button", "verify");

        browser.awaitText("#enter-why", text -> text.contains("who sends no token has the role viewer"));
        browser.type(Keys.ESCAPE);
        browser.awaitText("#connection", "live"::equals);
        browser.click("header button", "Enter a token");
        browser.type(steers, Keys.ENTER);
        browser.awaitText("#enter-again", String::isEmpty);
        browser.click(".job button", "verify");
        browser.type("to be sure", Keys.ENTER);
        await().atMost(Duration.ofSeconds(20))
                .until(
                        () -> database.queryStrings("SELECT who FROM backfill.event WHERE \"to\" = 'check-asked'"),
                        List.of("otto at 127.0.0.1")::equals);
    }

    @Test
    void it_fits_a_narrow_screen() throws Exception {
        String name = "a-job-whose-name-is-rather-long-for-a-telephone";
        PacedTable table = PacedTable.create(database, name, 100, BATCH);
        String yaml = table.job();
        browser.show(360, 640, "dark");
        daemon.register(name, yaml);
        browser.open(daemon.address());
        browser.awaitText(".state", "SUCCEEDED"::equals);

        assertThat(browser.contentWidth()).isLessThanOrEqualTo(360);
    }

    private int percent() {
        return Integer.parseInt(browser.attribute(".bar", "aria-valuenow"));
    }
}
