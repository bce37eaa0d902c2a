package dev.backfill.orchestrator.outside;

import dev.backfill.orchestrator.gauges.Sample;
import dev.backfill.orchestrator.policy.OutsideSignal.Prometheus;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Asks a Prometheus server an instant query. One thread. */
final class PrometheusReader implements SignalReader {

    private static final int OK = 200;

    private final Exchange exchange;
    private final URI url;
    private final Optional<String> token;

    /** Over a way of asking. */
    PrometheusReader(Exchange exchange, Prometheus asked) {
        this.exchange = exchange;
        this.url = URI.create(asked.url().toString().replaceFirst("/+$", "") + "/api/v1/query?timeout=2s&query="
                + URLEncoder.encode(asked.query(), StandardCharsets.UTF_8));
        this.token = asked.token();
    }

    @Override
    public Sample read() throws UnreadableException {
        Exchange.Answer answer = exchange.get(url, token);
        if (answer.status() != OK) {
            throw new UnreadableException("Prometheus answers " + answer.status()
                    + (answer.status() == 400 || answer.status() == 422 ? ": its query is not right" : ""));
        }
        return new Sample("", PrometheusAnswer.number(answer.body()), "", Optional.empty());
    }

    @Override
    public void close() {
        // nothing is kept from one reading to the next
    }
}
