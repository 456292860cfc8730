#!/usr/bin/env bash
# Runs the program in tests/sanitizers under ThreadSanitizer and AddressSanitizer (with LeakSanitizer):
#
#   contrib/sanitizers.sh [seconds of each, by default 60] [thread|address]
#
# It needs a stable toolchain on x86-64 Linux, a C compiler as the linker and Python 3, takes about a gigabyte in
# target/sanitizers, and fails if a sanitizer reports anything. It has no list of suppressed reports.
#
# The program and all its crates are instrumented. `std` is too under ThreadSanitizer (see `instrument-std.py`), but not
# under AddressSanitizer, nor are `core` and `alloc` if their code is not generic, and the C library.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
sanitizers=${2:-thread address}
triple=x86_64-unknown-linux-gnu
folder=${SANITIZERS_TARGET:-target/sanitizers}
mkdir -p "$folder"

# `-Zsanitizer` is unstable; this variable permits it on a stable toolchain.
export RUSTC_BOOTSTRAP=1 CARGO_INCREMENTAL=0
# Little optimisation, so that few accesses are removed and backtraces are complete.
export CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_DEBUG=line-tables-only CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true
export TSAN_OPTIONS="halt_on_error=0 exitcode=66 second_deadlock_stack=1 ${TSAN_OPTIONS:-}"
export ASAN_OPTIONS="detect_stack_use_after_return=1 strict_string_checks=1 ${ASAN_OPTIONS:-}"

for sanitizer in $sanitizers; do
    flags="-Zsanitizer=$sanitizer -Cunsafe-allow-abi-mismatch=sanitizer"
    if [ "$sanitizer" = thread ]; then
        parts=$(realpath "$folder")
        [ -e "$parts/std.o" ] || contrib/instrument-std.py "$parts/std.o"
        # `Arc` is dropped with a release, and with an acquire fence by the last owner. ThreadSanitizer does not model
        # fences, and would report each of these drops. A release there counts as acquire and release instead.
        cc -O1 -c -x c -o "$parts/arc.o" - <<'C'
enum { RELEASE = 3, ACQUIRE_RELEASE = 4 };
long __real___tsan_atomic64_fetch_sub(volatile long *count, long by, int order);
long __wrap___tsan_atomic64_fetch_sub(volatile long *count, long by, int order) {
    return __real___tsan_atomic64_fetch_sub(count, by, order == RELEASE ? ACQUIRE_RELEASE : order);
}
C
        flags+=" -Zpre-link-args=$parts/std.o -Clink-arg=$parts/arc.o -Clink-arg=-Wl,--wrap=__tsan_atomic64_fetch_sub"
    fi
    printf '== %s, %s seconds\n' "$sanitizer" "$seconds"
    RUSTFLAGS=$flags cargo build --quiet --release --package candor-sanitized --target "$triple" --target-dir "$folder/$sanitizer"
    "$folder/$sanitizer/$triple/release/sanitized" "$seconds"
done
echo "no reports"
