//! The `X-Debug-Log` header, and the callers that may send it.
//!
//! Callers are identified by their network address, never by anything else that the request contains.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::request::Parts;
use http::{HeaderMap, HeaderName};
use tracing_core::Level;

use super::network::{Network, parse_address};
use super::{route, site};
use crate::format::record::Severity;
use crate::init::error::ConfigError;
use crate::json::append::number;
use crate::json::members;
use crate::levels::{Levels, Raised};
use crate::logger::emit;
use crate::redact::shown;
use crate::request::overrides::DebugLog;

pub(super) const DEBUG_LOG: HeaderName = HeaderName::from_static("x-debug-log");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Callers that may raise the log level of their own request.
///
/// They do so with the `X-Debug-Log: 1` header. A caller is identified by the address of its connection. axum provides
/// it with `into_make_service_with_connect_info::<SocketAddr>()`; for other servers, insert a [`PeerAddr`] into the
/// request's extensions, or pass the address to [`RequestLayer::begin`](super::RequestLayer::begin). `X-Forwarded-For`
/// is used only if the connection comes from a [`proxy`](Self::proxy).
///
/// Redaction does not change. A filter around candor's layer still applies.
///
/// ```
/// use candor::http::{RequestLayer, Trust};
///
/// let trust = Trust::new().network("10.20.0.0/16")?.network("::1")?.targets("shop=debug,deps=debug")?;
/// let layer = RequestLayer::new().trust(trust);
/// # Ok::<(), candor::ConfigError>(())
/// ```
///
/// ```text
/// $ curl -H 'x-debug-log: 1' localhost:8080/orders/7
/// {…,"level":"INFO","logger":"http","msg":"debug_raised",…,"levels":"shop=debug,deps=debug,http=info","lines":1000}
/// ```
#[derive(Debug, Clone)]
pub struct Trust {
    networks: Vec<Network>,
    proxies: Vec<Network>,
    levels: Arc<Levels>,
    lines: u64,
    /// Whether `peer_unknown` has been logged.
    warned: Arc<AtomicBool>,
}

/// Peer address of a request's connection, as a request extension.
///
/// For servers that do not set axum's `ConnectInfo`; takes precedence over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

impl Default for Trust {
    fn default() -> Self {
        Self::new()
    }
}

impl Trust {
    /// Creates settings that trust no caller.
    ///
    /// By default, an accepted request logs all targets at DEBUG, except noisy libraries, up to 1000 additional lines.
    pub fn new() -> Self {
        Trust {
            networks: Vec::new(),
            proxies: Vec::new(),
            levels: Arc::new(raise("debug").unwrap_or_default()),
            lines: 1000,
            warned: Arc::default(),
        }
    }

    /// Trusts the callers in a network, such as `10.0.0.0/8`, or at one address.
    ///
    /// Default: none. Can be called several times.
    ///
    /// # Errors
    ///
    /// Returns an error if `network` can't be parsed or has bits set after its prefix.
    pub fn network(mut self, network: &str) -> Result<Self, ConfigError> {
        self.networks.push(Network::parse(network)?);
        Ok(self)
    }

    /// Adds a network of your own proxies.
    ///
    /// Their `X-Forwarded-For` identifies the caller. Default: none. Can be called several times. The caller is the
    /// right-most address that is not a proxy; entries to the left of it are ignored, since the caller can set them.
    ///
    /// # Errors
    ///
    /// Returns an error if `network` can't be parsed or has bits set after its prefix.
    pub fn proxy(mut self, network: &str) -> Result<Self, ConfigError> {
        self.proxies.push(Network::parse(network)?);
        Ok(self)
    }

    /// Sets the targets and levels that an accepted request logs.
    ///
    /// For example `shop=debug,deps=debug`. Default: `debug`.
    ///
    /// # Errors
    ///
    /// Returns an error if `directives` can't be parsed.
    pub fn targets(self, directives: &str) -> Result<Self, ConfigError> {
        let mut levels = raise(directives)?;
        // `debug_raised` is logged at INFO, even if the service's own level is WARN.
        if !levels.allow("http", Level::INFO) {
            levels = raise(&format!("{levels},http=info"))?;
        }
        Ok(Trust { levels: Arc::new(levels), ..self })
    }

    /// Sets how many additional lines an accepted request may write. Default: 1000.
    ///
    /// More lines are only counted, in `lines_suppressed`.
    pub fn lines(self, lines: u64) -> Self {
        Trust { lines, ..self }
    }

    /// Evaluates the `X-Debug-Log` of a request. `peer` takes precedence over the extensions.
    pub(super) fn debug_request(&self, parts: &Parts, peer: Option<SocketAddr>) -> DebugRequest {
        let is_requested = parts.headers.get(DEBUG_LOG).is_some_and(|value| {
            ["1", "true", "on"]
                .iter()
                .any(|on| value.as_bytes().eq_ignore_ascii_case(on.as_bytes()))
        });
        if !is_requested {
            return DebugRequest::Ignored;
        }
        let Some(peer) = peer.or_else(|| peer_of(parts)) else {
            let is_first = !self.warned.swap(true, Ordering::Relaxed);
            return if is_first { DebugRequest::UnknownPeer } else { DebugRequest::Ignored };
        };
        match self.caller(peer.ip().to_canonical(), &parts.headers) {
            Some(caller) if contains(&self.networks, caller) => DebugRequest::Accepted,
            _ => DebugRequest::Ignored,
        }
    }

    pub(super) fn debug_log(&self) -> DebugLog {
        DebugLog::new(Raised::begin(Arc::clone(&self.levels)), self.lines)
    }

    /// Logs, under the current request, how its `X-Debug-Log` was handled.
    pub(super) fn log(&self, debug: DebugRequest) {
        match debug {
            DebugRequest::Ignored => {}
            DebugRequest::Accepted => emit::emit(&site::DEBUG_RAISED, Severity::Info, |out, _| {
                members::text(out, "event", "debug_raised");
                members::text(out, "levels", &shown::text(&self.levels.to_string()));
                members::open(out, "lines");
                number(self.lines, out);
            }),
            DebugRequest::UnknownPeer => emit::emit(&site::NO_PEER, Severity::Warn, |out, _| {
                members::text(out, "event", "peer_unknown");
                members::text(out, "detail", NO_PEER);
            }),
        }
    }

    /// Returns the address of the caller behind the proxies; `None` if it is unknown.
    fn caller(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        if !contains(&self.proxies, peer) {
            return Some(peer);
        }
        let hops: Vec<&str> = headers
            .get_all(FORWARDED_FOR)
            .iter()
            .flat_map(|value| value.to_str().unwrap_or("?").split(','))
            .collect();
        let mut caller = peer;
        for hop in hops.iter().rev() {
            // Entries to the left of a malformed one can't be trusted.
            caller = parse_address(hop.trim())?;
            if !contains(&self.proxies, caller) {
                break;
            }
        }
        Some(caller)
    }
}

const NO_PEER: &str = "X-Debug-Log is ignored, because the address of the caller is unknown: serve axum with \
     `into_make_service_with_connect_info::<SocketAddr>()`, put a `candor::http::PeerAddr` into the request's \
     extensions, or pass the address to `begin`";

/// The `X-Debug-Log` of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DebugRequest {
    /// Not sent, or sent by a caller that is not trusted.
    Ignored,
    /// Sent, but the peer address is unknown. Reported once for each `Trust`.
    UnknownPeer,
    Accepted,
}

fn contains(networks: &[Network], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(address))
}

/// Parses directives that raise the level of some requests.
pub(super) fn raise(directives: &str) -> Result<Levels, ConfigError> {
    Levels::parse_raise(directives)
        .map_err(|why| ConfigError::invalid(directives, format!("invalid level directive: {why}")))
}

/// Returns the address of the connection.
fn peer_of(parts: &Parts) -> Option<SocketAddr> {
    let address = parts.extensions.get().map(|PeerAddr(address)| *address);
    address.or_else(|| route::peer(&parts.extensions))
}
