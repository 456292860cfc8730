//! Text buffers that each thread reuses.

use std::cell::Cell;
use std::thread::LocalKey;

/// The largest capacity of a buffer that is kept for reuse, so that one huge value does not hold its memory forever.
pub(crate) const KEPT_BYTES: usize = 64 * 1024;

/// Runs `f` with the buffer in `slot`, cleared. The buffer is taken out of the slot meanwhile, so that a value that
/// logs while it is formatted gets a buffer of its own.
pub(crate) fn with<T>(
    slot: &'static LocalKey<Cell<String>>,
    f: impl FnOnce(&mut String) -> T,
) -> T {
    let mut buffer = slot.try_with(Cell::take).unwrap_or_default();
    buffer.clear();
    let result = f(&mut buffer);
    if buffer.capacity() <= KEPT_BYTES {
        let _ = slot.try_with(|slot| slot.set(buffer));
    }
    result
}
