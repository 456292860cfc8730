//! The HTTP edge: a request gets its context where it enters, and takes it along where it goes out.
//!
//! [`RequestLayer`] is a `tower` layer for axum, hyper and tonic services. [`outbound_headers`] gives
//! what any client has to send; with feature `reqwest`, [`ContextMiddleware`] sends it.

mod admin;
mod body;
mod completed;
mod fields;
mod flight_recorder;
mod layer;
mod outbound;
mod request_id;
mod sampling;
mod settings;
mod site;
mod started;
mod stuck;
mod trace_context;
mod trust;

pub use admin::{Admin, AdminBody, admin};
pub use body::CompletedBody;
pub use fields::Fields;
pub use flight_recorder::FlightRecorder;
pub use layer::{RequestLayer, RequestService, ResponseFuture};
pub use outbound::outbound_headers;
#[cfg(feature = "reqwest")]
pub use outbound::{ContextMiddleware, same_host_redirects};
pub use trust::{PeerAddr, Trust};
