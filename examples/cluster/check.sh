#!/usr/bin/env bash
# Checks that a request's story is the same from a file, from shipped lines and through an OpenTelemetry collector, and
# that missing lines are reported when a shard is down. Uses its own cluster and data, and removes them.
#
#     examples/cluster/check.sh [REQUESTS]      sends 10000 requests of load by default
set -euo pipefail
requests=${1:-10000}
work=$(mktemp -d)
CLUSTER_RUN=$work/run
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

finish() {
    local status=$?
    "$here/stop.sh" || true
    if [ "$status" = 0 ]; then
        rm -rf "$work"
    else
        echo "check.sh: failed; lines, data and logs are kept in $work" >&2
    fi
}
trap finish EXIT
[[ "$requests" =~ ^[1-9][0-9]*$ ]] || fail "the number of requests must be a whole number above 0, not $requests"

say() {
    printf '== %s\n' "$*"
}

# produce FILE EXAMPLE [arguments]: runs an example that writes its lines to the file and exports them to rotel.
produce() {
    local file=$1
    shift
    env LOG_LEVEL=info LOG_FORMAT=json LOG_FILE="$file" LOG_FILE_MAX_BYTES=10000000000 \
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:$otlp_port" LOG_OTLP_ORIGINAL=1 \
        timeout 300 cargo run --quiet --example "$1" -- "${@:2}" 2>"$work/$1.stderr" ||
        fail "the example $1 failed: $(tail -n 3 "$work/$1.stderr")"
    [ -s "$file" ] || fail "the example $1 wrote no lines to $file"
}

# ship FILE: inserts the lines as they are. Backslashes are doubled, because this format treats them as escapes.
ship() {
    sed 's/\\/\\\\/g' "$1" |
        curl --silent --show-error --fail-with-body --max-time 60 --data-binary @- \
            "http://127.0.0.1:$http_port/?query=INSERT+INTO+candor_all+(line)+FORMAT+TabSeparated"
}

has_rows() {
    [ "$(sql 1 "select count() from $1" 2>/dev/null)" -ge "$2" ] 2>/dev/null
}

# compare_lines TABLE FILE: waits until the table has as many lines as the file, then compares them byte for byte. The
# order does not matter.
compare_lines() {
    local table=$1 file=$2 count missing others
    count=$(wc -l <"$file")
    wait_until 60 has_rows "$table" "$count" || true
    sql 1 "select line from $table format TabSeparatedRaw" | LC_ALL=C sort >"$work/stored"
    LC_ALL=C sort "$file" >"$work/written"
    missing=$(LC_ALL=C comm -23 "$work/written" "$work/stored" | wc -l)
    others=$(LC_ALL=C comm -13 "$work/written" "$work/stored" | wc -l)
    [ "$missing" = 0 ] && [ "$others" = 0 ] ||
        fail "$table lacks $missing of the $count lines and has $others that were not written"
    echo "$table has the $count lines, byte for byte"
}

# compare_spans FILE: checks that each step, call and request in the file is a span, and that all parents exist.
compare_spans() {
    local count
    count=$(grep -c '"event":"\(step_timing\|dependency_call\|request_completed\)"' "$1")
    wait_until 60 has_rows otel_traces "$count" || true
    sql 1 "select count() - $count, uniqExact(TraceId, SpanId) - $count,
                  countIf(ParentSpanId != '' and ParentSpanId global not in (select SpanId from otel_traces))
           from otel_traces" >"$work/spans"
    [ "$(cat "$work/spans")" = $'0\t0\t0' ] ||
        fail "otel_traces differs from the $count steps, calls and requests (rows, ids, orphans): $(cat "$work/spans")"
    echo "otel_traces has $count spans, each with its parent"
}

# The URL of a table for `candor --from`.
table_url() {
    echo "clickhouse://127.0.0.1:$http_port/default.$1"
}

# story ID SOURCE…
story() {
    CLICKHOUSE_USER=reader CLICKHOUSE_PASSWORD=reader COLUMNS=120 timeout 60 "$candor" story "$@"
}

failed_ids() {
    "$candor" requests "$1" --failed --top "$2" --json |
        python3 -c 'import json, sys; [print(json.loads(line)["request_id"]) for line in sys.stdin]'
}

# compare_stories FILE COUNT: compares the stories of failed requests from the file and from both tables. COUNT 0 means
# all.
compare_stories() {
    local id table ids
    ids=$(failed_ids "$1" "$2")
    [ -n "$ids" ] || fail "no request failed in $1, so there is nothing to compare"
    for id in $ids; do
        story "$id" "$1" >"$work/story.file" || fail "candor story $id $1 ended with status $?"
        for table in candor_all otel_logs; do
            story "$id" --from "$(table_url $table)" >"$work/story.$table" ||
                fail "candor story $id --from $(table_url $table) ended with status $?"
            diff -u "$work/story.file" "$work/story.$table" ||
                fail "the story of $id from $table differs from the one from the file"
        done
    done
    echo "the same from the file, candor_all and otel_logs: $(wc -w <<<"$ids") stories"
}

# require_notice ID TABLE: checks that, with a shard down, the command fails or reports what is missing.
require_notice() {
    local status=0
    story "$1" --from "$(table_url "$2")" >"$work/story.down" 2>"$work/story.stderr" || status=$?
    if [ "$status" = 2 ] && [ -s "$work/story.stderr" ]; then
        echo "$2: status 2, $(head -n 1 "$work/story.stderr")"
    elif [ "$status" = 0 ] && grep -qi missing "$work/story.down" "$work/story.stderr"; then
        echo "$2: status 0, $(grep -hi -m 1 missing "$work/story.down" "$work/story.stderr" | head -n 1)"
    else
        fail "with a shard down, candor story $1 --from $(table_url "$2") ended with status $status and reported nothing"
    fi
}

empty_tables() {
    local shard table
    for shard in 1 2; do
        for table in candor otel_logs_shard otel_traces_shard; do
            sql "$shard" "truncate table $table"
        done
    done
}

"$here/install.sh"
say "building"
cd "$repository"
cargo build --quiet --example orders --example load
candor=$(candor_command)
"$here/start.sh"

say "the requests of the example orders"
produce "$work/orders.log" orders
rm -f "$(sed -n 's/.*orders kept in //p' "$work/orders.stderr")"
ship "$work/orders.log"
compare_lines candor_all "$work/orders.log"
compare_lines otel_logs "$work/orders.log"
compare_spans "$work/orders.log"
compare_stories "$work/orders.log" 0

say "a shard is down"
"$here/stop.sh" shard-2
id=$(failed_ids "$work/orders.log" 1)
require_notice "$id" candor_all
require_notice "$id" otel_logs
produce "$work/outage.log" load 200
"$here/start.sh" >/dev/null
cat "$work/orders.log" "$work/outage.log" >"$work/both.log"
echo "the shard is up again, and what was exported meanwhile arrives:"
compare_lines otel_logs "$work/both.log"
compare_stories "$work/orders.log" 1

say "$requests requests"
empty_tables
produce "$work/load.log" load "$requests"
cat "$work/load.stderr"
compare_lines otel_logs "$work/load.log"
compare_spans "$work/load.log"
ship "$work/load.log"
compare_lines candor_all "$work/load.log"
python3 - "$requests" "$work/stored" <<'PYTHON'
import collections, json, sys

count, path = int(sys.argv[1]), sys.argv[2]
numbers = collections.defaultdict(list)
with open(path, encoding="utf-8") as lines:
    for line in lines:
        record = json.loads(line)
        numbers[record["request_id"]].append(record.get("seq"))
wrong = [f"load-{n}" for n in range(count) if sorted(numbers[f"load-{n}"]) != [1, 2, 3, 4]]
if wrong or len(numbers) != count:
    sys.exit(f"check.sh: {len(wrong)} requests have not exactly the lines 1 to 4 (first {wrong[:3]}), "
             f"and there are {len(numbers)} request ids")
print(f"each of {count} requests has its lines 1 to 4")
PYTHON
[ "$requests" -lt 100 ] || compare_stories "$work/load.log" 10

say "all checks passed"
