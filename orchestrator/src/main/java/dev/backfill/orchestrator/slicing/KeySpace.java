package dev.backfill.orchestrator.slicing;

import dev.backfill.orchestrator.sql.KeyColumn;
import java.util.Optional;
import java.util.Set;

/** What arithmetic a key column's type allows; the arithmetic itself is the database's. */
enum KeySpace {
    /** Whole numbers. */
    INTEGER(Set.of("smallint", "integer", "bigint")),
    /** Numbers with a fraction. */
    NUMERIC(Set.of("numeric")),
    /** Sixteen bytes in their order, of which the first sixty bits count. */
    UUID(Set.of("uuid")),
    /** Days and instants. */
    TIME(Set.of("date", "timestamp without time zone", "timestamp with time zone"));

    private final Set<String> types;

    KeySpace(Set<String> types) {
        this.types = types;
    }

    /** The space of a column; empty when its type has no distances. */
    static Optional<KeySpace> of(KeyColumn column) {
        for (KeySpace space : values()) {
            if (space.types.contains(column.type())) {
                return Optional.of(space);
            }
        }
        return Optional.empty();
    }

    /** An SQL expression of the column's type for the point at a fraction of the way from {@code lo} to {@code hi}. */
    String between(KeyColumn column, String fraction) {
        String type = column.type();
        return switch (this) {
            case INTEGER ->
                "floor(lo::numeric + (hi::numeric - lo::numeric) * (%s)::numeric)::%s".formatted(fraction, type);
            case NUMERIC ->
                "CASE WHEN abs(lo) < 1e1000 AND abs(hi) < 1e1000 THEN lo + (hi - lo) * (%s)::numeric END"
                        .formatted(fraction);
            case UUID ->
                ("(lpad(to_hex(floor(%1$s::numeric + (%2$s::numeric - %1$s::numeric) * (%3$s)::numeric)::bigint), 15, '0')"
                                + " || repeat('0', 17))::uuid")
                        .formatted(bits("lo"), bits("hi"), fraction);
            case TIME ->
                type.equals("date")
                        ? "CASE WHEN isfinite(lo) AND isfinite(hi) THEN lo + floor((hi - lo) * (%s)::numeric)::integer END"
                                .formatted(fraction)
                        : "CASE WHEN isfinite(lo) AND isfinite(hi) THEN %s END".formatted(instant(type, fraction));
        };
    }

    /**
     * No interval holds the distance between the ends of the type, hence seconds since 2000-01-01, from which every
     * instant is near enough. A number of hours is exact in floating point up to there, a number of microseconds is not.
     */
    private static String instant(String type, String fraction) {
        String seconds =
                "(%1$s + (%2$s - %1$s) * (%3$s)::numeric)".formatted(sinceEpoch("lo"), sinceEpoch("hi"), fraction);
        return "'2000-01-01 00:00:00+00'::%1$s + div(%2$s, 3600)::double precision * interval '1 hour' + mod(%2$s, 3600)::double precision * interval '1 second'"
                .formatted(type, seconds);
    }

    private static String sinceEpoch(String time) {
        return "(extract(epoch FROM %s) - 946684800)".formatted(time);
    }

    private static String bits(String uuid) {
        return "('x' || left(replace(%s::text, '-', ''), 15))::bit(60)::bigint".formatted(uuid);
    }
}
