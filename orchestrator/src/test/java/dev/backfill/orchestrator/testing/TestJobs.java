package dev.backfill.orchestrator.testing;

import dev.backfill.orchestrator.registry.JobFiles;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.schedule.CronTimes;
import java.nio.charset.StandardCharsets;

/** Small jobs as they are read from files. */
public final class TestJobs {

    /** Reads job files. */
    public static final JobFiles FILES = new JobFiles(CronTimes::problem);

    private TestJobs() {}

    /** A job on the table public.orders, with further lines of its file. */
    public static LoadedJob job(String name, String... lines) {
        String file = """
                version: 1
                job: %s
                table: public.orders
                range: { by: id }
                update: { set: { cents: "1" }, where: cents IS NULL }
                """.formatted(name) + String.join("\n", lines);
        return read("job.yaml", file);
    }

    /** A job on any table, whose file is called {@code f} and has the range in its fourth line, the work below. */
    public static LoadedJob on(String table, String range, String work) {
        return read("f", "version: 1\njob: a\ntable: " + table + "\nrange: " + range + "\n" + work + "\n");
    }

    private static LoadedJob read(String name, String file) {
        JobFiles.Content content = FILES.read(name, file.getBytes(StandardCharsets.UTF_8));
        if (!content.problems().isEmpty()) {
            throw new IllegalArgumentException(content.problems().get(0).display());
        }
        return content.jobs().get(0);
    }
}
