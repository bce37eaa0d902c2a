package dev.backfill.orchestrator.operate;

import dev.backfill.orchestrator.client.AdminClient;
import dev.backfill.orchestrator.client.ExitCode;
import dev.backfill.orchestrator.client.RefusedException;
import dev.backfill.orchestrator.client.StoppedException;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** A command that changes something of a job's runs, in each of its databases or in one, and tells how they are then. */
abstract class JobCommand extends AdminCommand {

    private static final String RUNS = "runs";
    private static final String REFUSED = "refused";
    private static final String DATABASE = "database";

    @Parameters(index = "0", paramLabel = "JOB", description = "The job's name.")
    @SuppressWarnings("NullAway.Init")
    private String job;

    @Option(
            names = "--database",
            paramLabel = "NAME",
            description = "Only in this database, by its name in the daemon's configuration.")
    private Optional<String> database = Optional.empty();

    /**
     * Has it changed.
     *
     * @param path makes the path of a part of the job
     * @param lists the members of the answer
     */
    abstract JsonNode change(AdminClient client, Path path, String... lists) throws RefusedException, StoppedException;

    /** What is said of a database where it was done, before the state of the run. */
    abstract String done();

    /** The path of a part of the job, in the databases that are meant. */
    interface Path {
        String of(String part);
    }

    @Override
    String interrupted() {
        return " before the daemon answered; `backfill show " + job + "` tells what became of it";
    }

    @Override
    final ExitCode ask(AdminClient client) throws RefusedException, StoppedException {
        String path = AdminClient.job(job, "");
        String where =
                database.map(name -> "?database=" + AdminClient.encoded(name)).orElse("");
        JsonNode answer;
        try {
            answer = change(client, part -> path + part + where, RUNS, REFUSED);
        } catch (RefusedException e) {
            throw inWords(e);
        }
        return tell(answer);
    }

    private ExitCode tell(JsonNode answer) {
        JsonNode refused = answer.path(REFUSED);
        if (isJson()) {
            tellJson(answer);
        } else {
            Set<String> not = refused.valueStream()
                    .map(each -> Shown.text(each, DATABASE))
                    .collect(Collectors.toSet());
            answer.path(RUNS)
                    .valueStream()
                    .filter(run -> database.isEmpty()
                            || database.get().equals(run.path(DATABASE).asString("")))
                    .filter(run -> !not.contains(Shown.text(run, DATABASE)))
                    .forEach(this::tellRun);
        }
        refused.forEach(each -> err("job " + job + ", database " + Shown.text(each, DATABASE) + ": refused: "
                + Shown.text(each, "detail")));
        return refused.isEmpty() ? ExitCode.DONE : ExitCode.UNREACHABLE;
    }

    private void tellRun(JsonNode run) {
        Shown shown = shown();
        JsonNode hold = run.path("hold");
        out().println("job " + job + ", database " + Shown.text(run, DATABASE) + ": " + done() + shown.state(run)
                + (hold.isObject() ? ", held by " + shown.hold(run) + ": " + Shown.text(hold, "detail") : ""));
    }

    /** As one says it in a terminal. */
    private static RefusedException inWords(RefusedException e) {
        String name = e.problem().path(DATABASE).asString("");
        String message = String.valueOf(e.getMessage()).replace("?database=", "--database ");
        return e.saying(name.isEmpty() ? message : message + "; this is database " + name);
    }
}
