package dev.backfill.orchestrator.slicing;

import dev.backfill.orchestrator.batch.Statements;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyColumn;
import dev.backfill.orchestrator.sql.KeyColumns;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.sql.SqlFragment;
import java.math.BigDecimal;
import java.math.MathContext;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Keys of some pages of a table, for what cannot be reckoned: any type, any distribution, without statistics.
 *
 * @param statement the job on its table
 */
record KeySample(JobStatement statement) {

    /** Of whole pages, hence more than the number of keys that are needed. */
    private static final long ROWS = 10_000;

    /**
     * Draws a sample.
     *
     * @param connection any session
     * @param range the rows that count
     * @param tableRows about how many rows the whole table has
     * @return distinct keys in the run's order, without the last key of the range; whole keys where an index holds them
     * @throws SQLException when the query fails
     */
    List<Key> keys(Connection connection, KeyRange range, long tableRows) throws SQLException {
        KeyColumns key = statement.key();
        List<KeyColumn> columns = key.indexed() ? key.columns() : List.of(key.first());
        BigDecimal percent = BigDecimal.valueOf(100 * ROWS)
                .divide(BigDecimal.valueOf(Math.max(ROWS, tableRows)), MathContext.DECIMAL32);
        String names = columns.stream().map(KeyColumn::quoted).collect(Collectors.joining(", "));
        SqlFragment sql = SqlFragment.builder()
                .code("SELECT " + columns.stream().map(KeyColumn::asText).collect(Collectors.joining(", ")))
                .code(" FROM (SELECT DISTINCT " + names + " FROM ")
                .code(statement.tableName())
                .code(" AS t TABLESAMPLE SYSTEM (" + percent.toPlainString() + ") WHERE ")
                .add(range.predicate(key, Optional.empty()))
                .add(isNot(range.upTo(), columns))
                .code(") AS t")
                .code(KeyColumns.orderBy(columns, range.order(key)))
                .build();
        return Statements.keys(connection, sql);
    }

    /** Equal is what the database calls equal: such as 1.0 and 1.00. */
    private static SqlFragment isNot(Key last, List<KeyColumn> columns) {
        SqlFragment.Builder sql = SqlFragment.builder();
        if (last.parts().size() < columns.size()) {
            return sql.build(); // it stands for a group, whose keys lie before its end
        }
        sql.code(" AND (");
        for (int i = 0; i < columns.size(); i++) {
            sql.code(i == 0 ? "" : " OR ")
                    .code(columns.get(i).quoted())
                    .code(" IS DISTINCT FROM ")
                    .bind(last.parts().get(i), columns.get(i).type());
        }
        return sql.code(")").build();
    }
}
