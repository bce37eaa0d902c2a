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
        JobFiles.Content content = FILES.read("job.yaml", file.getBytes(StandardCharsets.UTF_8));
        if (!content.problems().isEmpty()) {
            throw new IllegalArgumentException(content.problems().get(0).display());
        }
        return content.jobs().get(0);
    }
}
