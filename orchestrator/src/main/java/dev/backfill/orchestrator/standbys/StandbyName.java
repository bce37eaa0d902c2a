package dev.backfill.orchestrator.standbys;

/**
 * What a standby is known by.
 *
 * @param name its application_name
 * @param address where it comes from; empty for any, or for a socket of the same machine
 */
public record StandbyName(String name, String address) {

    @Override
    public String toString() {
        return address.isEmpty() ? name : name + " at " + address;
    }
}
