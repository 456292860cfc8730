#!/usr/bin/env bash
# Starts two ClickHouse servers, each a shard of the cluster `two`, and rotel, which inserts the records it receives
# over OTLP into tables over both shards. Creates the tables. Everything listens on 127.0.0.1 only. Processes that are
# already running are kept.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

server=$(clickhouse_server) || fail "clickhouse-server is not installed; run examples/cluster/install.sh first"
agent=$(rotel_agent) || fail "rotel is not installed; run examples/cluster/install.sh first"

configure() {
    local shard=$1 folder=$run/shard-$1
    mkdir -p "$folder"/{data,tmp,files,schemas,log}
    cat >"$folder/config.xml" <<XML
<?xml version="1.0"?>
<yandex>
    <logger>
        <level>warning</level>
        <log>$folder/log/server.log</log>
        <errorlog>$folder/log/error.log</errorlog>
        <size>10M</size>
        <count>2</count>
    </logger>
    <listen_host>127.0.0.1</listen_host>
    <http_port>$((http_port + shard - 1))</http_port>
    <tcp_port>$((tcp_port + shard - 1))</tcp_port>
    <interserver_http_host>127.0.0.1</interserver_http_host>
    <interserver_http_port>$((interserver_port + shard - 1))</interserver_http_port>
    <path>$folder/data/</path>
    <tmp_path>$folder/tmp/</tmp_path>
    <user_files_path>$folder/files/</user_files_path>
    <format_schema_path>$folder/schemas/</format_schema_path>
    <users_config>$folder/users.xml</users_config>
    <default_profile>default</default_profile>
    <default_database>default</default_database>
    <mark_cache_size>67108864</mark_cache_size>
    <timezone>UTC</timezone>
    <remote_servers>
        <two>
            <shard><replica><host>127.0.0.1</host><port>$tcp_port</port></replica></shard>
            <shard><replica><host>127.0.0.1</host><port>$((tcp_port + 1))</port></replica></shard>
        </two>
    </remote_servers>
</yandex>
XML
    # `default` inserts and creates tables, without a password but from this machine only; `reader` may do neither.
    cat >"$folder/users.xml" <<XML
<?xml version="1.0"?>
<yandex>
    <profiles>
        <default><max_memory_usage>2000000000</max_memory_usage></default>
        <reader><readonly>1</readonly><max_memory_usage>2000000000</max_memory_usage></reader>
    </profiles>
    <users>
        <default>
            <password></password>
            <networks><ip>127.0.0.1</ip></networks>
            <profile>default</profile>
            <quota>default</quota>
        </default>
        <reader>
            <password>reader</password>
            <networks><ip>127.0.0.1</ip></networks>
            <profile>reader</profile>
            <quota>default</quota>
        </reader>
    </users>
    <quotas><default></default></quotas>
</yandex>
XML
}

# launch NAME COMMAND…: starts a process that outlives this script, with its output in `NAME.out`.
launch() {
    local name=$1
    shift
    # In a session of its own, so that Ctrl-C in this terminal does not reach it.
    setsid nohup "$@" >"$run/$name.out" 2>&1 </dev/null &
    echo "$! $(started $!)" >"$run/$name.pid"
}

has_ended_or_listens() {
    is_listening "$2" || ! is_running "$1"
}

# expect NAME PORT LOG: waits until the process listens.
expect() {
    wait_until 20 has_ended_or_listens "$1" "$2" || true
    if ! is_running "$1" || ! is_listening "$2"; then
        fail "$1 did not start within 20 s; see $3"
    fi
}

require_free() {
    ! is_listening "$2" ||
        fail "port $2 is in use by another program; stop it, or choose another port with $1"
}

# Stops everything if the script fails.
trap '[ $? = 0 ] || "$here/stop.sh"' EXIT

for shard in 1 2; do
    is_running "shard-$shard" && continue
    require_free CLUSTER_HTTP_PORT $((http_port + shard - 1))
    require_free CLUSTER_TCP_PORT $((tcp_port + shard - 1))
    require_free CLUSTER_INTERSERVER_PORT $((interserver_port + shard - 1))
    configure "$shard"
    LD_LIBRARY_PATH=$libraries launch "shard-$shard" "$server" --config-file="$run/shard-$shard/config.xml"
done
for shard in 1 2; do
    expect "shard-$shard" $((http_port + shard - 1)) "$run/shard-$shard/log"
done

candor=$(candor_command)
for shard in 1 2; do
    while IFS= read -r -d ';' statement; do
        sql "$shard" "$statement" || fail "shard $shard rejected: $statement"
    done < <({
        "$candor" schema clickhouse --cluster two
        "$candor" schema clickhouse --otel --cluster two
        cat "$here/otel_traces.sql"
    } | grep -v '^ *--')
done

if ! is_running rotel; then
    require_free CLUSTER_OTLP_PORT "$otlp_port"
    require_free CLUSTER_OTLP_GRPC_PORT "$otlp_grpc_port"
    # ClickHouse 18.16 does not have the setting for asynchronous inserts.
    launch rotel "$agent" start --pid-file "$run/rotel-agent.pid" \
        --otlp-http-endpoint "127.0.0.1:$otlp_port" --otlp-grpc-endpoint "127.0.0.1:$otlp_grpc_port" \
        --exporter clickhouse --clickhouse-exporter-endpoint "http://127.0.0.1:$http_port" \
        --clickhouse-exporter-database default --clickhouse-exporter-table-prefix otel \
        --clickhouse-exporter-async-insert false
    expect rotel "$otlp_port" "$run/rotel.out"
fi

cat <<TEXT
ClickHouse: clickhouse://127.0.0.1:$http_port/default.candor_all and …/default.otel_logs (user reader, password reader)
OTLP:       http://127.0.0.1:$otlp_port, gRPC on 127.0.0.1:$otlp_grpc_port
TEXT
