package dev.backfill.orchestrator.sql;

/** Which way a run goes through its keys, in the database's order. */
public enum KeyOrder {
    /** From the smallest to the largest. */
    ASC(" > ", " >= ", " <= "),
    /** From the largest to the smallest. */
    DESC(" < ", " <= ", " >= ");

    private final String behind;
    private final String fromOn;
    private final String upTo;

    KeyOrder(String behind, String fromOn, String upTo) {
        this.behind = behind;
        this.fromOn = fromOn;
        this.upTo = upTo;
    }

    /** The operator between a column and the key behind which it lies, with spaces. */
    public String behind() {
        return behind;
    }

    /** The operator between a column and the key at which it begins, with spaces. */
    public String fromOn() {
        return fromOn;
    }

    /** The operator between a column and the key at which it ends, with spaces. */
    public String upTo() {
        return upTo;
    }

    /** The other way. */
    public KeyOrder reversed() {
        return this == ASC ? DESC : ASC;
    }
}
