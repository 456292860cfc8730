#!/usr/bin/env bash
# Counts the instructions of candor's hot paths with callgrind, and compares them with counts/counts.txt:
# unlike times, instruction counts hardly differ between runs.
#
#   tests/peers/counts.sh            compares; fails if an operation costs more than before
#   tests/peers/counts.sh --update   updates the file
#
# The cost of an operation is the difference between 2000 and 1000 repetitions, so that startup cancels out.
# The script fails if an operation costs more than TOLERANCE percent more than before, and reports cheaper
# ones, so that the file can be updated. With another compiler than that of the file, 10 percent are allowed.
# CPUs with other features use other variants of memcpy, so glibc is limited to the features that every
# x86-64 CPU has.
set -euo pipefail
cd "$(dirname "$0")/../.."
counts=tests/peers/counts/counts.txt
export GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2_Usable,-AVX2,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM

command -v valgrind >/dev/null || { echo "valgrind is needed: apt-get install valgrind" >&2; exit 2; }
cargo build --quiet --release --package candor-counts
binary=${CARGO_TARGET_DIR:-target}/release/candor-counts
compiler=$(rustc --version)

# The instructions of this number of repetitions.
instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$binary" "$1" "$2" 2>&1 >/dev/null |
        sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

measured=$(
    for operation in bare step_off step_only_error step step_in_step async_step dependency request event_off event redact text span_registry span_off span_step; do
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
        # A small count changes by whole instructions.
        dearer = change > tolerance && $2 - kept[$1] > 2
        cheaper = -change > tolerance && kept[$1] - $2 > 2
        printf "%-16s %8.1f  was %8.1f  %+.1f %%%s\n", $1, $2, kept[$1], change, \
            dearer ? "  TOO MUCH" : cheaper ? "  cheaper: run with --update" : ""
        failed = failed || dearer
    }
    END { exit failed }
' "$counts" - <<<"$measured"
