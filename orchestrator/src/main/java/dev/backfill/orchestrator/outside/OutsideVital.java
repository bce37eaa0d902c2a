package dev.backfill.orchestrator.outside;

import dev.backfill.orchestrator.gauges.Vital;
import dev.backfill.orchestrator.policy.OutsideSignal;
import java.math.BigDecimal;
import java.time.Duration;

/**
 * A signal that the configuration defines.
 *
 * @param signal its definition
 */
record OutsideVital(OutsideSignal signal) implements Vital {

    @Override
    public String word() {
        return signal.word();
    }

    @Override
    public Duration every() {
        return signal.every();
    }

    @Override
    public Duration staleAfter() {
        return signal.staleAfter();
    }

    @Override
    public String said(double value) {
        String plain =
                new BigDecimal(Double.toString(value)).stripTrailingZeros().toPlainString();
        return signal.asked() instanceof OutsideSignal.Http ? "it answers " + plain : "it is at " + plain;
    }

    @Override
    public String next() {
        return signal.asked() instanceof OutsideSignal.Http
                ? "the run goes on by itself once it answers 2xx"
                : "the run goes on by itself once it is low enough";
    }
}
