package dev.backfill.orchestrator.page;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * The files of the web page, as they are sent. They hold no data: a browser asks the admin API for it. Immutable.
 *
 * @param files by their paths on the server
 */
public record Page(Map<String, File> files) {

    /** What the page may load and do: only what comes from where it came from itself. */
    public static final String CONTENT_POLICY =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
                    + " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static final Map<String, String> TYPES = Map.of(
            "index.html", "text/html;charset=utf-8",
            "page.css", "text/css;charset=utf-8",
            "page.js", "text/javascript;charset=utf-8",
            "door.js", "text/javascript;charset=utf-8",
            "icon.svg", "image/svg+xml");

    /**
     * A file.
     *
     * @param type its media type
     * @param content its text
     */
    public record File(String type, String content) {}

    /** Copies. */
    public Page {
        files = Map.copyOf(files);
    }

    /**
     * Reads the files that came with the program.
     *
     * @return all of them; the page itself is {@code /}
     */
    public static Page read() {
        return new Page(TYPES.entrySet().stream()
                .collect(Collectors.toMap(
                        file -> file.getKey().equals("index.html") ? "/" : "/" + file.getKey(),
                        file -> new File(file.getValue(), read(file.getKey())))));
    }

    private static String read(String name) {
        try (InputStream in = Page.class.getResourceAsStream("/page/" + name)) {
            return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
