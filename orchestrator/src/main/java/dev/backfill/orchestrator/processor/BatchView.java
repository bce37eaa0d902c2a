package dev.backfill.orchestrator.processor;

import dev.backfill.api.processor.Batch;
import dev.backfill.orchestrator.batch.Change.Request;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.sql.KeyColumn;
import java.sql.Connection;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** A batch as a processor sees it. */
record BatchView(JobStatement statement, Request request, Connection connection, Instant started) implements Batch {

    @Override
    public String range() {
        return predicate(Optional.empty());
    }

    @Override
    public String range(String alias) {
        return predicate(Optional.of(alias));
    }

    private String predicate(Optional<String> alias) {
        return request.batch().range().predicate(statement.key(), alias).literal();
    }

    @Override
    public String table() {
        return statement.tableName();
    }

    @Override
    public List<String> key() {
        return statement.key().columns().stream().map(KeyColumn::name).toList();
    }

    @Override
    public long size() {
        return request.keys();
    }

    @Override
    public String job() {
        return statement.job().name();
    }

    @Override
    public String run() {
        return request.run();
    }
}
