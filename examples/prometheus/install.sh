#!/usr/bin/env bash
# Installs Prometheus from Debian's package into a separate folder. Nothing is installed system-wide and no daemon is
# started. An existing installation is kept.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

install_prometheus() {
    command -v apt-get >/dev/null ||
        fail "apt-get is required to download Debian's package prometheus; install Prometheus in /usr/bin instead"
    if ! apt-cache show prometheus >/dev/null 2>&1; then
        apt-get update --quiet=2 || fail "the package prometheus was not found; run \`sudo apt-get update\` first"
    fi
    local work
    work=$(mktemp -d)
    # shellcheck disable=SC2064
    trap "rm -rf '$work'" EXIT
    (cd "$work" && apt-get download --quiet=2 -o APT::Sandbox::User=root prometheus)
    # The programs are linked statically, except for the C library. The libraries of the web interface are not needed.
    dpkg -x "$work"/*.deb "$work/root"
    rm -rf "$package"
    # Moved last, so that a folder of this name is always complete.
    mv "$work/root" "$package"
}

command -v curl >/dev/null || fail "needs curl"
command -v python3 >/dev/null || fail "needs python3"
program prometheus >/dev/null && program promtool >/dev/null || install_prometheus
"$(program prometheus)" --version >/dev/null 2>&1 ||
    fail "$(program prometheus) does not start; remove $folder and run this script again"
echo "installed in $folder"
