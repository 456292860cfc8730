# shellcheck shell=bash
# shellcheck disable=SC2034  # the scripts that source it use the variables
# Folders, ports and functions that the scripts in this folder source.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$repository/examples/prometheus

# absolute FOLDER: creates the folder and prints its absolute path.
absolute() {
    mkdir -p "$1" && cd "$1" && pwd
}

# Programs.
folder=$(absolute "${PROMETHEUS_DIR:-$repository/target/prometheus}")
package=$folder/package
port=${PROMETHEUS_PORT:-19090}
service_port=${PROMETHEUS_SERVICE_PORT:-19091}

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# program NAME: prints the path of `prometheus` or `promtool`: the one of install.sh, or the system's.
program() {
    local path
    for path in "$package/usr/bin/$1" "/usr/bin/$1"; do
        [ -x "$path" ] && echo "$path" && return
    done
    return 1
}

is_listening() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

require_free() {
    ! is_listening "$2" ||
        fail "port $2 is in use by another program; stop it, or choose another port with $1"
}

# wait_until SECONDS COMMAND…: runs the command until it succeeds; fails after this time.
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || return 1
        sleep 0.2
    done
}
