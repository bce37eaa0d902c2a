package dev.backfill.orchestrator.processor;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SessionRulesTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "COMMIT",
                "  commit and chain",
                "-- a comment\nCOMMIT",
                "/* a /* nested */ one */ END",
                "SELECT 1; COMMIT",
                "UPDATE t SET x = ';'; ROLLBACK",
                "ROLLBACK WORK",
                "BEGIN",
                "START TRANSACTION",
                "ABORT",
                "PREPARE TRANSACTION 'x'",
                "SET search_path = x",
                "set session lock_timeout = 0",
                "SET ROLE x",
                "SET SESSION AUTHORIZATION x",
                "SET TRANSACTION READ ONLY",
                "RESET ALL",
                "DISCARD ALL",
                "LISTEN x",
                "NOTIFY x",
                "LOAD 'x'",
                "DEALLOCATE ALL",
                "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
                "CREATE TEMP TABLE x (id int)",
                "CREATE TEMPORARY TABLE x AS SELECT 1"
            })
    void refuses_what_ends_the_transaction_or_outlives_the_batch(String sql) {
        assertThat(SessionRules.refusal(sql)).isPresent();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT 1",
                "UPDATE t SET x = 'COMMIT; ROLLBACK' WHERE y = \"commit\"",
                "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x",
                "SAVEPOINT s",
                "ROLLBACK TO s",
                "ROLLBACK TO SAVEPOINT s",
                "ROLLBACK WORK TO s",
                "RELEASE s",
                "SET LOCAL work_mem = '64MB'",
                "set  local\tenable_seqscan = off",
                "SET CONSTRAINTS ALL IMMEDIATE",
                "DECLARE c CURSOR FOR SELECT 1",
                "CREATE TEMP TABLE x (id int) ON COMMIT DROP",
                "SELECT begin, commit FROM spans",
                "SELECT $$ COMMIT; $$",
                "SELECT 'unclosed"
            })
    void lets_everything_else_pass(String sql) {
        assertThat(SessionRules.refusal(sql)).isEmpty();
    }
}
