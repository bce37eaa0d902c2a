package dev.backfill.orchestrator.admin;

import dev.backfill.orchestrator.control.Cause;
import dev.backfill.orchestrator.registry.JobFiles;
import io.javalin.http.Context;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** What a request asks for. Everything it says is checked when it is read: what makes no sense is a {@link HttpProblem}. */
final class Asked {

    /** The most bytes of a body that are read. */
    static final int MAX_BYTES = JobFiles.MAX_BYTES;

    private static final int MAX_SKIPPED_BYTES = 4 * MAX_BYTES;
    private static final int MAX_LIMIT = 1_000;
    private static final int USUAL_LIMIT = 100;
    private static final int MAX_REASON = 1_000;
    private static final Pattern JOB = Pattern.compile("[a-z0-9][a-z0-9-]{0,62}");
    private static final Pattern RUN = Pattern.compile("[0-9a-f-]{36}");
    private static final Pattern NUMBER = Pattern.compile("[0-9]{1,18}");
    private static final Pattern CONTROL = Pattern.compile("\\p{Cc}|\\p{Cs}");
    private static final String REASON = "reason";

    private final Context context;
    private final Map<String, List<String>> parameters;

    /** Looks at a request that may have these parameters and no others: a mistyped one must not widen what is done. */
    Asked(Context context, String... known) {
        this.context = context;
        this.parameters = context.queryParamMap();
        Set<String> all = Set.of(known);
        parameters.forEach((name, values) -> {
            if (!all.contains(name)) {
                throw HttpProblem.badRequest("unknown parameter `" + name + "`"
                        + (all.isEmpty() ? "; there is none here" : "; there is " + String.join(", ", known)));
            } else if (values.size() != 1) {
                throw HttpProblem.badRequest("`" + name + "` is there " + values.size() + " times");
            }
        });
    }

    /** The reason that the caller gave, once it was read. */
    static Optional<String> reason(Context context) {
        return Optional.ofNullable(context.attribute(REASON));
    }

    /** Whether a text has the form of a run's id. */
    static boolean isRun(String text) {
        return RUN.matcher(text).matches();
    }

    /** The job of the path. */
    String job() {
        String job = context.pathParam("job");
        if (!JOB.matcher(job).matches()) {
            throw HttpProblem.notFound("no job has a name like this; names are made of a-z, 0-9 and -");
        }
        return job;
    }

    /** The run of the path. */
    String run() {
        String run = context.pathParam("run");
        if (!isRun(run)) {
            throw HttpProblem.notFound("no run has an id like this; ids are UUIDs in small letters");
        }
        return run;
    }

    /** A parameter. */
    Optional<String> text(String name) {
        return Optional.ofNullable(parameters.get(name)).map(values -> values.get(0));
    }

    /** The parameter {@code job}. */
    Optional<String> ofJob() {
        Optional<String> job = text("job");
        if (job.isPresent() && !JOB.matcher(job.get()).matches()) {
            throw HttpProblem.badRequest("`job` is not a job's name; names are made of a-z, 0-9 and -");
        }
        return job;
    }

    /** The parameter {@code limit}. */
    int limit() {
        String limit = text("limit").orElse(Integer.toString(USUAL_LIMIT));
        long number = NUMBER.matcher(limit).matches() ? Long.parseLong(limit) : 0;
        if (number < 1 || number > MAX_LIMIT) {
            throw HttpProblem.badRequest("`limit` must be a number from 1 to " + MAX_LIMIT);
        }
        return (int) number;
    }

    /** A number that goes on where a list was left. */
    static long number(String text) {
        if (!NUMBER.matcher(text).matches()) {
            throw HttpProblem.badRequest("`after` is not what an earlier answer gave as `next`");
        }
        return Long.parseLong(text);
    }

    /** Who wants it, and the reason in the body. */
    Cause cause() throws IOException {
        String reason = reasonIn(body());
        context.attribute(REASON, reason);
        return new Cause(Door.who(context), reason);
    }

    private static String reasonIn(byte[] body) {
        if (body.length == 0) {
            return "";
        }
        Map<String, String> texts;
        try {
            texts = Json.texts(body);
        } catch (IllegalArgumentException e) {
            throw HttpProblem.badRequest(e.getMessage() + "; it may be empty, or {\"reason\": \"...\"}");
        }
        for (String key : texts.keySet()) {
            if (!key.equals(REASON)) {
                throw HttpProblem.badRequest("unknown key `" + key + "` in the body; there is `reason`");
            }
        }
        String reason = texts.getOrDefault(REASON, "").strip();
        if (reason.length() > MAX_REASON || CONTROL.matcher(reason).find()) {
            throw HttpProblem.badRequest("`reason` must be one line of at most " + MAX_REASON + " characters");
        }
        return reason;
    }

    /** The whole body. */
    byte[] body() throws IOException {
        InputStream stream = context.bodyInputStream();
        byte[] body = stream.readNBytes(MAX_BYTES + 1);
        if (body.length > MAX_BYTES) {
            skip(stream);
            throw HttpProblem.tooLarge(MAX_BYTES);
        }
        return body;
    }

    /** A client that is still sending would not see the answer. */
    private static void skip(InputStream stream) throws IOException {
        byte[] buffer = new byte[8_192];
        int skipped = 0;
        int count = 0;
        while (count >= 0 && skipped < MAX_SKIPPED_BYTES) {
            skipped += count;
            count = stream.read(buffer);
        }
    }
}
