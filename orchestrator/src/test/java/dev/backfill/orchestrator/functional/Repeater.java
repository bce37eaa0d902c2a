package dev.backfill.orchestrator.functional;

import dev.backfill.api.processor.Batch;
import dev.backfill.api.processor.Processor;
import java.sql.SQLException;
import java.sql.Statement;

/** Counts each row up by one that was not counted yet. Stands in a plugin alone, so it is one class. */
public final class Repeater implements Processor {

    @Override
    public long process(Batch batch) throws SQLException {
        try (Statement statement = batch.connection().createStatement()) {
            return statement.executeUpdate(
                    "UPDATE %s SET n = n + 1 WHERE n = 0 AND %s".formatted(batch.table(), batch.range()));
        }
    }
}
