# shellcheck shell=bash
# shellcheck disable=SC2034  # the scripts that source it use the variables
# Folders, ports and functions that the scripts in this folder source.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$repository/examples/cluster

# absolute FOLDER: creates the folder and prints its absolute path, which the servers need.
absolute() {
    mkdir -p "$1" && cd "$1" && pwd
}

# Programs.
cluster=$(absolute "${CLUSTER_DIR:-$repository/target/cluster}")
# Configuration, data and logs of the running processes.
run=$(absolute "${CLUSTER_RUN:-$cluster/run}")
# Exported because scripts that these scripts call may have another working directory.
export CLUSTER_DIR=$cluster CLUSTER_RUN=$run

# The second shard listens on the next port of each kind.
http_port=${CLUSTER_HTTP_PORT:-18123}
tcp_port=${CLUSTER_TCP_PORT:-19000}
interserver_port=${CLUSTER_INTERSERVER_PORT:-19009}
otlp_port=${CLUSTER_OTLP_PORT:-14318}
otlp_grpc_port=${CLUSTER_OTLP_GRPC_PORT:-14317}

venv=$cluster/venv
packages=$cluster/clickhouse
libraries=$packages/usr/lib/$(uname -m)-linux-gnu:$packages/lib/$(uname -m)-linux-gnu

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

clickhouse_server() {
    local path
    for path in "$packages/usr/sbin/clickhouse-server" /usr/sbin/clickhouse-server; do
        [ -x "$path" ] && echo "$path" && return
    done
    return 1
}

rotel_agent() {
    local path
    for path in "$venv"/lib/python3.*/site-packages/rotel/rotel-agent; do
        [ -x "$path" ] && echo "$path" && return
    done
    return 1
}

# started PID: prints the start time of the process in clock ticks since boot; nothing if it has ended.
started() {
    awk '$3 != "Z" { print $22 }' "/proc/$1/stat" 2>/dev/null || true
}

# Whether the process NAME (`shard-1`, `shard-2`, `rotel`) runs. The id alone is not enough, because ids are reused.
is_running() {
    local pid time
    read -r pid time 2>/dev/null <"$run/$1.pid" && [ "$(started "$pid")" = "$time" ]
}

is_listening() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# wait_until SECONDS COMMAND…: runs the command until it succeeds; fails after this time.
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || return 1
        sleep 0.1
    done
}

# sql SHARD QUERY [curl arguments]: runs a query as the user with write access.
sql() {
    local shard=$1 query=$2
    shift 2
    curl --silent --show-error --fail-with-body --max-time 60 "http://127.0.0.1:$((http_port + shard - 1))/" \
        --data-binary "$query" "$@"
}

# Prints the path of the command `candor`: $CANDOR, or the one of this checkout, which it builds.
candor_command() {
    if [ -n "${CANDOR:-}" ]; then
        echo "$CANDOR"
        return
    fi
    (cd "$repository" && cargo build --quiet --package candor-cli >&2)
    echo "$(cd "$repository" && cargo metadata --no-deps --format-version 1 |
        sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug/candor"
}
