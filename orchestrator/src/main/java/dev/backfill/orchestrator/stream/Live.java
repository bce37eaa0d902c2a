package dev.backfill.orchestrator.stream;

import dev.backfill.orchestrator.control.JobView;
import dev.backfill.orchestrator.site.Sites;
import dev.backfill.orchestrator.stream.Snapshot.Kind;
import dev.backfill.orchestrator.stream.Snapshot.Topic;
import dev.backfill.orchestrator.stream.Source.Seen;
import dev.backfill.orchestrator.timing.Bell;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import io.javalin.http.Context;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import org.eclipse.jetty.ee10.servlet.ServletContextRequest;
import org.eclipse.jetty.server.Response;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Live changes of jobs and databases, and the events as they happen, for up to 200 clients at once. However many they are,
 * each database is looked at once a second, and not at all while there is none; no client has a thread.
 *
 * <p>Safe for use by several threads; serves once, from start to close.
 */
public final class Live implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Live.class);
    private static final String SERVED = Live.class.getName();
    private static final Duration TICK = Duration.ofSeconds(1);
    private static final Duration GATHERING = Duration.ofMillis(250);
    private static final Duration AFTER_A_FAULT = Duration.ofSeconds(5);

    private final List<Source> sources;
    private final Function<List<JobView>, String> job;
    private final Timing timing;
    private final Stop stop;
    private final Bell bell;
    private final Hub hub = new Hub();
    private final List<Watcher> watchers;

    /**
     * Over the databases of a daemon; looks at nothing yet.
     *
     * @param sites the databases
     * @param wording how what is seen is said
     * @param timing how time passes
     */
    public Live(Sites sites, Wording wording, Timing timing) {
        this(
                sites.all().stream()
                        .<Source>map(dispatcher -> new SiteSource(dispatcher, wording))
                        .toList(),
                wording::job,
                timing);
    }

    Live(List<Source> sources, Function<List<JobView>, String> job, Timing timing) {
        this.sources = sources;
        this.job = job;
        this.timing = timing;
        this.stop = new Stop(timing);
        this.bell = new Bell(timing);
        this.watchers = sources.stream()
                .map(source -> new Watcher(source, hub, bell::ring, timing))
                .toList();
    }

    /** Begins to look, whenever there is a client. */
    public void start() {
        for (int i = 0; i < watchers.size(); i++) {
            Watcher watcher = watchers.get(i);
            startThread("stream " + sources.get(i).name(), () -> watcher.watch(stop));
        }
        startThread("stream", this::loop);
    }

    /**
     * Answers a request with a stream that goes on until the client, or this, ends it.
     *
     * @param context the request
     * @param only the job that the client wants to be told of; empty for everything
     * @param after the events behind which to begin; of a database that is not named there, from now on
     * @return false when there are as many clients as there may be: then the request has no answer yet
     */
    public boolean serve(Context context, Optional<String> only, Optional<Cursor> after) {
        Response response =
                ServletContextRequest.getServletContextRequest(context.req()).getServletContextResponse();
        Writer writer = new Writer(response, hub, this::wakeWatchers, new Writer.Wish(only, after, timing));
        writer.client().push(Message.event("hello", "{\"now\":\"" + timing.now() + "\"}"));
        if (!hub.join(writer.client())) {
            return false;
        }
        context.attribute(SERVED, true);
        context.contentType("text/event-stream").header("X-Accel-Buffering", "no");
        context.future(() -> {
            writer.begin();
            wakeWatchers();
            return writer.ended();
        });
        return true;
    }

    /**
     * Whether a request was answered with a stream, so that nothing else can be answered.
     *
     * @param context the request
     * @return true also when the stream has ended
     */
    public static boolean isServed(Context context) {
        return context.attribute(SERVED) != null;
    }

    /** Ends every stream at once. */
    @Override
    public void close() {
        stop.request();
        wakeWatchers();
        bell.ring();
        hub.close();
    }

    private void wakeWatchers() {
        watchers.forEach(Watcher::wake);
    }

    private void loop() {
        while (!stop.isRequested()) {
            bell.await(TICK);
            stop.sleep(GATHERING);
            if (hub.isWatched()) {
                step();
            }
        }
    }

    private void step() {
        try {
            int turn = hub.turn();
            hub.show(turn, compose(hub.seen()));
        } catch (RuntimeException e) {
            LOG.atError().setCause(e).log("telling clients what has changed failed; tried again every 5 s");
            stop.sleep(AFTER_A_FAULT);
        }
    }

    private Snapshot compose(Map<String, Seen> seen) {
        Map<Topic, String> texts = new LinkedHashMap<>();
        SortedMap<String, List<JobView>> jobs = new TreeMap<>();
        for (Source source : sources) {
            Optional<Seen> last = Optional.ofNullable(seen.get(source.name()));
            texts.put(new Topic(Kind.DATABASE, source.name()), source.standing(last));
            last.stream()
                    .flatMap(one -> one.jobs().stream())
                    .forEach(view -> jobs.computeIfAbsent(view.job().name(), name -> new ArrayList<>())
                            .add(view));
        }
        jobs.forEach((name, views) -> texts.put(new Topic(Kind.JOB, name), job.apply(views)));
        return new Snapshot(texts);
    }

    private static void startThread(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }
}
