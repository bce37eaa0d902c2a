package dev.backfill.orchestrator.control;

import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.Stored;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * How much of a run's keys is behind it, whatever is known of the number of rows: each slice counts by its width where the
 * keys are numbers, times or uuids, else as much as every other. For people only: order is the database's.
 */
final class KeyProgress {

    private static final Pattern UUID = Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
    private static final int HEXADECIMAL = 16;
    private static final String DONE = "DONE";

    /** What is said of a run that is not done and of which nothing else is known. */
    private static final double UNKNOWN = 0.99;

    private static final double LEAST = 0.1;

    private KeyProgress() {}

    /** The part of a run's present pass that is done; empty before it began. */
    static Optional<Double> read(Database database, String run, List<SliceView> slices) {
        String first = """
                SELECT %s FROM (
                    SELECT CASE j.definition #>> '{range,order}' WHEN 'desc' THEN r."range"->'end'
                           ELSE r."range"->'start' END AS key
                    FROM backfill.run r JOIN backfill.job j ON j.name = r.job AND j.revision = r.revision
                    WHERE r.id = :run) AS first
                """.formatted(Stored.select("key"));
        Optional<List<String>> start = database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(first))
                        .bind("run", run)
                        .map((row, context) -> RunBoard.texts(row.getArray(1)))
                        .one());
        int pass = slices.stream().mapToInt(slice -> slice.work().pass()).max().orElse(0);
        return of(
                start,
                slices.stream().filter(slice -> slice.work().pass() == pass).toList());
    }

    /**
     * The part that is done.
     *
     * @param start the first key of the run in its order; empty when there was none
     * @param slices of one pass
     * @return from 0 to 1; empty without slices
     */
    static Optional<Double> of(Optional<List<String>> start, List<SliceView> slices) {
        if (slices.isEmpty()) {
            return Optional.empty();
        }
        List<SliceView> unlike = new ArrayList<>();
        double width = 0;
        double done = 0;
        for (SliceView slice : slices) {
            Optional<Double> whole = distance(
                    slice.bounds().from().or(() -> start), slice.bounds().to());
            if (whole.filter(w -> w > 0).isEmpty()) {
                unlike.add(slice);
                continue;
            }
            width += whole.get();
            done += isDone(slice)
                    ? whole.get()
                    : slice.bounds()
                            .checkpoint()
                            .flatMap(
                                    checkpoint -> distance(slice.bounds().from().or(() -> start), checkpoint))
                            .map(d -> Math.min(d, whole.get()))
                            .orElse(0.0);
        }
        double measured = slices.size() - unlike.size();
        double counted = unlike.stream().filter(KeyProgress::isDone).count();
        return Optional.of(((width == 0 ? 0 : done / width * measured) + counted) / slices.size());
    }

    /**
     * How many rows there are, by the keys that are behind.
     *
     * @param scanned how many were gone over
     * @param done the part of the keys that is behind; empty or 0 when it cannot be said, as in the midst of texts; a very
     *     small one says that keys are dense here and rare there, and no more
     * @return at least as many as were gone over, at most ten times that
     */
    static long rows(long scanned, Optional<Double> done) {
        return Math.max(
                scanned,
                Math.round(scanned
                        / done.filter(part -> part > 0)
                                .map(part -> Math.max(LEAST, part))
                                .orElse(UNKNOWN)));
    }

    private static boolean isDone(SliceView slice) {
        return slice.work().state().equals(DONE);
    }

    /** How far apart two keys are by their first columns that differ; empty when that cannot be said. */
    private static Optional<Double> distance(Optional<List<String>> from, List<String> to) {
        if (from.isEmpty()) {
            return Optional.empty();
        }
        for (int i = 0; i < Math.min(from.get().size(), to.size()); i++) {
            if (!from.get().get(i).equals(to.get(i))) {
                Optional<BigDecimal> one = number(from.get().get(i));
                Optional<BigDecimal> other = number(to.get(i));
                return one.flatMap(a -> other.map(
                                b -> b.subtract(a, MathContext.DECIMAL64).abs().doubleValue()))
                        .filter(Double::isFinite);
            }
        }
        return Optional.empty();
    }

    private static Optional<BigDecimal> number(String key) {
        if (UUID.matcher(key).matches()) {
            return Optional.of(new BigDecimal(new BigInteger(key.replace("-", ""), HEXADECIMAL)));
        }
        String time = key.replaceFirst("[+]00$", "").replace(' ', 'T');
        return read(key, BigDecimal::new)
                .or(() -> read(key, LocalDate::parse).map(day -> BigDecimal.valueOf(day.toEpochDay())))
                .or(() -> read(time, LocalDateTime::parse)
                        .map(at -> BigDecimal.valueOf(at.toEpochSecond(ZoneOffset.UTC))));
    }

    private static <T> Optional<T> read(String text, Function<String, T> how) {
        try {
            return Optional.of(how.apply(text));
        } catch (NumberFormatException | DateTimeException e) {
            return Optional.empty();
        }
    }
}
