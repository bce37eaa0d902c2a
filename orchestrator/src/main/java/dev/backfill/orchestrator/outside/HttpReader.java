package dev.backfill.orchestrator.outside;

import dev.backfill.orchestrator.gauges.Sample;
import dev.backfill.orchestrator.policy.OutsideSignal.Http;
import java.util.Optional;

/** Asks a server whether runs may move: 2xx is yes. One thread. */
final class HttpReader implements SignalReader {

    private static final int HUNDRED = 100;
    private static final int SUCCESS = 2;

    private final Exchange exchange;
    private final Http asked;

    /** Over a way of asking. */
    HttpReader(Exchange exchange, Http asked) {
        this.exchange = exchange;
        this.asked = asked;
    }

    /** The status of the answer is its value. */
    @Override
    public Sample read() throws UnreadableException {
        int status = exchange.get(asked.url(), asked.token()).status();
        Optional<String> alarm = status / HUNDRED == SUCCESS ? Optional.empty() : Optional.of("it answers " + status);
        return new Sample("", status, "", alarm);
    }

    @Override
    public void close() {
        // nothing is kept from one reading to the next
    }
}
