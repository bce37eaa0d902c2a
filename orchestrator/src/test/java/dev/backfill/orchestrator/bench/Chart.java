package dev.backfill.orchestrator.bench;

import dev.backfill.orchestrator.bench.Trace.Point;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/** Pictures of values over time, as SVG for a white page: rows of panels, one below the other. */
public final class Chart {

    private static final double WIDTH = 900;
    private static final double HEIGHT = 130;
    private static final double LEFT = 44;
    private static final double RIGHT = 10;
    private static final double ABOVE = 34;
    private static final double BELOW = 26;
    private static final double ROW = ABOVE + HEIGHT + BELOW;

    private final StringBuilder svg = new StringBuilder();
    private final double seconds;
    private double top;

    /**
     * One picture.
     *
     * @param title above it
     * @param note beside the title, in grey
     * @param points what is drawn; above the scale it is cut off
     * @param scale what is drawn
     */
    public record Panel(String title, String note, List<Point> points, Scale scale) {
        /** Copies the list. */
        public Panel {
            points = List.copyOf(points);
        }
    }

    /**
     * How values are drawn.
     *
     * @param most the largest value that is shown
     * @param step between two lines of the grid
     * @param unit behind a number of the grid
     * @param color of the line
     * @param limit a line that should not be crossed
     */
    public record Scale(double most, double step, String unit, String color, OptionalDouble limit) {}

    /** Of what happened in so many seconds; in the middle of them the conditions changed. */
    public Chart(double seconds) {
        this.seconds = seconds;
    }

    /** Adds a row of panels side by side, of the same width. */
    public Chart row(List<Panel> panels) {
        double width = WIDTH / panels.size();
        for (int i = 0; i < panels.size(); i++) {
            draw(panels.get(i), i * width + LEFT, width - LEFT - RIGHT);
        }
        top += ROW;
        return this;
    }

    /** Writes it. */
    public void write(Path file, String description) throws IOException {
        String head = """
                <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %1$.0f %2$.0f" width="%1$.0f" height="%2$.0f" \
                font-family="Helvetica, Arial, sans-serif" font-size="11" role="img">
                <title>%3$s</title>
                <rect width="100%%" height="100%%" fill="#ffffff"/>
                """;
        Files.createDirectories(file.toAbsolutePath().getParent());
        Files.writeString(file, String.format(Locale.ROOT, head, WIDTH, top, escaped(description)) + svg + "</svg>\n");
    }

    private void draw(Panel panel, double left, double width) {
        double base = top + ABOVE + HEIGHT;
        add(
                "<text x=\"%.1f\" y=\"%.1f\" font-size=\"12\" font-weight=\"bold\">%s</text>%n",
                left, top + 15, panel.title());
        add("<text x=\"%.1f\" y=\"%.1f\" fill=\"#666666\">%s</text>%n", left, top + 28, panel.note());
        Scale scale = panel.scale();
        for (int i = 0; i * scale.step() <= scale.most() + 1e-9; i++) {
            double value = i * scale.step();
            double y = base - value / scale.most() * HEIGHT;
            line(left, y, left + width, y, "stroke=\"#e3e3e3\"");
            String label = String.format(Locale.ROOT, "%.0f%s", value, i == 0 ? "" : scale.unit());
            add("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\" fill=\"#666666\">%s</text>%n", left - 4, y + 4, label);
        }
        line(left + width / 2, top + ABOVE, left + width / 2, base, "stroke=\"#bbbbbb\" stroke-dasharray=\"2 3\"");
        for (int i = 0; i <= 2; i++) {
            String label = String.format(Locale.ROOT, "%.0f s", seconds * i / 2);
            String anchor = i == 0 ? "start" : i == 1 ? "middle" : "end";
            add(
                    "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"#666666\">%s</text>%n",
                    left + width * i / 2, base + 14, anchor, label);
        }
        curve(panel, left, width, base);
        scale.limit().ifPresent(limit -> {
            double y = base - limit / scale.most() * HEIGHT;
            line(left, y, left + width, y, "stroke=\"#c0392b\" stroke-width=\"1.2\" stroke-dasharray=\"6 3\"");
        });
    }

    private void curve(Panel panel, double left, double width, double base) {
        StringBuilder points = new StringBuilder();
        double last = Double.NaN;
        for (Point point : panel.points()) {
            double x = left + Math.min(1, point.at() / seconds) * width;
            if (x - last < 0.4) {
                continue; // more than a page can show
            }
            last = x;
            double y =
                    base - Math.min(1, Math.max(0, point.value() / panel.scale().most())) * HEIGHT;
            points.append(String.format(Locale.ROOT, "%.1f,%.1f ", x, y));
        }
        add(
                "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.4\" stroke-linejoin=\"round\" points=\"%s\"/>%n",
                panel.scale().color(), points.toString().strip());
    }

    private void line(double x1, double y1, double x2, double y2, String style) {
        add("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>%n", x1, y1, x2, y2, style);
    }

    private void add(String format, Object... values) {
        Object[] safe = values.clone();
        for (int i = 0; i < safe.length; i++) {
            if (safe[i] instanceof String string && !format.contains("%s/>")) {
                safe[i] = escaped(string);
            }
        }
        svg.append(String.format(Locale.ROOT, format, safe));
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
