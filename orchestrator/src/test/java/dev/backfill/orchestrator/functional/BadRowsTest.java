package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.Seed;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Six kinds of bad data in rows at random places of a large table. {@code -Drows=} and {@code -Dbad=} set how many. */
@Tag("storm")
class BadRowsTest {

    private static final int ROWS = Integer.getInteger("rows", 200_000);
    private static final int BAD = Integer.getInteger("bad", 300);

    @TempDir
    private Path directory;

    @Test
    void exactly_those_are_set_aside_and_all_others_changed_once() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            BadRows rows = BadRows.create(database, ROWS, BAD, "int", "i", Seed.random("bad rows"));
            Path job = CountedTable.write(directory, """
                    version: 1
                    job: convert
                    table: m
                    range: { by: id }
                    sql: %s
                    verify: { remaining: n = 0 }
                    parallelism: 2
                    errors: { quarantine: %d }
                    """.formatted(BadRows.CHANGE, BAD));

            long begun = System.nanoTime();
            CommandResult result = CommandResult.of("run", job.toString(), "--database", database.jdbcUrl());

            System.out.printf("%d rows, %d of them bad: %s%n", ROWS, BAD, Duration.ofNanos(System.nanoTime() - begun));
            assertThat(result.exit()).as(result.text()).isEqualTo(BAD > 0 ? 1 : 0);
            rows.assertSetAside();
        }
    }
}
