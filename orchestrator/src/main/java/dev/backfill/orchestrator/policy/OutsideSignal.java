package dev.backfill.orchestrator.policy;

import java.net.URI;
import java.time.Duration;
import java.util.Optional;

/**
 * A signal that the configuration defines by a name.
 *
 * @param word its name: in the configuration, in jobs, messages and metrics
 * @param asked what is asked, and whom
 * @param every how often, while runs move
 * @param staleAfter how old an answer may be
 */
public record OutsideSignal(String word, Asked asked, Duration every, Duration staleAfter) {

    /** What is asked, and whom. */
    public sealed interface Asked {}

    /**
     * The database itself.
     *
     * @param query one statement, which answers one number
     */
    public record Sql(String query) implements Asked {}

    /**
     * A Prometheus server.
     *
     * @param url where it is, without the path of its API
     * @param query an instant query, which answers one sample
     * @param token says who asks; empty for nobody in particular
     */
    public record Prometheus(URI url, String query, Optional<String> token) implements Asked {
        @Override
        public String toString() {
            return "Prometheus[" + query + "]"; // the rest may hold secrets
        }
    }

    /**
     * Any server.
     *
     * @param url what is asked for
     * @param token says who asks; empty for nobody in particular
     */
    public record Http(URI url, Optional<String> token) implements Asked {
        @Override
        public String toString() {
            return "Http[]"; // all of it may be secret
        }
    }
}
