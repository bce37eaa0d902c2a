package dev.backfill.orchestrator.functional;

import dev.backfill.api.processor.Options;
import dev.backfill.api.processor.Row;
import dev.backfill.api.processor.RowProcessor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Writes a text the other way round, and its length; a row with the text {@code wait} waits for a file, once. */
public final class Reversal extends RowProcessor {

    private Path gate = Path.of("");

    @Override
    public void configure(Options options) {
        gate = Path.of(options.optionalText("gate").orElse("nowhere"));
    }

    @Override
    protected List<String> reads() {
        return List.of("In Put");
    }

    @Override
    protected List<String> writes() {
        return List.of("out", "bytes");
    }

    @Override
    protected String where() {
        return "\"out\" IS NULL AND '?' = '?'";
    }

    @Override
    protected void compute(Row row) throws IOException, InterruptedException {
        if (row.text("In Put").isEmpty()) {
            return;
        }
        String text = row.text("In Put").orElseThrow();
        if (text.equals("wait")) {
            Files.writeString(gate.resolveSibling("reached"), "");
            while (!Files.exists(gate)) {
                Thread.sleep(5);
            }
        }
        row.set("out", new StringBuilder(text).reverse());
        row.set("bytes", text.isEmpty() ? null : new byte[] {(byte) text.length()});
    }
}
