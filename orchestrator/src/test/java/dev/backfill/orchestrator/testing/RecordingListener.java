package dev.backfill.orchestrator.testing;

import dev.backfill.orchestrator.run.RunListener;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Writes down the holds that it hears of. */
public final class RecordingListener implements RunListener {

    private final List<String> heard = new CopyOnWriteArrayList<>();

    /** What was heard, a line each: {@code held RUN WORD: DETAIL} or {@code released RUN WORD}. */
    public List<String> heard() {
        return List.copyOf(heard);
    }

    @Override
    public void held(String run, Hold hold, String detail) {
        heard.add("held " + run + " " + hold.word() + ": " + detail);
    }

    @Override
    public void released(String run, Hold hold) {
        heard.add("released " + run + " " + hold.word());
    }
}
