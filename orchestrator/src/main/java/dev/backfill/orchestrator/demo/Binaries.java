package dev.backfill.orchestrator.demo;

import dev.backfill.orchestrator.timing.Stop;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;
import java.util.Set;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/** The programs of PostgreSQL, as they come with this one. */
final class Binaries {

    private static final Set<PosixFilePermission> PROGRAM = PosixFilePermissions.fromString("rwxr-xr-x");
    private static final int EXECUTABLE = 0100;

    private Binaries() {}

    /** Unpacks them, unless asked to stop. */
    static void unpack(Path directory, Stop stop) throws IOException {
        String name = archive(System.getProperty("os.name", ""), System.getProperty("os.arch", ""));
        try (InputStream packed = Binaries.class.getResourceAsStream("/" + name)) {
            if (packed == null) {
                throw new IOException("this build holds no PostgreSQL for this machine (" + name + "); build it here");
            }
            unpack(new TarArchiveInputStream(new XZInputStream(new BufferedInputStream(packed))), directory, stop);
        }
    }

    /** How the archive for a system and a machine is called. */
    static String archive(String system, String machine) {
        String os = system.toLowerCase(Locale.ROOT).startsWith("mac") ? "darwin" : "linux";
        String architecture = switch (machine) {
            case "aarch64", "arm64" -> "arm_64";
            default -> "x86_64";
        };
        return "postgres-" + os + "-" + architecture + ".txz";
    }

    private static void unpack(TarArchiveInputStream archive, Path directory, Stop stop) throws IOException {
        for (TarArchiveEntry entry = archive.getNextEntry(); entry != null; entry = archive.getNextEntry()) {
            Programs.goOnUnless(stop);
            Path file = directory.resolve(entry.getName()).normalize();
            if (!file.startsWith(directory)) {
                throw new IOException("the archive leaves its directory: " + entry.getName());
            }
            if (entry.isDirectory()) {
                Files.createDirectories(file);
            } else {
                Files.createDirectories(file.getParent());
                write(archive, entry, file);
            }
        }
    }

    private static void write(InputStream content, TarArchiveEntry entry, Path file) throws IOException {
        if (entry.isSymbolicLink()) {
            Files.createSymbolicLink(file, Path.of(entry.getLinkName()));
        } else if (entry.isLink()) {
            throw new IOException("the archive holds a hard link: " + entry.getName());
        } else {
            Files.copy(content, file);
            if ((entry.getMode() & EXECUTABLE) != 0) {
                Files.setPosixFilePermissions(file, PROGRAM);
            }
        }
    }
}
