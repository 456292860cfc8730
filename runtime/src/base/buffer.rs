//! Text buffers that a thread uses again.

use std::cell::Cell;
use std::thread::LocalKey;

use crate::current::scratch::KEPT_BYTES;

pub(crate) type Slot = LocalKey<Cell<String>>;

/// Runs `f` with the buffer of the slot, emptied; it is taken, so that a value that logs while it is
/// formatted gets another one.
pub(crate) fn with<T>(slot: &'static Slot, f: impl FnOnce(&mut String) -> T) -> T {
    let mut buffer = slot.try_with(Cell::take).unwrap_or_default();
    buffer.clear();
    let result = f(&mut buffer);
    if buffer.capacity() <= KEPT_BYTES {
        let _ = slot.try_with(|slot| slot.set(buffer));
    }
    result
}
