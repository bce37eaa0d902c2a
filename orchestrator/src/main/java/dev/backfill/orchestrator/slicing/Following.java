package dev.backfill.orchestrator.slicing;

import dev.backfill.orchestrator.run.Passes.Followed;
import java.time.Duration;
import java.util.Optional;

/** For how long a run follows the rows that come in: until it is close behind them, or cannot come closer. Pure. */
public final class Following {

    /** A round that took less is as good as none: the rows that came in meanwhile are that young. */
    public static final Duration CLOSE = Duration.ofSeconds(5);

    /** So many rounds in a row that were no shorter: the table grows as fast as the run goes. */
    private static final int MOST_IN_VAIN = 3;

    private Following() {}

    /**
     * Whether one more round is to be made.
     *
     * @param followed how far the run has followed; its last round is done
     * @return what it will have done with the next round; empty when the last was close enough, or more are in vain
     */
    public static Optional<Followed> next(Followed followed) {
        int rounds = followed.rounds() + 1;
        Duration took = followed.present();
        if (followed.rounds() == 0) {
            return Optional.of(new Followed(rounds, Duration.ZERO, Duration.ZERO, 0));
        } else if (took.compareTo(CLOSE) < 0) {
            return Optional.empty();
        } else if (followed.rounds() == 1 || took.compareTo(followed.shortest()) < 0) {
            return Optional.of(new Followed(rounds, Duration.ZERO, took, 0));
        }
        int inVain = followed.noShorter() + 1;
        return inVain >= MOST_IN_VAIN
                ? Optional.empty()
                : Optional.of(new Followed(rounds, Duration.ZERO, followed.shortest(), inVain));
    }
}
