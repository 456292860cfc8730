#!/usr/bin/env bash
# Counts the instructions of candor's hot paths under callgrind and compares them with those in
# counts/counts.txt: times differ from run to run, instructions hardly do.
#
#   tests/peers/counts.sh            compares; fails where one costs more than it did
#   tests/peers/counts.sh --update   writes the file anew
#
# An operation costs what 2000 repetitions take beyond 1000, so starting cancels. One that got more than
# TOLERANCE percent dearer fails; one that got cheaper is told, so that the file can follow. Another
# compiler makes other code, so 10 percent are allowed where it is not the file's. A CPU with other
# features takes other paths in memcpy, which is why callgrind's own, the same everywhere but for AVX2,
# are narrowed to what every x86-64 has.
set -euo pipefail
cd "$(dirname "$0")/../.."
counts=tests/peers/counts/counts.txt
export GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2_Usable,-AVX2,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM

command -v valgrind >/dev/null || { echo "valgrind is needed: apt-get install valgrind" >&2; exit 2; }
cargo build --quiet --release --package candor-counts
binary=${CARGO_TARGET_DIR:-target}/release/candor-counts
compiler=$(rustc --version)

# The instructions of so many repetitions.
instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$binary" "$1" "$2" 2>&1 >/dev/null |
        sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

measured=$(
    for operation in bare step_off step_only_error step step_in_step async_step dependency request event_off event redact text; do
        few=$(instructions "$operation" 1000)
        many=$(instructions "$operation" 2000)
        awk -v name="$operation" -v few="$few" -v many="$many" \
            'BEGIN { printf "%s %.1f\n", name, (many - few) / 1000 }'
    done
)

if [ "${1:-}" = --update ]; then
    printf '# Instructions of one operation, by tests/peers/counts.sh --update\n# %s\n%s\n' \
        "$compiler" "$measured" >"$counts"
    cat "$counts"
    exit
fi

tolerance=${TOLERANCE:-3}
grep -qxF "# $compiler" "$counts" || tolerance=10
awk -v tolerance="$tolerance" '
    /^#/ { next }
    NR == FNR { kept[$1] = $2; next }
    !($1 in kept) { printf "%-16s %8.1f  is not in the file; run with --update\n", $1, $2; failed = 1; next }
    {
        change = ($2 - kept[$1]) * 100 / kept[$1]
        # A count of a few instructions moves by whole ones.
        dearer = change > tolerance && $2 - kept[$1] > 2
        cheaper = -change > tolerance && kept[$1] - $2 > 2
        printf "%-16s %8.1f  was %8.1f  %+.1f %%%s\n", $1, $2, kept[$1], change, \
            dearer ? "  TOO MUCH" : cheaper ? "  cheaper: run with --update" : ""
        failed = failed || dearer
    }
    END { exit failed }
' "$counts" - <<<"$measured"
