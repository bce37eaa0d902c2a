package dev.backfill.orchestrator.report;

import dev.backfill.orchestrator.db.Database;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What was counted of the runs of a database, by all processes. Safe for use by several threads. */
public final class TallyStore {

    /*
     * In the order of their keys: two processes that write the same rows do not wait for one another in a circle. Of a hold
     * only what lies behind the end of what is counted already is added, so that time that several processes were held
     * counts once. What one of them was held alone before that is lost: an estimate, by what is written at a time.
     */
    private static final String ADD = """
            INSERT INTO backfill.tally AS t (run, measure, amount, at)
            SELECT r.id, m.measure, m.amount, clock_timestamp() - m.ago * interval '1 s'
            FROM unnest(CAST(:runs AS text[]), CAST(:measures AS text[]), CAST(:amounts AS double precision[]),
                CAST(:agos AS double precision[])) AS m (run, measure, amount, ago)
            JOIN backfill.run r ON r.id = m.run
            ORDER BY r.id, m.measure
            ON CONFLICT (run, measure) DO UPDATE SET at = greatest(t.at, EXCLUDED.at), amount = CASE
                WHEN t.measure LIKE 'most-%' THEN greatest(t.amount, EXCLUDED.amount)
                WHEN t.measure LIKE 'held-%'
                    THEN t.amount + greatest(0, least(EXCLUDED.amount, extract(epoch FROM EXCLUDED.at - t.at)))
                ELSE t.amount + EXCLUDED.amount END
            """;

    private final Database database;

    /**
     * Over a database.
     *
     * @param database where the own tables are
     */
    public TallyStore(Database database) {
        this.database = database;
    }

    /**
     * Writes down what was counted. When that fails it counts on, and is written down the next time; where only the answer
     * was lost, it then counts twice.
     *
     * @param tallies from where it is taken
     */
    public void write(Tallies tallies) {
        Map<String, Map<String, Double>> taken = tallies.take();
        if (taken.isEmpty()) {
            return;
        }
        try {
            add(taken, tallies);
        } catch (RuntimeException e) {
            tallies.giveBack(taken);
            throw e;
        }
    }

    private void add(Map<String, Map<String, Double>> taken, Tallies tallies) {
        List<String> runs = new ArrayList<>();
        List<String> measures = new ArrayList<>();
        List<Double> amounts = new ArrayList<>();
        List<Double> agos = new ArrayList<>();
        taken.forEach((run, counted) -> counted.forEach((measure, amount) -> {
            runs.add(run);
            measures.add(measure);
            amounts.add(amount);
            agos.add(tallies.ago(run, measure));
        }));
        database.jdbi()
                .useHandle(handle -> handle.createUpdate(database.tables().sql(ADD))
                        .bindArray("runs", String.class, runs)
                        .bindArray("measures", String.class, measures)
                        .bindArray("amounts", Double.class, amounts)
                        .bindArray("agos", Double.class, agos)
                        .execute());
    }

    /**
     * What was counted of a run.
     *
     * @param run the run's id
     * @return by the measures
     */
    Map<String, Double> of(String run) {
        String sql = database.tables().sql("SELECT measure, amount FROM backfill.tally WHERE run = :run");
        return database.jdbi()
                .withHandle(handle -> new TreeMap<>(handle.createQuery(sql)
                        .bind("run", run)
                        .map((row, context) -> Map.entry(row.getString("measure"), row.getDouble("amount")))
                        .collectToMap(Map.Entry::getKey, Map.Entry::getValue)));
    }
}
