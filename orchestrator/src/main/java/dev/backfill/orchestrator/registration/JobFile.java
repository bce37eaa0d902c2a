package dev.backfill.orchestrator.registration;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/** A job file as it was read: an immutable value. */
public final class JobFile {

    private final String name;
    private final byte[] bytes;

    /**
     * What was read.
     *
     * @param name the file's name as it is shown to people
     * @param bytes its content; copied
     */
    public JobFile(String name, byte[] bytes) {
        this.name = name;
        this.bytes = bytes.clone();
    }

    /**
     * The file's name.
     *
     * @return as it is shown to people
     */
    public String name() {
        return name;
    }

    /**
     * The file's content.
     *
     * @return a copy
     */
    public byte[] bytes() {
        return bytes.clone();
    }

    /** SHA-256 of the content, in hexadecimal digits. */
    String digest() {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof JobFile file && name.equals(file.name) && Arrays.equals(bytes, file.bytes);
    }

    @Override
    public int hashCode() {
        return 31 * name.hashCode() + Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return name;
    }
}
