package dev.backfill.orchestrator.registration;

import dev.backfill.orchestrator.registration.WatchedFile.Look;
import dev.backfill.orchestrator.registry.JobFiles;
import dev.backfill.orchestrator.timing.Timing;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A directory of job files under watch.
 *
 * <p>Job files are the regular files, or links to such below it, that stand directly in it and end in {@code .yaml},
 * {@code .yml} or {@code .json}; hidden ones are none. A link that leads out of it is not followed. Not safe for use by several threads.
 */
public final class JobsDirectory {

    private static final Logger LOG = LoggerFactory.getLogger(JobsDirectory.class);
    private static final Pattern JOB_FILE = Pattern.compile("(?s)[^.].*\\.(yaml|yml|json)");

    private final Path directory;
    private final Timing timing;
    private final Map<Path, WatchedFile> watched = new HashMap<>();
    private final Set<Path> illegible = new HashSet<>();
    private final Set<Path> saidUnreadable = new HashSet<>();

    /**
     * Over a directory, of which nothing was seen yet.
     *
     * @param directory where the job files are
     * @param timing measures how long a file has stood still
     */
    public JobsDirectory(Path directory, Timing timing) {
        this.directory = directory;
        this.timing = timing;
    }

    /**
     * Looks at the directory; to be called about twice a second. Never throws for what the file system does: what cannot
     * be read is said in the log once, and tried again each time.
     *
     * @return the files, in the order of their names, that have stood still for a second, are not empty, and whose
     *     content is not what was answered of them last; of a file that is too long a little more than a job file may
     *     have
     */
    public List<JobFile> settled() {
        List<Path> files;
        try {
            files = jobFiles();
        } catch (IOException e) {
            sayOnce(directory, "no job file is seen", e);
            return List.of();
        }
        Set<Path> there = Set.copyOf(files);
        watched.keySet().retainAll(there);
        illegible.clear();
        saidUnreadable.retainAll(there);
        List<JobFile> settled = new ArrayList<>();
        files.forEach(file -> settled(file).ifPresent(settled::add));
        return settled;
    }

    /**
     * Whether a file was there at the last look; one that was not is answered as a new one when it comes back.
     *
     * @param file its name, as in the answers
     * @return whether it was there
     */
    public boolean holds(String file) {
        return watched.containsKey(Path.of(file));
    }

    /**
     * Whether there was something in a file at the last look, and it could be read.
     *
     * @param file its name, as in the answers
     * @return false while it is empty or cannot be read
     */
    public boolean isLegible(String file) {
        return holds(file) && !illegible.contains(Path.of(file));
    }

    private List<Path> jobFiles() throws IOException {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            for (Path entry : entries) {
                if (JOB_FILE.matcher(entry.getFileName().toString()).matches()) {
                    files.add(entry);
                }
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        files.sort(null);
        return files;
    }

    private Optional<JobFile> settled(Path file) {
        try {
            Optional<Look> look = Look.at(file);
            if (look.isPresent() && !look.get().real().startsWith(directory.toRealPath())) {
                throw new IOException("it is a link that leads out of the directory; put the file itself there");
            }
            if (look.filter(l -> l.size() == 0).isPresent()) {
                illegible.add(file);
            }
            if (look.isPresent()) {
                return settled(file, look.get());
            }
            watched.remove(file);
        } catch (NoSuchFileException e) {
            watched.remove(file);
        } catch (IOException e) {
            illegible.add(file);
            sayOnce(file, "its jobs are not registered", e);
        }
        return Optional.empty();
    }

    private Optional<JobFile> settled(Path file, Look look) throws IOException {
        long now = timing.nanos();
        WatchedFile known = watched.computeIfAbsent(file, f -> new WatchedFile(look, now));
        if (!known.isDue(look, now)) {
            return Optional.empty();
        }
        JobFile read = read(file, look);
        boolean stoodStillMeanwhile = Look.at(file).filter(look::equals).isPresent();
        saidUnreadable.remove(file);
        return Optional.of(read).filter(r -> stoodStillMeanwhile && known.take(r.digest()));
    }

    private static JobFile read(Path file, Look look) throws IOException {
        try (InputStream in = Files.newInputStream(look.real())) {
            return new JobFile(file.toString(), in.readNBytes(JobFiles.MAX_BYTES + 1));
        }
    }

    private void sayOnce(Path path, String consequence, IOException e) {
        if (saidUnreadable.add(path)) {
            LOG.atWarn()
                    .log(
                            "{} cannot be read, so {}: {}. What is registered stays; it is tried again",
                            path,
                            consequence,
                            why(e));
        }
    }

    private static String why(IOException e) {
        if (e instanceof AccessDeniedException) {
            return "permission denied; let the user that runs this daemon read it";
        }
        if (e instanceof NoSuchFileException || e instanceof NotDirectoryException) {
            return "there is no such directory; create it";
        }
        return String.valueOf(e.getMessage());
    }
}
