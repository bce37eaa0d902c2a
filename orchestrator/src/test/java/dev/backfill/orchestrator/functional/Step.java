package dev.backfill.orchestrator.functional;

import dev.backfill.orchestrator.testing.FaultProxy;
import dev.backfill.orchestrator.testing.FaultProxy.Moment;
import java.util.function.BiPredicate;

/** What a daemon does, by a part of the statement that does it. */
enum Step {
    REGISTRATION("INSERT INTO backfill.job "),
    START("INSERT INTO backfill.run ("),
    BEGIN("INSERT INTO backfill.slice (run, number, pass"),
    CLAIM("state = 'RUNNING', owner = "),
    CHANGE("counter = counter + 1"),
    CHECKPOINT("rows_scanned = rows_scanned + "),
    /** Of a slice that is being worked. */
    SPLIT("UPDATE backfill.slice SET \"to\" ="),
    /** In a transaction that does not begin a pass. */
    FREE_PART_OF_A_SPLIT("INSERT INTO backfill.slice (run, number, pass"),
    HOLD("SET hold = CASE WHEN CAST"),
    END_OF_THE_WORK("SET state = 'VERIFYING'"),
    COUNT("counter = 0"),
    FURTHER_PASS("pass = pass + 1"),
    PROOF("INSERT INTO backfill.proof"),
    /** To PAUSED, CANCELLED, FAILED or SUCCEEDED. */
    CHANGE_OF_STATE("paused_from = CASE WHEN"),
    RESUMPTION("SET state = paused_from"),
    RETRY("DELETE FROM backfill.quarantine WHERE run"),
    ASKING_FOR_A_CHECK("SET check_asked = clock_timestamp()"),
    END_OF_A_CHECK("SET check_asked = NULL, verifier"),
    STOP("INSERT INTO backfill.switch"),
    LIFTING_THE_STOP("DELETE FROM backfill.switch");

    private final String part;

    Step(String part) {
        this.part = part;
    }

    /** A part of the statement. */
    String part() {
        return part;
    }

    /** The statement itself. */
    Cell at(Moment moment) {
        return new Cell(this, moment, part, (before, sql) -> sql.contains(part) && !sql.startsWith("PREPARE"));
    }

    /** The commit of its transaction. */
    Cell commit(Moment moment) {
        return new Cell(this, moment, "COMMIT", (before, sql) -> FaultProxy.COMMIT.test(sql) && before.contains(part));
    }

    /** A moment of a step: a part of what is executed then, and how the network knows it. */
    record Cell(Step step, Moment moment, String part, BiPredicate<String, String> statement) {
        @Override
        public String toString() {
            return moment + " " + (part.equals("COMMIT") ? "the commit of " : "") + step;
        }
    }
}
