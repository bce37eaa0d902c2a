package dev.backfill.orchestrator.testing;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file system of its own, in memory and as small as a test likes: what fills it fills nothing else. Mounting one is
 * root's alone, on Linux. Closing it takes it away with all that is in it.
 */
public final class Volume implements AutoCloseable {

    private static final int BLOCK = 64 * 1024;

    private final Path path;

    private Volume(Path path) {
        this.path = path;
    }

    /** Mounts one of so many megabytes at an empty directory. */
    public static Volume mount(Path at, int megabytes) throws IOException, InterruptedException {
        ServerProcess.run("mount", "-t", "tmpfs", "-o", "size=" + megabytes + "m", "tmpfs", at.toString());
        return new Volume(at);
    }

    /** Whether this machine has what it takes. */
    public static boolean isPossible() throws IOException, InterruptedException {
        if (!System.getProperty("os.name").equals("Linux")) {
            return false;
        }
        Path directory = Files.createTempDirectory("volume");
        try {
            Volume.mount(directory, 1).close();
            return true;
        } catch (AssertionError e) {
            return false;
        } finally {
            Files.delete(directory);
        }
    }

    /** Where it is. */
    public Path path() {
        return path;
    }

    /** How many bytes are free. */
    public long free() throws IOException {
        return Files.getFileStore(path).getUsableSpace();
    }

    /** Fills it with a file of somebody else's, up to so many bytes. */
    public void fill(long left) throws IOException {
        byte[] block = new byte[BLOCK];
        try (OutputStream out = Files.newOutputStream(ballast())) {
            for (long more = free() - left; more >= BLOCK; more = free() - left) {
                out.write(block);
            }
        }
    }

    /** Removes what {@link #fill} put there. */
    public void clear() throws IOException {
        Files.delete(ballast());
    }

    private Path ballast() {
        return path.resolve("ballast");
    }

    @Override
    public void close() throws IOException {
        try {
            ServerProcess.run("umount", path.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
