#!/usr/bin/env bash
# Makes the pictures in docs/pictures from fresh runs of the example `orders`: the story of the request whose payment
# timed out and the bill of all lines, on the terminal (SVG) and as the page (PNG, light and dark); the live view and the
# lines of the pretty format up to that request (SVG). The PNGs need Chromium; without it only the SVGs are made.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=docs/pictures
mkdir -p "$out"

cargo build --quiet --package candor-cli
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
candor="$target/debug/candor"
LOG_FORMAT=json cargo run --quiet --example orders >"$work/orders.log" 2>/dev/null
id=$(grep '"status":504' "$work/orders.log" | head -1 | sed 's/.*"request_id":"\([^"]*\)".*/\1/')

# A row of text with colours to a row of SVG: each colour is a class.
svg() {
    awk -v title="$1" '
        function escape(text) {
            gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); gsub(/>/, "\\&gt;", text)
            return text
        }
        BEGIN {
            class["1"] = "bold"; class["2"] = "dim"; class["32"] = "good"; class["33"] = "warn"
            class["1;31"] = "bad"; class["34"] = "step"; class["36"] = "call"
            class["31"] = "bad"; class["35"] = "other"
        }
        {
            # A colour can go on in the next row.
            row = open; rest = $0
            while (match(rest, /\033\[[0-9;]*m/)) {
                row = row escape(substr(rest, 1, RSTART - 1))
                code = substr(rest, RSTART + 2, RLENGTH - 3)
                row = row (code == "0" ? "</tspan>" : "<tspan class=\"" class[code] "\">")
                open = code == "0" ? "" : "<tspan class=\"" class[code] "\">"
                rest = substr(rest, RSTART + RLENGTH)
            }
            rows[NR] = row escape(rest) (open == "" ? "" : "</tspan>")
        }
        END {
            height = NR * 19 + 32
            printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 900 %d\" width=\"900\" height=\"%d\" role=\"img\">\n", height, height
            printf "<title>%s</title>\n<style>\n", escape(title)
            print "svg { background: #16191d; border-radius: 8px }"
            print "text { font: 14px \"DejaVu Sans Mono\", Menlo, Consolas, monospace; fill: #dfe3e7; white-space: pre }"
            print ".bold { font-weight: bold } .dim { fill: #8d96a0 } .good { fill: #6cc08b } .warn { fill: #d9a441 }"
            print ".bad { fill: #f0776a; font-weight: bold } .step { fill: #7f9fca } .call { fill: #4fb3a8 }\n.other { fill: #bb94cf }</style>"
            printf "<rect width=\"900\" height=\"%d\" rx=\"8\" fill=\"#16191d\"/>\n", height
            for (row = 1; row <= NR; row++)
                printf "<text x=\"20\" y=\"%d\" xml:space=\"preserve\">%s</text>\n", row * 19 + 14, rows[row]
            print "</svg>"
        }'
}
{
    printf '\033[2m$ candor story %s app.log\033[0m\n\n' "${id:0:18}"
    COLUMNS=100 CLICOLOR_FORCE=1 NO_COLOR='' "$candor" story "$id" "$work/orders.log"
} | svg "candor story on the terminal" >"$out/story.svg"
echo "$out/story.svg"
# Leaves out the requests whose trees add nothing to the other trees.
left_out=$(grep -E '"status":40[02]|"outcome":"cancelled"|"retries":1' "$work/orders.log" | grep '"event":"request_completed"' |
    sed 's/.*\("request_id":"[^"]*"\).*/\1/')
{
    printf '\033[2m$ cargo run --example orders | candor tail\033[0m\n\n'
    grep -vF "$left_out" "$work/orders.log" | COLUMNS=100 CLICOLOR_FORCE=1 NO_COLOR='' TZ=UTC "$candor" tail
} | svg "candor tail on the terminal" >"$out/tail.svg"
echo "$out/tail.svg"

# Lines are as wide as the terminal only on a terminal, which `script` provides.
program="$target/debug/examples/orders"
{
    printf '\033[2m$ cargo run --example orders\033[0m\n\n'
    COLUMNS=100 NO_COLOR='' script -qec "$program 2>/dev/null" /dev/null </dev/null | tr -d '\r' |
        sed '/#5[^0-9]/,$d'
} | svg "the pretty format on the terminal" >"$out/pretty.svg"
echo "$out/pretty.svg"
{
    printf '\033[2m$ candor bill app.log --price 0.50/GiB --per-month --top 5\033[0m\n\n'
    COLUMNS=100 CLICOLOR_FORCE=1 NO_COLOR='' "$candor" bill "$work/orders.log" --price 0.50/GiB --per-month --top 5
} | svg "candor bill on the terminal" >"$out/bill.svg"
echo "$out/bill.svg"

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$browser" ]; then
    echo "no Chromium: the page has no picture"
    exit 0
fi
"$candor" story "$id" "$work/orders.log" --html "$work/story.html"
"$candor" bill "$work/orders.log" --price '$0.50/GiB' --per-month --html "$work/bill-page.html"

# Makes the PNGs of a page, light and dark: picture NAME HEIGHT
picture() {
    for scheme in light dark; do
        dark=$([ "$scheme" = dark ] && echo 0 || echo 1)
        "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars \
            --disable-background-networking --disable-component-update --disable-sync \
            --user-data-dir="$work/profile-$scheme" --blink-settings=preferredColorScheme="$dark" \
            --force-device-scale-factor=2 --window-size="1100,$2" --screenshot="$out/$1-$scheme.png" \
            "file://$work/$1.html" >/dev/null 2>&1
        echo "$out/$1-$scheme.png"
    done
}
picture story 550
picture bill-page 1450
