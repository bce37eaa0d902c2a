package dev.backfill.orchestrator.registration;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.Optional;

/**
 * What is known of one file: what it looks like, since when, and which content of it was answered. Pure; the clock and
 * the looks are handed in.
 */
final class WatchedFile {

    /** How long a file has to look the same before it is read. */
    static final Duration STILL = Duration.ofSeconds(1);

    /**
     * What a file looks like without being read.
     *
     * @param real the file behind the links
     * @param identity which file it is, whatever its name
     * @param size in bytes
     * @param modified when it was written last
     */
    record Look(Path real, String identity, long size, FileTime modified) {

        /** What stands there; empty when it is no regular file. */
        static Optional<Look> at(Path file) throws IOException {
            Path real = file.toRealPath();
            BasicFileAttributes attributes =
                    Files.readAttributes(real, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            Look look = new Look(
                    real, String.valueOf(attributes.fileKey()), attributes.size(), attributes.lastModifiedTime());
            return Optional.of(look).filter(l -> attributes.isRegularFile());
        }
    }

    private Look look;
    private long since;
    private boolean done;
    private String answered = "";

    /** A file that was just seen for the first time. */
    WatchedFile(Look look, long nanos) {
        this.look = look;
        this.since = nanos;
    }

    /** Whether it should be read, when it looks like this at that time. */
    boolean isDue(Look now, long nanos) {
        if (!now.equals(look)) {
            look = now;
            since = nanos;
            done = false;
        }
        return !done && look.size() > 0 && nanos - since >= STILL.toNanos();
    }

    /** Takes what was read of it, and says whether it is other content than what was answered last. */
    boolean take(String digest) {
        boolean isNew = !digest.equals(answered);
        answered = digest;
        done = true;
        return isNew;
    }
}
