package dev.backfill.orchestrator.batch;

import dev.backfill.orchestrator.db.OwnTables;
import dev.backfill.orchestrator.db.Stored;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyRange;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A part of a range, and about how many keys lie in it. Where that is known, nobody has to go over the keys to find where a
 * batch of them ends.
 *
 * @param range the part
 * @param keys how many were there when they were gone over last; {@link Long#MAX_VALUE} when nobody knows
 */
public record KnownPart(KeyRange range, long keys) {

    private static final String SLICES = "SELECT %s AS \"from\", %s AS \"to\", rows_scanned"
                    .formatted(Stored.select("\"from\""), Stored.select("\"to\""))
            + " FROM backfill.slice WHERE run = ? AND pass = ?";

    /**
     * A range of which nothing is known.
     *
     * @param range the range
     * @return it as one part
     */
    public static KnownPart unknown(KeyRange range) {
        return new KnownPart(range, Long.MAX_VALUE);
    }

    /**
     * The slices of a run that lie in a range one behind the other.
     *
     * @param tables where the own tables are
     * @param connection any session
     * @param run the run
     * @param whole the range, from where its first slice begins
     * @return parts that make up the whole range, in its order; one of which nothing is known where slices do not
     * @throws SQLException when the query fails
     */
    public static List<KnownPart> of(OwnTables tables, Connection connection, Run run, KeyRange whole)
            throws SQLException {
        Map<Optional<Key>, KnownPart> slices = new HashMap<>();
        try (PreparedStatement query = connection.prepareStatement(tables.sql(SLICES))) {
            query.setString(1, run.id());
            query.setInt(2, run.pass());
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    Optional<Key> from = Stored.read(row, "from");
                    KeyRange.Lower lower =
                            from.<KeyRange.Lower>map(KeyRange.After::new).orElse(whole.lower());
                    Key to = Stored.read(row, "to").orElseThrow();
                    slices.put(from, new KnownPart(new KeyRange(lower, to), row.getLong("rows_scanned")));
                }
            }
        }
        return chain(slices, whole);
    }

    private static List<KnownPart> chain(Map<Optional<Key>, KnownPart> slices, KeyRange whole) {
        List<KnownPart> parts = new ArrayList<>();
        KnownPart next = slices.remove(Optional.<Key>empty());
        while (next != null) {
            parts.add(next);
            Key to = next.range().upTo();
            if (to.equals(whole.upTo())) {
                return parts;
            }
            next = slices.remove(Optional.of(to));
        }
        return List.of(unknown(whole));
    }

    /**
     * What is left behind a batch.
     *
     * @param end where the batch ended
     * @return the rest of the part
     */
    public KnownPart behind(KeySearch.End end) {
        KeyRange rest = new KeyRange(new KeyRange.After(end.key()), range.upTo());
        return keys == Long.MAX_VALUE ? unknown(rest) : new KnownPart(rest, Math.max(0, keys - end.keys()));
    }
}
