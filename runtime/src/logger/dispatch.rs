//! A record of candor's own on its way through `Event::dispatch`: other layers visit its fields,
//! candor's finds it here, already rendered, by the address of its metadata.

use std::cell::Cell;

use tracing_core::Metadata;

use crate::format::record::Record;

/// The record in flight on this thread, with its fields as members.
#[derive(Debug)]
struct InFlight {
    metadata: &'static Metadata<'static>,
    /// With its message beside it, which is not there for ever.
    record: Record<'static>,
    message: String,
    fields: String,
}

thread_local! {
    static IN_FLIGHT: Cell<Option<Box<InFlight>>> = const { Cell::new(None) };
}

/// Dispatches while the record is in flight.
pub(crate) fn during(
    metadata: &'static Metadata<'static>,
    record: &Record<'_>,
    fields: String,
    dispatch: impl FnOnce(),
) {
    let flight = InFlight {
        metadata,
        record: Record { logger: metadata.target(), message: "", ..*record },
        message: record.message.to_owned(),
        fields,
    };
    let before = IN_FLIGHT.try_with(|slot| slot.replace(Some(Box::new(flight)))).ok().flatten();
    dispatch();
    let _ = IN_FLIGHT.try_with(|slot| slot.set(before));
}

/// Calls `f` where the event of this metadata is the one in flight.
pub(crate) fn with(metadata: &Metadata<'_>, f: impl FnOnce(&Record<'_>, &str)) -> Option<()> {
    let flight = IN_FLIGHT.try_with(Cell::take).ok()??;
    let ours = std::ptr::eq(flight.metadata, metadata);
    if ours {
        f(&Record { message: &flight.message, ..flight.record }, &flight.fields);
    }
    let _ = IN_FLIGHT.try_with(|slot| slot.set(Some(flight)));
    ours.then_some(())
}
