package dev.backfill.orchestrator.run;

/**
 * How far a run is, as the sums over its slices.
 *
 * @param rows what was done to rows
 * @param batches how many batches were committed
 * @param slices how many slices the present pass has
 * @param done how many of these are done
 */
public record RunProgress(Rows rows, long batches, int slices, int done) {

    /**
     * What was done to rows.
     *
     * @param scanned keys gone over, in all passes
     * @param scannedInPass keys gone over in the present pass
     * @param changed rows changed, as the server counted them
     */
    public record Rows(long scanned, long scannedInPass, long changed) {}

    /**
     * Whether every slice of the present pass is done.
     *
     * @return true when no slice is left
     */
    public boolean isDone() {
        return done == slices;
    }
}
