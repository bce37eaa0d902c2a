package dev.backfill.orchestrator.addresses;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Addresses of this machine's own link, where clouds tell whoever asks what the machine may do. Nobody is sent to them, but
 * to those that are listed.
 *
 * @param allowed those that are listed
 */
public record LinkLocal(Set<InetAddress> allowed) {

    private static final Pattern IPV4 = Pattern.compile("[0-9]{1,3}(\\.[0-9]{1,3}){3}");
    private static final Pattern IPV6 = Pattern.compile("[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");

    /** Where clouds tell it besides: Amazon by IPv6, Alibaba, Oracle. */
    private static final Set<InetAddress> METADATA = Stream.of("fd00:ec2::254", "100.100.100.200", "192.0.0.192")
            .map(LinkLocal::literal)
            .collect(Collectors.toUnmodifiableSet());

    private static final int IPV4_BYTES = 4;

    /** An IPv4 address in IPv6: compatible with it, and translated to it. */
    private static final Set<String> PREFIXES = Set.of("0".repeat(24), "0064ff9b" + "0".repeat(16));

    /** Copies the set. */
    public LinkLocal {
        allowed = Set.copyOf(allowed);
    }

    /**
     * Reads an address.
     *
     * @param text in digits
     * @return the address; nobody is asked for it
     * @throws IllegalArgumentException when it is none
     */
    public static InetAddress literal(String text) {
        if (IPV4.matcher(text).matches() || IPV6.matcher(text).matches()) {
            try {
                return InetAddress.getByName(text);
            } catch (UnknownHostException e) {
                throw new IllegalArgumentException(text + " is no address", e);
            }
        }
        throw new IllegalArgumentException(text + " is no address");
    }

    /**
     * Whether nobody is sent to an address.
     *
     * @param address any
     * @return true for one of the link or of a cloud's metadata that is not listed
     */
    public boolean refuses(InetAddress address) {
        InetAddress plain = unwrapped(address);
        return (plain.isLinkLocalAddress() || METADATA.contains(plain))
                && !allowed.contains(plain)
                && !allowed.contains(address);
    }

    private static InetAddress unwrapped(InetAddress address) {
        byte[] bytes = address.getAddress();
        int prefix = bytes.length - IPV4_BYTES;
        if (prefix == 0 || !PREFIXES.contains(hex(Arrays.copyOf(bytes, prefix)))) {
            return address;
        }
        try {
            return InetAddress.getByAddress(Arrays.copyOfRange(bytes, prefix, bytes.length));
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String hex(byte[] bytes) {
        StringBuilder hex = new StringBuilder();
        for (byte b : bytes) {
            hex.append(Character.forDigit(b >> 4 & 15, 16)).append(Character.forDigit(b & 15, 16));
        }
        return hex.toString();
    }
}
