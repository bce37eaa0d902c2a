package dev.backfill.orchestrator.operate;

import dev.backfill.orchestrator.client.AdminClient;
import dev.backfill.orchestrator.client.AdminClient.Registered;
import dev.backfill.orchestrator.client.ExitCode;
import dev.backfill.orchestrator.client.RefusedException;
import dev.backfill.orchestrator.client.StoppedException;
import dev.backfill.orchestrator.registry.JobFiles;
import dev.backfill.orchestrator.registry.Problem;
import dev.backfill.orchestrator.words.PlainText;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Registers the jobs of files. */
@Command(
        name = "apply",
        description = {
            "Registers the jobs of files with a daemon, or new revisions of them.",
            "The same content again changes nothing. The files are checked first, and when one has a problem nothing is sent."
                    + " Exit code 2 when there is a problem, also one that only the daemon finds, by the tables; 4 when the"
                    + " daemon or a database does not answer."
        },
        mixinStandardHelpOptions = true)
public final class ApplyCommand extends AdminCommand {

    private final Function<String, Optional<String>> cronProblem;

    @Parameters(paramLabel = "FILE", arity = "1..*", description = "Job files.")
    @SuppressWarnings("NullAway.Init")
    private List<Path> files;

    /**
     * Without files yet.
     *
     * @param cronProblem what is wrong with a cron expression, or nothing
     */
    public ApplyCommand(Function<String, Optional<String>> cronProblem) {
        this.cronProblem = cronProblem;
    }

    @Override
    String interrupted() {
        return "; apply the same files again: what was registered is unchanged then";
    }

    @Override
    ExitCode ask(AdminClient client) throws StoppedException {
        JobFiles reader = new JobFiles(cronProblem);
        List<JobText> jobs = new ArrayList<>();
        boolean valid = true;
        for (Path file : files) {
            valid &= read(reader, file, jobs);
        }
        valid &= isEachOnce(jobs);
        return valid ? apply(client, jobs) : ExitCode.INVALID;
    }

    private boolean read(JobFiles reader, Path file, List<JobText> jobs) {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(JobFiles.MAX_BYTES + 1);
        } catch (NoSuchFileException e) {
            err(file + ": no such file");
            return false;
        } catch (AccessDeniedException e) {
            err(file + ": may not be read by this user");
            return false;
        } catch (IOException e) {
            err(file + ": cannot be read: " + e.getMessage());
            return false;
        }
        JobFiles.Content content = reader.read(file.toString(), bytes);
        content.problems().forEach(this::tell);
        if (content.problems().isEmpty()) {
            jobs.addAll(JobText.of(bytes, content.jobs()));
        }
        return content.problems().isEmpty();
    }

    /** In one file this is seen to already. */
    private boolean isEachOnce(List<JobText> jobs) {
        Map<String, JobText> first = new HashMap<>();
        boolean once = true;
        for (JobText job : jobs) {
            JobText before = first.putIfAbsent(job.name(), job);
            if (before != null) {
                String hint = "the first is in " + before.job().locations().file();
                tell(job.job().problem("/job", "two jobs of this name: " + job.name(), hint));
                once = false;
            }
        }
        return once;
    }

    private ExitCode apply(AdminClient client, List<JobText> jobs) throws StoppedException {
        ObjectNode told = JsonMapper.shared().createObjectNode();
        ArrayNode registered = told.putArray("jobs");
        ArrayNode refused = told.putArray("refused");
        ExitCode worst = ExitCode.DONE;
        boolean answers = true;
        for (JobText job : jobs) {
            if (answers) {
                ExitCode code;
                try {
                    Registered done = client.put(AdminClient.job(job.name(), ""), job.text(), "warnings", "away");
                    registered.add(done.answer());
                    code = tell(job, done);
                } catch (RefusedException e) {
                    code = tellRefused(job, e, refused);
                    answers = e.problem().isObject(); // else there is nobody who could take the others
                }
                worst = code.compareTo(worst) > 0 ? code : worst;
            } else {
                err("job " + job.name() + ": not sent");
            }
        }
        if (isJson()) {
            tellJson(told);
        }
        return worst;
    }

    private ExitCode tell(JobText job, Registered done) {
        JsonNode answer = done.answer();
        if (!isJson()) {
            String revision = "revision " + Shown.text(answer, "revision");
            out().println("job " + job.name() + ": " + became(done) + revision);
            answer.path("warnings")
                    .forEach(warning -> out().println("  warning: " + PlainText.of(warning.asString(""))));
        }
        JsonNode away = answer.path("away");
        away.forEach(database -> err("job " + job.name() + ": not registered in database "
                + Shown.text(database, "database") + ", which does not answer; apply it again once it does: "
                + Shown.text(database, "detail")));
        return away.isEmpty() ? ExitCode.DONE : ExitCode.UNREACHABLE;
    }

    private static String became(Registered done) {
        if (done.isNew()) {
            return "registered, ";
        }
        return done.answer().path("changed").asBoolean(false) ? "new " : "unchanged, ";
    }

    private ExitCode tellRefused(JobText job, RefusedException e, ArrayNode refused) {
        if (e.problem() instanceof ObjectNode problem) {
            refused.addObject().put("job", job.name()).setAll(problem);
        }
        JsonNode problems = e.problem().path("problems");
        if (problems.isEmpty()) {
            err("job " + job.name() + ": " + e.getMessage());
        }
        problems.forEach(said -> tell(job.problem(said)));
        return e.exitCode() == ExitCode.INVALID.code() ? ExitCode.INVALID : ExitCode.UNREACHABLE;
    }

    private void tell(Problem problem) {
        errLine(problem.display());
    }
}
