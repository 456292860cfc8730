#!/usr/bin/env bash
# How fast the command reads a large log, beside `wc -l` and jq: medians of rounds in which each takes its
# turn, as multiples of the time that `wc -l` takes.
#
#     contrib/read-speed.sh [GIGABYTES [ROUNDS]]      default: 1 and 7; jq runs in the first round only
#
# The log is made of the lines of the example service, each copy with ids of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
gigabytes=${1:-1}
rounds=${2:-7}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cargo build --quiet --release --package candor-cli
candor=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/candor
LOG_FORMAT=json cargo run --quiet --example orders >"$work/orders.log" 2>"$work/said"
rm -f "$(sed -n 's/.*orders kept in //p' "$work/said")"

awk -v bytes="$(awk -v g="$gigabytes" 'BEGIN { printf "%d", g * 1e9 }')" '
    { lines[NR] = $0 }
    END {
        for (copy = 0; written < bytes; copy++)
            for (at = 1; at <= NR; at++) {
                line = lines[at]
                sub(/"request_id":"/, sprintf("&%06d-", copy), line)
                print line
                written += length(line) + 1
            }
    }' "$work/orders.log" >"$work/log"
id=$("$candor" requests "$work/log" --top 1 --json | head -1 | sed 's/.*"request_id":"\([^"]*\)".*/\1/')
ls -l "$work/log" | awk '{ printf "%.2f GB\n", $5 / 1e9 }'

# Seconds of one run, appended to the file of its name.
take() {
    local name=$1 from to
    shift
    from=$(date +%s%N)
    "$@" >/dev/null 2>&1
    to=$(date +%s%N)
    echo $(((to - from) / 1000)) >>"$work/$name.times"
}
cat "$work/log" >/dev/null
for round in $(seq "$rounds"); do
    take wc wc -l "$work/log"
    take story "$candor" story "$id" "$work/log"
    take steps "$candor" steps "$work/log"
    take bill "$candor" bill "$work/log"
    take requests "$candor" requests "$work/log"
    take failed "$candor" story --failed "$work/log"
    if [ "$round" = 1 ] && command -v jq >/dev/null; then
        take jq jq -c --arg id "$id" 'select(.request_id == $id)' "$work/log"
    fi
done
for name in wc story steps bill requests failed jq; do
    [ -e "$work/$name.times" ] || continue
    paste "$work/$name.times" "$work/wc.times" | awk 'NF == 2 { print $1 / $2, $1 / 1e6 }' | sort -n |
        awk -v name="$name" '{ ratio[NR] = $1; time[NR] = $2 }
            END { at = int((NR + 1) / 2); printf "%-10s %6.2f x wc -l  (%.2f s)\n", name, ratio[at], time[at] }'
done
if [ -x /usr/bin/time ]; then
    for args in "story $id" steps bill requests "story --failed"; do
        # shellcheck disable=SC2086
        /usr/bin/time -f "%M kB at most: candor $args" "$candor" $args "$work/log" 2>&1 >/dev/null | tail -1
    done
fi
