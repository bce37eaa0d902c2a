package dev.backfill.orchestrator.policy;

import java.net.InetAddress;
import java.util.List;
import java.util.Set;

/**
 * The signals that the configuration of a database defines by names.
 *
 * @param signals each of another name
 * @param linkLocal the addresses of the machine's own link that may be asked
 */
public record Outside(List<OutsideSignal> signals, Set<InetAddress> linkLocal) {

    /** Copies the collections. */
    public Outside {
        signals = List.copyOf(signals);
        linkLocal = Set.copyOf(linkLocal);
    }
}
