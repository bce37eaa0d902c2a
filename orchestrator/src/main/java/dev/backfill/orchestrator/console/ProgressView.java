package dev.backfill.orchestrator.console;

import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.util.concurrent.atomic.AtomicReference;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;

/** How progress is drawn. */
interface ProgressView extends AutoCloseable {

    /** Shows where the run is. */
    void show(Moment moment);

    @Override
    void close();

    /** A bar that redraws itself. */
    static ProgressView bar() {
        return new Bar();
    }

    /** A line now and then. */
    static ProgressView lines(PrintWriter err) {
        return new Lines(err);
    }

    /** On a terminal. */
    final class Bar implements ProgressView {

        private static final int REDRAW_MILLISECONDS = 100;

        private final AtomicReference<@Nullable Moment> latest = new AtomicReference<>();
        private final Moment.Blocks blocks =
                Charset.defaultCharset().newEncoder().canEncode('\u2588') ? Moment.Blocks.UNICODE : Moment.Blocks.ASCII;
        private final ProgressBar bar = new ProgressBarBuilder()
                .setInitialMax(1)
                .setUpdateIntervalMillis(REDRAW_MILLISECONDS)
                .continuousUpdate()
                .setRenderer((state, width) -> line(width))
                .build();

        private Bar() {}

        private String line(int width) {
            Moment moment = latest.get();
            return moment == null ? "" : moment.bar(width, blocks);
        }

        @Override
        public void show(Moment moment) {
            latest.set(moment);
        }

        @Override
        public void close() {
            bar.close();
        }
    }

    /** In a log. */
    final class Lines implements ProgressView {

        private final PrintWriter err;

        private Lines(PrintWriter err) {
            this.err = err;
        }

        @Override
        public void show(Moment moment) {
            err.println(moment.plain());
            err.flush();
        }

        @Override
        public void close() {}
    }
}
