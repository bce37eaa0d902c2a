package dev.backfill.orchestrator.console;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.Run.Details;
import dev.backfill.orchestrator.run.Run.Revision;
import dev.backfill.orchestrator.run.RunState;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunDecisionTest {

    private static final String ID = "00000000-0000-7000-8000-000000000001";

    /** State of the latest run, whether its content is the file's, what is done, what is done with --again. */
    @ParameterizedTest
    @CsvSource({
        "PENDING,   true,  GoOn,        GoOn",
        "RUNNING,   true,  GoOn,        GoOn",
        "VERIFYING, true,  GoOn,        GoOn",
        "PAUSED,    true,  Resume,      Resume",
        "SUCCEEDED, true,  AlreadyDone, Start",
        "FAILED,    true,  Retry,       Start",
        "CANCELLED, true,  Refuse,      Start",
        "PENDING,   false, Refuse,      Refuse",
        "RUNNING,   false, Refuse,      Refuse",
        "VERIFYING, false, Refuse,      Refuse",
        "PAUSED,    false, Refuse,      Refuse",
        "SUCCEEDED, false, Refuse,      Start",
        "FAILED,    false, Refuse,      Start",
        "CANCELLED, false, Refuse,      Start"
    })
    void what_is_done_depends_on_the_latest_run(RunState state, boolean same, String done, String doneAgain) {
        Optional<Run> latest = Optional.of(run(state));
        String checksum = same ? "recorded" : "other";

        assertThat(RunDecision.decide(latest, checksum, false).getClass().getSimpleName())
                .isEqualTo(done);
        assertThat(RunDecision.decide(latest, checksum, true).getClass().getSimpleName())
                .isEqualTo(doneAgain);
    }

    @Test
    void a_job_without_a_run_is_started() {
        assertThat(RunDecision.decide(Optional.empty(), "any", false)).isEqualTo(new RunDecision.Start());
    }

    @Test
    void a_refusal_names_the_run_and_both_contents() {
        RunDecision unfinished = RunDecision.decide(Optional.of(run(RunState.RUNNING)), "other", false);
        assertThat(((RunDecision.Refuse) unfinished).why())
                .contains(ID, "revision 4", "recorded", "other", "Finish it with its own file first");

        RunDecision finished = RunDecision.decide(Optional.of(run(RunState.SUCCEEDED)), "other", false);
        assertThat(((RunDecision.Refuse) finished).why()).contains(ID, "SUCCEEDED", "--again");
    }

    private static Run run(RunState state) {
        Details details =
                new Details(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
        return new Run(ID, new Revision("fill", 4, "recorded"), state, 1, details);
    }
}
