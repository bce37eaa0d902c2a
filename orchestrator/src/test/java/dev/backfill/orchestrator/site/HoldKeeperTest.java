package dev.backfill.orchestrator.site;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.config.DatabaseSettings.Login;
import dev.backfill.orchestrator.config.Settings;
import dev.backfill.orchestrator.config.SettingsReader;
import dev.backfill.orchestrator.processor.Plugins;
import dev.backfill.orchestrator.report.Tallies;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunListener.Hold;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.site.Host.Library;
import dev.backfill.orchestrator.testing.SettableTiming;
import dev.backfill.orchestrator.testing.TestJobs;
import dev.backfill.orchestrator.testing.TestStores;
import dev.backfill.orchestrator.timing.Timing;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the log and the database are told of holds; the keeper is called once a second, as it is in a daemon. */
class HoldKeeperTest {

    private static final Hold LAG = new Hold("replication-lag", "it goes on");
    private static final Hold DRAIN = new Hold("replication-drain", "it goes on");
    private static final String RUN = "11111111111111111111111111";

    private static TestStores stores;

    private final SettableTiming timing = new SettableTiming();
    private final RecordingEars ears = new RecordingEars();
    private final PrintStream out = System.out;
    private final ByteArrayOutputStream log = new ByteArrayOutputStream();
    private final Site site = site(timing);
    private final HoldKeeper keeper = new HoldKeeper(site, ears, new Tallies(timing));
    private final RunListener listener = site.holds().listener("fill");

    /** Remembers for how long runs stood still. */
    private static final class RecordingEars implements Ears {

        private final List<Duration> held = new ArrayList<>();

        @Override
        public RunListener listener(String job, String database) {
            return new RunListener() {};
        }

        @Override
        public void held(String job, String database, String reason, Duration duration) {
            held.add(duration);
        }
    }

    @BeforeAll
    static void start() throws Exception {
        stores = new TestStores();
    }

    @AfterAll
    static void stop() throws Exception {
        stores.close();
    }

    @BeforeEach
    void begin() throws Exception {
        stores.addRun("fill", RUN, RunState.RUNNING);
        System.setOut(new PrintStream(log, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void end() throws Exception {
        System.setOut(out);
        site.close();
        stores.clear();
    }

    @Test
    void holds_of_less_than_ten_seconds_are_counted_and_shown_and_not_spoken_of() throws Exception {
        for (int i = 0; i < 20; i++) {
            listener.held(RUN, LAG, "6 s behind");
            pass(9);
            assertThat(shown()).contains("\"reason\": \"replication-lag\"", "6 s behind");
            listener.released(RUN, LAG);
            pass(1);
            assertThat(shown()).isEqualTo("null");
        }

        assertThat(said()).isEmpty();
        assertThat(events()).isEmpty();
        assertThat(ears.held.stream().reduce(Duration.ZERO, Duration::plus)).isEqualTo(Duration.ofMinutes(3));
    }

    @Test
    void a_hold_of_ten_seconds_is_one_line_and_one_event_however_its_figures_change() throws Exception {
        listener.held(RUN, LAG, "6 s behind");
        pass(9);
        assertThat(said()).isEmpty();
        for (int second = 10; second < 60; second++) {
            pass(1);
            listener.held(RUN, LAG, second + " s behind");
        }

        assertThat(said()).hasSize(1);
        assertThat(said().get(0))
                .contains("run is held database=\"main\" job=\"fill\" run=\"" + RUN + "\" reason=\"replication-lag\"")
                .contains("detail=\"6 s behind\" seconds=\"10\" next=\"it goes on\"");
        assertThat(events()).containsExactly("hold replication-lag: 6 s behind");
        assertThat(shown()).contains("58 s behind");
    }

    @Test
    void a_hold_after_the_first_and_one_for_another_reason_are_news() throws Exception {
        listener.held(RUN, LAG, "6 s behind");
        pass(15);
        listener.held(RUN, DRAIN, "would need 3 s");
        pass(15);
        listener.released(RUN, DRAIN);
        pass(1);
        listener.held(RUN, DRAIN, "would need 4 s");
        pass(15);

        assertThat(said()).hasSize(3).allSatisfy(line -> assertThat(line).contains("run is held "));
        assertThat(events())
                .containsExactly(
                        "hold replication-lag: 6 s behind",
                        "hold replication-drain: would need 3 s",
                        "hold replication-drain: would need 4 s");
    }

    @Test
    void what_is_held_for_longer_than_a_minute_is_one_line_a_minute_for_each_reason() throws Exception {
        for (int job = 7; job >= 1; job--) {
            site.holds().listener("job" + job).held("run" + job, LAG, "6 s behind");
        }
        site.holds().listener("other").held("run8", DRAIN, "would need 3 s");
        pass(60);
        assertThat(said()).hasSize(8).allSatisfy(line -> assertThat(line).contains("run is held "));

        pass(1);
        String lag = "runs are held still database=\"main\" reason=\"replication-lag\" runs=\"7\""
                + " jobs=\"job1, job2, job3, job4, job5\"";
        String drain = "runs are held still database=\"main\" reason=\"replication-drain\" runs=\"1\" jobs=\"other\"";
        assertThat(summaries()).containsExactly(drain, lag);
        site.holds().leave("run8");
        pass(60);
        assertThat(summaries()).hasSize(2);
        pass(2);
        assertThat(summaries()).containsExactly(drain, lag, lag);
    }

    @Test
    void what_is_held_for_less_than_a_minute_is_in_no_summary() throws Exception {
        pass(30);
        listener.held(RUN, LAG, "6 s behind");
        pass(58);
        listener.released(RUN, LAG);
        pass(100);

        assertThat(said()).hasSize(1);
        assertThat(summaries()).isEmpty();
    }

    @Test
    void a_database_that_is_away_is_told_later() throws Exception {
        listener.held(RUN, LAG, "6 s behind");
        for (int second = 0; second < 30; second++) {
            timing.pass(Duration.ofSeconds(1));
            keeper.tell();
        }
        assertThat(said()).as("the log needs no database").hasSize(1);
        assertThat(events()).isEmpty();
        listener.released(RUN, LAG);

        pass(1);
        assertThat(events()).containsExactly("hold replication-lag: 6 s behind");
        assertThat(shown()).isEqualTo("null");
    }

    private void pass(int seconds) {
        for (int second = 0; second < seconds; second++) {
            timing.pass(Duration.ofSeconds(1));
            keeper.tell();
            keeper.write();
        }
    }

    /** What was logged, without the time and the class. */
    private List<String> said() {
        return log.toString(StandardCharsets.UTF_8)
                .lines()
                .filter(line -> line.contains("HoldKeeper"))
                .map(line -> line.replaceFirst(".*HoldKeeper ", ""))
                .toList();
    }

    private List<String> summaries() {
        return said().stream().filter(line -> line.startsWith("runs are ")).toList();
    }

    private static List<String> events() throws SQLException {
        return stores.server()
                .queryStrings("SELECT \"to\" || ' ' || (detail->>'reason') FROM backfill.event" + " WHERE run = '" + RUN
                        + "' ORDER BY id");
    }

    private static String shown() throws SQLException {
        return stores.run(RUN, "hold");
    }

    private static Site site(Timing timing) {
        Host host = Host.here(timing, new Library(TestJobs.FILES, new Plugins(Path.of("plugins"))), 1);
        Settings settings =
                SettingsReader.forDatabase(new Login(stores.server().jdbcUrl(), Optional.empty(), Optional.empty()));
        return new Site(host, settings, requireNonNull(settings.databases().get("main")));
    }
}
