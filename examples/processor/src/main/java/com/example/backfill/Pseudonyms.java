package com.example.backfill;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.backfill.api.processor.Options;
import dev.backfill.api.processor.Row;
import dev.backfill.api.processor.RowProcessor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Fills a column with a keyed hash of another, by a key that the database must never see: something that SQL cannot do.
 *
 * <p>Options: {@code from} and {@code to}, the columns; {@code key-file}, a file with the secret key.
 */
public final class Pseudonyms extends RowProcessor {

    private static final String ALGORITHM = "HmacSHA256";
    private static final int SHORTEST_KEY = 16;

    private String from = "";
    private String to = "";
    private byte[] key = {};

    @Override
    public void configure(Options options) throws IOException {
        from = options.text("from");
        to = options.text("to");
        key = Files.readAllBytes(Path.of(options.text("key-file")));
        if (key.length < SHORTEST_KEY) {
            throw new Options.Refusal("key-file", "has " + key.length + " bytes, and " + SHORTEST_KEY + " are needed");
        }
    }

    @Override
    protected List<String> reads() {
        return List.of(from);
    }

    @Override
    protected List<String> writes() {
        return List.of(to);
    }

    @Override
    protected String where() {
        return "\"%s\" IS NULL AND \"%s\" IS NOT NULL".formatted(to, from);
    }

    @Override
    protected void compute(Row row) throws GeneralSecurityException {
        String address = row.text(from).orElseThrow().strip().toLowerCase(Locale.ROOT);
        if (!address.contains("@")) {
            throw new IllegalArgumentException("no e-mail address"); // without the value: this goes into logs
        }
        Mac mac = Mac.getInstance(ALGORITHM);
        mac.init(new SecretKeySpec(key, ALGORITHM));
        row.set(to, HexFormat.of().formatHex(mac.doFinal(address.getBytes(UTF_8))));
    }
}
