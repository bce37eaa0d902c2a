#!/bin/sh
# Runs the demo and draws what its terminal showed, as docs/demo.svg. With an argument, draws what that file holds.
set -eu
cd "$(dirname "$0")/.."

raw=$(mktemp)
trap 'rm -f "$raw"' EXIT
trap 'exit 130' INT TERM HUP
if [ $# -gt 0 ]; then
    cat "$1" >"$raw"
else
    ./backfill --version >/dev/null # builds it, if need be, before the picture begins
    BACKFILL_JAVA_OPTS="-Dbackfill.terminal=true ${BACKFILL_JAVA_OPTS:-}" ./backfill demo >"$raw" 2>&1
fi

escape=$(printf '\033')
tr '\r' '\n' <"$raw" | sed "s/$escape\[[0-9;]*[A-Za-z]//g; s/ *\$//" | LC_ALL=C awk '
    function text(y, class, content) {
        gsub(/&/, "\\&amp;", content)
        gsub(/</, "\\&lt;", content)
        printf "<text x=\"16\" y=\"%d\"%s xml:space=\"preserve\">%s</text>\n", y, class, content
    }
    /^ *[0-9]+ % / {
        if (!bar) { bar = ++lines }
        if ($0 != frame[frames]) { frame[++frames] = $0 }
        next
    }
    # Redrawing leaves empty lines before the summary.
    /^$/ && !summary { next }
    / succeeded$/ { summary = 1 }
    { line[++lines] = $0 }
    END {
        height = 20
        slot = 0.3
        printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1060\" height=\"%d\" role=\"img\">\n", lines * height + 66
        print "<title>./backfill demo</title>"
        print "<style>"
        print "text { font: 13px ui-monospace, Menlo, Consolas, \"DejaVu Sans Mono\", monospace; fill: #d8dee9 }"
        print ".command { fill: #a3be8c }"
        printf ".bar { fill: #88c0d0; opacity: 0; animation: show %.1fs step-end infinite }\n", frames * slot
        print ".still { opacity: 1 }"
        printf "@keyframes show { 0%% { opacity: 1 } %.3f%%, 100%% { opacity: 0 } }\n", 100 / frames
        print "@media (prefers-reduced-motion: reduce) { .bar { animation: none } }"
        print "</style>"
        print "<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1e2430\"/>"
        text(30, " class=\"command\"", "$ ./backfill demo")
        for (i = 1; i <= lines; i++) {
            y = 30 + i * height
            if (i != bar) { text(y, "", line[i]); continue }
            for (f = 1; f <= frames; f++) {
                class = sprintf(" class=\"bar%s\" style=\"animation-delay: %.1fs\"", f == int(frames * 0.6) + 1 ? " still" : "", (f - 1 - frames) * slot)
                text(y, class, frame[f])
            }
        }
        print "</svg>"
    }' >docs/demo.svg.part
mv docs/demo.svg.part docs/demo.svg
echo "docs/demo.svg: $(wc -c <docs/demo.svg) bytes"
