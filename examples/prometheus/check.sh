#!/usr/bin/env bash
# Checks that a real Prometheus scrapes candor's metrics: its counts are those of the log, and its exemplars lead to
# stories. Uses its own service and data, and removes them.
#
#     examples/prometheus/check.sh [REQUESTS]      2000 by default
set -euo pipefail
requests=${1:-2000}
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
work=$(mktemp -d)

# stop PID: ends a process of this script, by force after five seconds.
stop() {
    kill "$1" 2>/dev/null || return 0
    local tries=0
    while kill -0 "$1" 2>/dev/null; do
        ((++tries < 50)) || { kill -KILL "$1" 2>/dev/null || true; break; }
        sleep 0.1
    done
    wait "$1" 2>/dev/null || true
}

pids=()
finish() {
    local status=$?
    for pid in "${pids[@]}"; do
        stop "$pid"
    done
    if [ "$status" = 0 ]; then
        rm -rf "$work"
    else
        echo "check.sh: failed; lines and data are kept in $work" >&2
    fi
}
trap finish EXIT
[[ "$requests" =~ ^[1-9][0-9]*$ ]] || fail "the number of requests must be a whole number above 0, not $requests"

say() {
    printf '== %s\n' "$*"
}

"$here/install.sh"
require_free PROMETHEUS_PORT "$port"
require_free PROMETHEUS_SERVICE_PORT "$service_port"

say "building"
cd "$repository"
cargo build --quiet --package candor-examples --example prometheus
target=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
if [ -n "${CANDOR:-}" ]; then
    candor=$CANDOR
else
    cargo build --quiet --package candor-cli
    candor=$target/debug/candor
fi

say "alert rules"
"$(program promtool)" check rules "$here/alerts.yml" >/dev/null
"$(program promtool)" test rules "$here/alerts_test.yml" >/dev/null

say "$requests requests"
env LOG_LEVEL=info LOG_FORMAT=json LOG_METRICS=1 LOG_FILE="$work/service.log" LOG_FILE_MAX_BYTES=10000000000 \
    timeout 300 "$target/debug/examples/prometheus" "127.0.0.1:$service_port" "$requests" \
    >"$work/service.out" 2>"$work/service.stderr" &
pids+=($!)
wait_until 120 grep -q ready "$work/service.out" || fail "the service is not ready; see $work/service.stderr"

say "Prometheus scrapes"
sed "s/127.0.0.1:19091/127.0.0.1:$service_port/" "$here/prometheus.yml" >"$work/prometheus.yml"
"$(program promtool)" check config "$work/prometheus.yml" >/dev/null
timeout 120 "$(program prometheus)" --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" \
    --web.listen-address="127.0.0.1:$port" --enable-feature=exemplar-storage --log.level=warn \
    >"$work/prometheus.out" 2>&1 &
pids+=($!)

is_scraped() {
    curl --silent --max-time 5 "http://127.0.0.1:$port/api/v1/query?query=up" | grep -q '"1"\]'
}
wait_until 60 is_scraped || fail "Prometheus has not scraped the service; see $work/prometheus.out"
"$here/compare.py" "http://127.0.0.1:$port" "$work/service.log" "$candor"
say "all checks passed"
