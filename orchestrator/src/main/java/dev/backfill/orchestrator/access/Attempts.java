package dev.backfill.orchestrator.access;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Failed attempts to come in, by the addresses that they come from: after {@value #MOST} an address has to wait, longer
 * each time that it goes on. It remembers a thousand addresses; of an IPv6 address only the network counts. Safe for use
 * by several threads.
 */
public final class Attempts {

    /** How many failures an address has before it has to wait. */
    public static final int MOST = 10;

    private static final int ADDRESSES = 1_000;
    private static final int IPV6_BYTES = 16;
    private static final int NETWORK_BYTES = 8;
    private static final Duration FIRST_WAIT = Duration.ofSeconds(1);
    private static final Duration LONGEST_WAIT = Duration.ofMinutes(1);
    private static final Duration FORGOTTEN_AFTER = Duration.ofMinutes(5);
    private static final int MOST_DOUBLINGS = 6;

    /**
     * The failures of an address.
     *
     * @param count how many
     * @param last when the last one was counted
     */
    private record Failures(int count, long last) {

        Duration toWait() {
            if (count < MOST) {
                return Duration.ZERO;
            }
            Duration wait = FIRST_WAIT.multipliedBy(1L << Math.min(count - MOST, MOST_DOUBLINGS));
            return wait.compareTo(LONGEST_WAIT) < 0 ? wait : LONGEST_WAIT;
        }
    }

    /**
     * What came of a failure.
     *
     * @param counted whether it was counted, which it is not while the address has to wait
     * @param toWait how long the address has to wait now; zero while it has not failed often
     */
    public record Outcome(boolean counted, Duration toWait) {}

    private final LongSupplier nanos;
    private final Map<String, Failures> byAddress = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Failures> eldest) {
            return size() > ADDRESSES;
        }
    };

    /**
     * Over a clock.
     *
     * @param nanos a time that only goes forward, in nanoseconds
     */
    public Attempts(LongSupplier nanos) {
        this.nanos = nanos;
    }

    /**
     * Counts a failure, unless the address has to wait anyway.
     *
     * @param address an IP address in text
     * @return what came of it
     */
    public synchronized Outcome failed(String address) {
        String network = network(address);
        long now = nanos.getAsLong();
        Failures before = byAddress.getOrDefault(network, new Failures(0, now));
        Duration since = Duration.ofNanos(now - before.last());
        Duration left = before.toWait().minus(since);
        if (left.compareTo(Duration.ZERO) > 0) {
            return new Outcome(false, left);
        }
        int count = since.compareTo(FORGOTTEN_AFTER) < 0 ? before.count() + 1 : 1;
        Failures after = new Failures(count, now);
        byAddress.put(network, after);
        return new Outcome(true, after.toWait());
    }

    private static String network(String address) {
        try {
            byte[] bytes = InetAddress.getByName(address).getAddress();
            return bytes.length == IPV6_BYTES ? HexFormat.of().formatHex(Arrays.copyOf(bytes, NETWORK_BYTES)) : address;
        } catch (UnknownHostException e) {
            return address;
        }
    }
}
