package dev.backfill.orchestrator.console;

import dev.backfill.orchestrator.run.RunProgress;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** How progress is drawn. */
interface ProgressView extends AutoCloseable {

    /** Shows where the run is; {@code scannedHere} is what this process did in {@code elapsed}. */
    void show(RunProgress progress, long estimatedRows, Duration elapsed, long scannedHere, @Nullable String standing);

    @Override
    void close();

    /** A bar that redraws itself. */
    static ProgressView bar(String job) {
        return new Bar(job);
    }

    /** A line now and then. */
    static ProgressView lines(PrintWriter err) {
        return new Lines(err);
    }

    /** On a terminal. */
    final class Bar implements ProgressView {

        private final ProgressBar bar;

        private Bar(String job) {
            this.bar = new ProgressBarBuilder()
                    .setTaskName(job)
                    .setInitialMax(1)
                    .setStyle(ProgressBarStyle.ASCII)
                    .setUnit(" rows", 1)
                    .setUpdateIntervalMillis(250)
                    .showSpeed()
                    .build();
        }

        @Override
        public void show(
                RunProgress progress,
                long estimatedRows,
                Duration elapsed,
                long scannedHere,
                @Nullable String standing) {
            long scanned = progress.rows().scannedInPass();
            bar.maxHint(Math.max(1, Math.max(estimatedRows, scanned)));
            bar.stepTo(scanned);
            bar.setExtraMessage(standing == null ? "" : " " + standing);
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
        public void show(
                RunProgress progress,
                long estimatedRows,
                Duration elapsed,
                long scannedHere,
                @Nullable String standing) {
            long scanned = progress.rows().scannedInPass();
            double rate = scannedHere / Math.max(0.001, elapsed.toMillis() / 1000.0);
            long left = Math.max(0, estimatedRows - scanned);
            String eta = rate < 1 || left == 0
                    ? ""
                    : ", ETA "
                            + Duration.ofSeconds((long) (left / rate))
                                    .toString()
                                    .substring(2)
                                    .toLowerCase(Locale.ROOT);
            err.println(String.format(
                    Locale.ROOT,
                    "%,d of about %,d rows, slice %d of %d, %,.0f rows/s%s%s",
                    scanned,
                    Math.max(estimatedRows, scanned),
                    progress.done(),
                    progress.slices(),
                    rate,
                    eta,
                    standing == null ? "" : ", " + standing));
            err.flush();
        }

        @Override
        public void close() {}
    }
}
