//! Allocations, counted for each thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system allocator, with a counter.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// Allocations of this thread since its start; reallocations count as well.
pub(crate) fn so_far() -> u64 {
    COUNT.with(Cell::get)
}

fn count() {
    // Allocations during the exit of a thread are not counted.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

// A global allocator can't be written without `unsafe`, and only it sees every allocation.
#[allow(unsafe_code)]
// SAFETY: every method passes its arguments to `System` unchanged and returns its result;
// the counter is a `Cell` that is created without allocation and needs no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller guarantees what `System` requires of `layout`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as for `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: `pointer` came from `System` through the methods above; the caller guarantees the rest.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as for `realloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}
