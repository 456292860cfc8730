//! HTTP integration: the context of incoming requests, and headers for outgoing ones.
//!
//! Incoming work gets its context in one of three ways:
//!
//! | the work comes from | use |
//! |---|---|
//! | axum, tonic, or hyper with `tower` | [`RequestLayer`] as a layer |
//! | another HTTP server, such as actix-web | [`RequestLayer::begin`] or [`begin`] in a middleware |
//! | a queue or a timer | [`job`](crate::job), with [`traceparent`](crate::Job::traceparent) if the message has one |
//!
//! The first two have the same settings and write the same lines, with one `request_completed` for each request.
//!
//! [`outbound_headers`] returns the headers that carry the context to another service; [`ContextMiddleware`] (feature
//! `reqwest`) adds them to each request of a client.
//!
//! ```
//! use candor::http::RequestLayer;
//!
//! # let captured = candor::testing::capture();
//! // At startup.
//! let layer = RequestLayer::new().quiet("/health");
//!
//! // In the middleware of a server without tower.
//! let (parts, ()) = http::Request::get("/orders/7").body(())?.into_parts();
//! let mut active = layer.begin(&parts, None);
//! active.run(|| candor::info!(order_id = 7, "order found"));
//! active.finish(200);
//!
//! // {…,"msg":"order found","request_id":"…",…,"method":"GET","path":"/orders/7",…,"order_id":7}
//! // {…,"msg":"request_completed","request_id":"…",…,"status":200,"duration_ms":0.061,"outcome":"ok",…}
//! # let id = captured.completed().text("request_id").to_owned();
//! # assert_eq!(captured.line("order found").text("request_id"), id);
//! # Ok::<(), http::Error>(())
//! ```

mod active;
mod admin;
mod beginning;
mod body;
mod completed;
mod fields;
mod flight_recorder;
mod future;
mod headers;
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

pub use active::{ActiveRequest, ActiveResponse, RequestScope, begin};
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
