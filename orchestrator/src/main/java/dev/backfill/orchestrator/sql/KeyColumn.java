package dev.backfill.orchestrator.sql;

/**
 * A column of the key that a run goes by.
 *
 * @param name the column's name, without quotes
 * @param type its type as SQL writes it, without a length
 * @param nullable whether the column may hold NULL
 */
public record KeyColumn(String name, String type, boolean nullable) {

    private static final String TIMESTAMPTZ = "timestamp with time zone";

    /**
     * The column as it can stand in SQL.
     *
     * @return the quoted name
     */
    public String quoted() {
        return SqlName.quote(name);
    }

    /**
     * Whether the column holds instants, which a local time is only in a time zone.
     *
     * @return true for a {@code timestamptz}
     */
    public boolean isInstant() {
        return type.equals(TIMESTAMPTZ);
    }

    /**
     * The column's value as text that means the same under every session time zone.
     *
     * @return an SQL expression of type text
     */
    public String asText() {
        if (!isInstant()) {
            return quoted() + "::text";
        }
        String utc = "(" + quoted() + " AT TIME ZONE 'UTC')::text";
        return ("CASE WHEN NOT isfinite(%1$s) THEN %1$s::text WHEN %2$s LIKE '%% BC' THEN replace(%2$s, ' BC', '+00 BC')"
                        + " ELSE %2$s || '+00' END")
                .formatted(quoted(), utc);
    }
}
