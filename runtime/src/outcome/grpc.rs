//! gRPC status codes.

use super::Category;

/// Codes of server errors by OpenTelemetry's RPC conventions: unknown, deadline exceeded, unimplemented, internal,
/// unavailable, data loss.
const FAULTS: [u16; 6] = [2, 4, 12, 13, 14, 15];

/// Whether a code is that of a server error.
pub(crate) fn is_fault(code: u16) -> bool {
    FAULTS.contains(&code)
}

/// Whether a code means that the server rejected the request.
pub(crate) fn is_refusal(code: u16) -> bool {
    code != 0 && !is_fault(code)
}

/// Returns why a call with this code failed.
pub(crate) fn category(code: u16) -> Option<Category> {
    match code {
        0 => None,
        1 => Some(Category::Cancelled),
        4 => Some(Category::Timeout),
        14 => Some(Category::Connect),
        _ => Some(Category::Status),
    }
}
