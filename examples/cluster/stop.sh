#!/usr/bin/env bash
# Stops the processes that start.sh started, or only the given ones: stop.sh [rotel] [shard-1] [shard-2]. The data
# stays.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

has_ended() {
    ! is_running "$1"
}

# rotel first, because on SIGTERM it exports the records that it still holds.
[ $# -gt 0 ] || set -- rotel shard-1 shard-2
for name in "$@"; do
    [[ "$name" =~ ^(rotel|shard-[12])$ ]] || fail "expected rotel, shard-1 or shard-2, not $name"
    if is_running "$name"; then
        read -r pid _ <"$run/$name.pid"
        kill "$pid" 2>/dev/null || true
        if ! wait_until 15 has_ended "$name"; then
            echo "stop.sh: $name did not end within 15 s and is killed" >&2
            kill -KILL "$pid" 2>/dev/null || true
            wait_until 5 has_ended "$name" || fail "$name can't be killed; its process id is in $run/$name.pid"
        fi
    fi
    rm -f "$run/$name.pid"
done
