package dev.backfill.orchestrator.testing;

import dev.backfill.orchestrator.throttle.Governor;
import dev.backfill.orchestrator.throttle.Pace;
import dev.backfill.orchestrator.throttle.Pace.Reason;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/** A governor that allows what it is told to, one pace each time that it is asked; the last one stays. */
public final class SettableGovernor implements Governor {

    private final String name;
    private final Deque<Pace> paces = new ArrayDeque<>();

    /** A governor that allows everything at first. */
    public SettableGovernor(String name) {
        this.name = name;
        this.paces.add(Pace.FULL);
    }

    /** Sets what it allows from now on. */
    public SettableGovernor allow(Pace... next) {
        paces.clear();
        paces.addAll(List.of(next));
        return this;
    }

    /** The pace of this ratio, for a reason of this governor's name. */
    public Pace at(double ratio) {
        return at(ratio, "detail of " + name);
    }

    /** The pace of this ratio, with this detail. */
    public Pace at(double ratio, String detail) {
        return new Pace(ratio, Optional.of(new Reason(name, detail, "next of " + name)));
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Pace pace() {
        return paces.size() > 1 ? paces.removeFirst() : paces.getFirst();
    }
}
