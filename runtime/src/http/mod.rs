//! HTTP integration: a `tower` layer for incoming requests, and headers for outgoing ones.
//!
//! [`RequestLayer`] gives each request of an axum, hyper or tonic service its context. [`outbound_headers`] returns the
//! headers that carry this context to another service; [`ContextMiddleware`] (feature `reqwest`) adds them to each
//! request of a client.

mod admin;
mod body;
mod completed;
mod fields;
mod flight_recorder;
mod future;
mod layer;
#[cfg(any(feature = "reqwest_0_12", feature = "reqwest_0_13"))]
mod middleware;
mod network;
mod outbound;
mod request_id;
mod route;
mod sampling;
mod service;
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
pub use future::ResponseFuture;
pub use layer::RequestLayer;
#[cfg(any(feature = "reqwest_0_12", feature = "reqwest_0_13"))]
pub use middleware::{ContextMiddleware, RedirectPolicy, same_host_redirects};
pub use outbound::outbound_headers;
pub use service::RequestService;
pub use trust::{PeerAddr, Trust};
