package dev.backfill.orchestrator.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.client.AdminClient.Limits;
import dev.backfill.orchestrator.client.Recheck.Outcome;
import dev.backfill.orchestrator.testing.Stranger;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What came of a check, from what a daemon says one answer after the other. */
@Timeout(20)
class RecheckTest {

    private static final String OLD =
            "{'database': 'main', 'run': 'r1', 'at': '1', 'state': 'FAILED', 'remaining': 0, 'quarantined': 0, 'newer-run': null}";
    private static final String NEW = OLD.replace("'1'", "'2'");
    private static final String CHECKING = "{'database': 'main', 'run': 'r1'}";
    private static final String AWAY = "{'database': 'main', 'detail': 'refused'}";
    private static final String RUN = "{'id': 'r1', 'database': 'main', 'state': 'FAILED', 'finished': '3'}";

    private final Deque<String> proofs = new ArrayDeque<>();
    private final Deque<String> events = new ArrayDeque<>(List.of("", ""));
    private final StringWriter said = new StringWriter();
    private String runs = RUN;

    @Test
    void a_database_that_is_away_is_told_once_and_waited_for() throws Exception {
        proofs.add(proof(OLD, "", "", ""));
        proofs.add(proof("", "", "", AWAY));
        proofs.add(proof("", "", "", AWAY));
        proofs.add(proof(OLD, "", CHECKING, ""));
        proofs.add(proof(NEW, "", "", ""));

        Outcome outcome = check();

        assertThat(proofs).isEmpty();
        assertThat(outcome.without()).isEmpty();
        assertThat(outcome.verdict()).isEqualTo(ExitCode.DONE);
        assertThat(said.toString().lines()).containsExactly("database main is away, waiting for it: refused");
    }

    @Test
    void an_old_conclusion_is_none_and_a_new_one_says_why() throws Exception {
        String old = "{'run': 'r1', 'id': 1, 'to': 'checked', 'detail': {'reason': 'at first'}}";
        proofs.add(proof(OLD, "", "", ""));
        proofs.add(proof(OLD, "", "", ""));
        events.clear();
        events.add(old);
        events.add(old + ", " + old.replace("1, ", "2, ").replace("at first", "no table"));

        Outcome outcome = check();

        assertThat(outcome.without()).containsEntry("main", "the check of run r1 has come to no proof: no table");
        assertThat(outcome.verdict()).isEqualTo(ExitCode.LEFT);
        assertThat(outcome.found().isEmpty()).isTrue();
    }

    @Test
    void a_run_that_went_on_and_ended_meanwhile_is_waited_for_no_longer() throws Exception {
        proofs.add(proof(OLD, "", "", ""));
        proofs.add(proof(OLD, "", "", ""));

        assertThat(check().without().get("main")).contains("went on meanwhile", "it is FAILED now");
    }

    @Test
    void each_database_has_an_outcome_of_its_own() throws Exception {
        runs = RUN + ", " + RUN.replace("r1", "r2").replace("main", "other").replace("'3'", "null");
        proofs.add(proof(OLD, "'other'", "", ""));
        proofs.add(proof(NEW, "'other'", "", ""));

        Outcome outcome = check();

        assertThat(outcome.without().keySet()).containsExactly("other");
        assertThat(outcome.without().get("other")).contains("run r2 goes on (FAILED)");
        assertThat(outcome.verdict()).isEqualTo(ExitCode.LEFT);
        StringWriter found = new StringWriter();
        outcome.found().tell(new PrintWriter(found, true));
        assertThat(found.toString())
                .contains("database main", "nothing is left")
                .doesNotContain("other");
    }

    private Outcome check() throws Exception {
        Stop stop = new Stop(Timing.system());
        try (Stranger daemon = Stranger.acting(this::answer)) {
            AdminClient client = new AdminClient(
                    URI.create(daemon.address()), Optional.empty(), Limits.USUAL, Timing.system(), stop);
            Recheck recheck = new Recheck(client, "j", Optional.empty());
            recheck.ask(Optional.of("a doubt"));
            return recheck.await(stop, new PrintWriter(said, true));
        }
    }

    private String answer(String asked) {
        return switch (asked) {
            case "GET /api/v1/jobs/j/proof" -> proofs.remove();
            case "GET /api/v1/events" -> json("{'events': [" + events.remove() + "], 'next': null}");
            case "GET /api/v1/jobs/j/runs", "POST /api/v1/jobs/j/verify" -> json("{'runs': [" + runs + "]}");
            default -> throw new IllegalArgumentException(asked);
        };
    }

    private static String proof(String proofs, String unchecked, String checking, String away) {
        return json("{'job': 'j', 'proofs': [%s], 'unchecked': [%s], 'checking': [%s], 'away': [%s]}"
                .formatted(proofs, unchecked, checking, away));
    }

    private static String json(String text) {
        return text.replace('\'', '"');
    }
}
