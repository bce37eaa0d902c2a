package dev.backfill.orchestrator.db;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

class SqlStatesTest {

    /** The table of errors by what happens next, row by row. */
    @ParameterizedTest
    @CsvSource({
        "LOCK,          55P03 40P01 40001",
        "TIMEOUT,       57014",
        "SESSION_LOST,  25P03 25P04",
        "DATABASE_DOWN, 08000 08001 08003 08006 08P01 57P01 57P02 57P03 57P05 25006",
        "DENIED,        57P04 3D000 28000 28P01",
        "DATA,          22001 22003 22012 22P02 23502 23503 23505 23514 P0001 P0004 20000 21000 2F003 38000 39000 44000",
        "DATA,          54000 54001 U0001 ABCDE 99999",
        "PAUSE,         42501 42703 42P01 55000 55006 0A000 26000 42P05 XX000 XX001 XX002",
        "RESOURCES,     53000 53200 53300 53400",
        "DISK_FULL,     53100",
        "PAUSE,         01000 25P02 0B000 72000 F0000 58030 HV000"
    })
    void an_error_is_sorted_by_what_happens_next(ErrorClass next, String states) {
        for (String state : states.split(" ", -1)) {
            assertThat(SqlStates.classify(state)).as(state).isEqualTo(next);
        }
    }

    @Test
    void the_state_of_a_cause_counts_and_without_any_the_database_is_away() {
        SQLException pool = new SQLException("pool", null, new SQLException("no", "28P01"));
        assertThat(SqlStates.classify(pool)).isEqualTo(ErrorClass.DENIED);
        assertThat(SqlStates.classify(new SQLException("no connection"))).isEqualTo(ErrorClass.DATABASE_DOWN);
        assertThat(SqlStates.state(new IllegalStateException(pool))).contains("28P01");
        assertThat(SqlStates.state(new IllegalStateException())).isEmpty();
    }

    @Test
    void a_message_is_one_line_of_the_first_cause() {
        Throwable error = new IllegalStateException("outside", new SQLException("inside\nDetail: a row"));
        assertThat(SqlStates.message(error)).isEqualTo("inside");
        assertThat(SqlStates.message(new IllegalStateException())).isEqualTo("IllegalStateException");
    }

    @Test
    void a_session_that_broke_off_without_a_word_did_so_also_when_the_pooler_says_it() {
        assertThat(SqlStates.isSaidByServer(said("57P02", "terminating connection because of crash")))
                .isTrue();
        assertThat(SqlStates.isSaidByServer(said("08P01", "query_wait_timeout")))
                .isTrue();
        assertThat(SqlStates.isSaidByServer(said("08P01", "server conn crashed?")))
                .isFalse();
        assertThat(SqlStates.isSaidByServer(new SQLException("an end of the stream", "08006")))
                .isFalse();
    }

    private static SQLException said(String state, String message) {
        return new PSQLException(new ServerErrorMessage("SFATAL\0C" + state + "\0M" + message + "\0"));
    }
}
