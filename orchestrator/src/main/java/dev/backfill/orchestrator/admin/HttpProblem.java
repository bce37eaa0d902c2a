package dev.backfill.orchestrator.admin;

import dev.backfill.orchestrator.registry.Problem;
import dev.backfill.orchestrator.run.RunState;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Why a request is not done, as the caller reads it.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9457">RFC 9457, Problem Details for HTTP APIs</a>
 */
final class HttpProblem extends RuntimeException {

    static final String TYPE = "application/problem+json";

    private static final long serialVersionUID = 1L;
    private static final Duration RETRY_AFTER = Duration.ofSeconds(5);

    private final int status;
    private final String title;
    private final transient Json more;
    private final Duration retryAfter;

    private HttpProblem(int status, String title, String detail, Json more) {
        this(status, title, detail, more, Duration.ZERO);
    }

    private HttpProblem(int status, String title, String detail, Json more, Duration retryAfter) {
        super(detail, null, false, false);
        this.status = status;
        this.title = title;
        this.more = more;
        this.retryAfter = retryAfter;
    }

    /** The request makes no sense. */
    static HttpProblem badRequest(String detail) {
        return new HttpProblem(400, "Bad request", detail, Json.empty());
    }

    /** Whoever asks has to say who it is. */
    static HttpProblem unauthorized(String detail) {
        return new HttpProblem(401, "Unauthorized", detail, Json.empty());
    }

    /** Too many tokens that nobody has came from there. */
    static HttpProblem tooManyFailures(Duration wait) {
        long seconds = wait.plus(Duration.ofSeconds(1)).minusNanos(1).toSeconds();
        String detail = "too many tokens that are not known came from this address; the next is looked at in " + seconds
                + " s, and one that is known at any time";
        return new HttpProblem(429, "Too many failures", detail, Json.empty(), Duration.ofSeconds(seconds));
    }

    /** The body is of a type that is not read. */
    static HttpProblem wrongType(String detail) {
        return new HttpProblem(415, "Unsupported media type", detail, Json.empty());
    }

    /** The request comes from where none may come from, or from somebody who may not do this. */
    static HttpProblem forbidden(String detail) {
        return new HttpProblem(403, "Forbidden", detail, Json.empty());
    }

    /** There is no such thing. */
    static HttpProblem notFound(String detail) {
        return new HttpProblem(404, "Not found", detail, Json.empty());
    }

    /** The state of a job's run does not allow it. */
    static HttpProblem notAllowed(String database, Optional<RunState> state, String detail) {
        Json more = Json.of("state", state).put("database", database);
        return new HttpProblem(409, "Not allowed in this state", detail, more);
    }

    /** No path has such a method, or the request names two. */
    static HttpProblem noMethod() {
        String detail = "ask with GET, POST, PUT, PATCH or DELETE, and name the method nowhere else";
        return new HttpProblem(405, "Method not allowed", detail, Json.empty());
    }

    /** What is there is not what whoever asks had seen. */
    static HttpProblem overtaken(String detail) {
        return new HttpProblem(412, "Precondition failed", detail, Json.empty());
    }

    /** The body has more bytes than are read. */
    static HttpProblem tooLarge(int most) {
        String detail = "the body has more than " + most + " bytes";
        return new HttpProblem(413, "Body too large", detail, Json.empty());
    }

    /** The job cannot be registered as it is. */
    static HttpProblem unfit(List<Problem> problems) {
        List<Json> each = problems.stream()
                .map(problem -> Json.of("line", problem.line())
                        .put("column", problem.column())
                        .put("message", problem.message())
                        .put("hint", problem.hint()))
                .toList();
        String detail = problems.get(0).display() + (each.size() > 1 ? ", and " + (each.size() - 1) + " more" : "");
        return new HttpProblem(422, "The job does not fit", detail, Json.of("problems", each));
    }

    /** A database cannot be asked now. */
    static HttpProblem away(String detail) {
        return away(detail, Json.empty());
    }

    /** A database cannot be asked now. */
    static HttpProblem away(String detail, Json more) {
        return new HttpProblem(503, "Database away", detail, more, RETRY_AFTER);
    }

    /** There are too many who ask for it. */
    static HttpProblem busy(String detail) {
        return new HttpProblem(503, "Too many clients", detail, Json.empty(), RETRY_AFTER);
    }

    /** A fault of this program; the log has it. */
    static HttpProblem fault() {
        String detail = "a fault of the program; its log says more";
        return new HttpProblem(500, "Internal error", detail, Json.empty());
    }

    /** What the HTTP server itself refuses. */
    static HttpProblem malformed(int status) {
        return status >= 500 && status != 505
                ? fault()
                : new HttpProblem(status, "Bad request", "this is no request that can be read", Json.empty());
    }

    /**
     * What is the matter with a request that ended in an exception.
     *
     * @return empty when it is a fault of this program
     */
    static Optional<HttpProblem> of(Exception exception, Context context) {
        if (exception instanceof HttpProblem problem) {
            return Optional.of(problem);
        } else if (exception instanceof HttpResponseException refused && refused.getStatus() == 404) {
            return Optional.of(notFound("nothing is served at " + context.path()));
        } else if (exception instanceof HttpResponseException refused && refused.getStatus() == 405) {
            return Optional.of(wrongMethod(refused, context));
        } else if (exception instanceof HttpResponseException refused && refused.getStatus() < 500) {
            return Optional.of(malformed(refused.getStatus()));
        } else if (exception instanceof IOException) {
            return Optional.of(badRequest("the request broke off"));
        }
        return Optional.empty();
    }

    private static HttpProblem wrongMethod(HttpResponseException refused, Context context) {
        String methods = String.join("", refused.getDetails().values());
        String allow = String.join(", ", new TreeSet<>(List.of(methods.split("\\s*,\\s*"))));
        context.header("Allow", allow);
        String detail = context.method() + " is not served at " + context.path() + "; " + allow + " is";
        return new HttpProblem(405, "Method not allowed", detail, Json.empty());
    }

    /** The status of the answer. */
    int status() {
        return status;
    }

    /** The body of the answer. */
    Json body() {
        return Json.of("title", title)
                .put("detail", String.valueOf(getMessage()))
                .put("status", status)
                .putAll(more);
    }

    /** Answers the request. */
    void answer(Context context) {
        if (!retryAfter.isZero()) {
            context.header("Retry-After", Long.toString(retryAfter.toSeconds()));
        }
        if (status == 401) {
            context.header("WWW-Authenticate", "Bearer");
        }
        body().answer(context.status(status), TYPE);
    }
}
