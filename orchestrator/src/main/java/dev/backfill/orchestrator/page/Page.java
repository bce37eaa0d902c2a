package dev.backfill.orchestrator.page;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * The files of the web page, and the description of the admin API, as they are sent. They hold no data: a browser asks the admin API for it. Immutable.
 *
 * @param files by their paths on the server
 */
public record Page(Map<String, File> files) {

    /** What the page may load and do: only what comes from where it came from itself. */
    public static final String CONTENT_POLICY =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
                    + " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static final String OWN = "/page/";

    /** As the library's package has it. */
    private static final String CHARTS = "/META-INF/resources/webjars/uplot/1.6.30/dist/";

    private static final String SCRIPT = "text/javascript;charset=utf-8";
    private static final String STYLE = "text/css;charset=utf-8";

    private static final List<Source> SOURCES = List.of(
            new Source("/", OWN + "index.html", "text/html;charset=utf-8"),
            new Source("/openapi.json", OWN + "openapi.json", "application/json"),
            new Source("/page.css", OWN + "page.css", STYLE),
            new Source("/icon.svg", OWN + "icon.svg", "image/svg+xml"),
            new Source("/page.js", OWN + "page.js", SCRIPT),
            new Source("/api.js", OWN + "api.js", SCRIPT),
            new Source("/charts.js", OWN + "charts.js", SCRIPT),
            new Source("/databases.js", OWN + "databases.js", SCRIPT),
            new Source("/door.js", OWN + "door.js", SCRIPT),
            new Source("/jobs.js", OWN + "jobs.js", SCRIPT),
            new Source("/one.js", OWN + "one.js", SCRIPT),
            new Source("/parts.js", OWN + "parts.js", SCRIPT),
            new Source("/uplot.js", CHARTS + "uPlot.esm.js", SCRIPT),
            new Source("/uplot.css", CHARTS + "uPlot.min.css", STYLE));

    /** From where a file comes. */
    private record Source(String path, String resource, String type) {}

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
        return new Page(SOURCES.stream()
                .collect(Collectors.toMap(Source::path, source -> new File(source.type(), read(source.resource())))));
    }

    private static String read(String resource) {
        try (InputStream in = Page.class.getResourceAsStream(resource)) {
            return new String(Objects.requireNonNull(in, resource).readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
