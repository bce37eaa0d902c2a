package dev.backfill.orchestrator.standbys;

import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.run.EventStore;
import java.util.List;

/** The standbys that are expected because they were seen, whoever saw them. Safe for use by several threads. */
public final class StandbyStore {

    private final Database database;

    /**
     * Over a database.
     *
     * @param database where the own tables are
     */
    public StandbyStore(Database database) {
        this.database = database;
    }

    /**
     * The expected standbys.
     *
     * @return in no order
     */
    public List<StandbyName> all() {
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(
                                database.tables().sql("SELECT name, address FROM backfill.standby"))
                        .map((row, context) -> new StandbyName(row.getString("name"), row.getString("address")))
                        .list());
    }

    /**
     * Expects a standby from now on.
     *
     * @param standby what it is known by
     */
    public void expect(StandbyName standby) {
        String sql = "INSERT INTO backfill.standby (name, address) VALUES (:name, :address) ON CONFLICT DO NOTHING";
        database.jdbi()
                .useHandle(handle -> handle.createUpdate(database.tables().sql(sql))
                        .bind("name", standby.name())
                        .bind("address", standby.address())
                        .execute());
    }

    /**
     * Forgets every standby of a name: it is gone for good.
     *
     * @param name its application_name
     * @param events where it is written down, in the name of who wants it
     * @param reason why
     * @return false when none of that name was expected
     */
    public boolean forget(String name, EventStore events, String reason) {
        String sql = database.tables().sql("DELETE FROM backfill.standby WHERE name = :name");
        return database.jdbi().inTransaction(handle -> {
            boolean known = handle.createUpdate(sql).bind("name", name).execute() > 0;
            if (known) {
                events.standbyForgotten(handle, name, reason);
            }
            return known;
        });
    }
}
