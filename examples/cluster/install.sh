#!/usr/bin/env bash
# Installs the programs of the cluster into a separate folder: clickhouse-server from Debian's packages, rotel from
# PyPI. Nothing is installed system-wide and no daemon is started. Existing installations are kept.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

install_clickhouse() {
    command -v apt-get >/dev/null ||
        fail "needs apt-get and Debian's package clickhouse-server; install a clickhouse-server in /usr/sbin instead"
    if ! apt-cache show clickhouse-server >/dev/null 2>&1; then
        apt-get update --quiet=2 || fail "there is no package clickhouse-server; run \`sudo apt-get update\` first"
    fi
    local names work
    # Includes the libraries that this machine lacks.
    names=$(apt-get install --no-install-recommends --print-uris --quiet=2 clickhouse-server |
        awk '/^\047/ { sub(/_.*/, "", $2); print $2 }')
    [ -n "$names" ] || fail "apt-get offers no package clickhouse-server; Debian 12 has it"
    work=$(mktemp -d)
    # shellcheck disable=SC2064
    trap "rm -rf '$work'" EXIT
    # shellcheck disable=SC2086
    (cd "$work" && apt-get download --quiet=2 -o APT::Sandbox::User=root $names)
    mkdir -p "$work/root"
    local package
    for package in "$work"/*.deb; do
        dpkg -x "$package" "$work/root"
    done
    rm -rf "$packages"
    # Moved last, so that a folder of this name is always complete.
    mv "$work/root" "$packages"
}

install_rotel() {
    rm -rf "$venv"
    python3 -m venv "$venv" || fail "needs python3 with its module venv; on Debian install python3-venv"
    # The version that the table was made for: an exporter's columns change.
    "$venv/bin/pip" install --quiet --disable-pip-version-check rotel==0.0.1a15 ||
        fail "could not install rotel 0.0.1a15; it has wheels for Linux and common versions of Python only"
}

command -v curl >/dev/null || fail "needs curl"
clickhouse_server >/dev/null || install_clickhouse
rotel_agent >/dev/null || install_rotel

LD_LIBRARY_PATH=$libraries ldd "$(clickhouse_server)" | grep "not found" >&2 &&
    fail "clickhouse-server lacks the libraries above; remove $packages and run this script again"
"$(rotel_agent)" --version >/dev/null ||
    fail "rotel does not start; it needs the shared library of Python, on Debian libpython3 of the same version"
echo "installed in $cluster"
