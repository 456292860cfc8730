//! Who may ask for a request's detail: by network, never by what the request says of itself.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::request::Parts;
use http::{HeaderMap, HeaderName};
use tracing_core::Level;

use crate::init::error::InitError;
use crate::levels::{Levels, Raised};
use crate::request::switches::DebugLog;

pub(super) const DEBUG_LOG: HeaderName = HeaderName::from_static("x-debug-log");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Whose `X-Debug-Log: 1` is obeyed, and how far: the lines of that one request are written in detail.
///
/// Callers are known by the address of their connection, which axum tells with
/// `into_make_service_with_connect_info::<SocketAddr>()` and any other server with a [`PeerAddr`] in the
/// request's extensions. `X-Forwarded-For` counts only where the connection comes from a [`proxy`](Self::proxy).
///
/// Redaction stays as it is. A filter around candor's layer still wins.
///
/// ```
/// use candor::http::{RequestLayer, Trust};
///
/// let trust = Trust::new().network("10.20.0.0/16")?.network("::1")?.targets("shop=debug,deps=debug")?;
/// let layer = RequestLayer::new().trust(trust);
/// # let _ = layer;
/// # Ok::<(), candor::InitError>(())
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
    pub(super) lines: u64,
    /// Whether it was said that the server tells no addresses.
    warned: Arc<AtomicBool>,
}

/// The address a request's connection comes from, for servers that put no `ConnectInfo` of axum's into a request's
/// extensions; it counts before that one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

impl Default for Trust {
    fn default() -> Self {
        Self::new()
    }
}

impl Trust {
    /// Nobody yet; all targets at DEBUG but the noisy libraries, 1000 lines.
    pub fn new() -> Self {
        Trust {
            networks: Vec::new(),
            proxies: Vec::new(),
            levels: Arc::new(raise("debug").unwrap_or_default()),
            lines: 1000,
            warned: Arc::default(),
        }
    }

    /// Adds the callers of a network: `10.0.0.0/8`, `fd00::/8`, or one address.
    ///
    /// # Errors
    ///
    /// What is no network, also where bits are set behind its prefix.
    pub fn network(mut self, network: &str) -> Result<Self, InitError> {
        self.networks.push(Network::parse(network)?);
        Ok(self)
    }

    /// Adds proxies of one's own, whose `X-Forwarded-For` names the caller: the right-most address in it that
    /// is no such proxy. What a caller wrote further left there counts for nothing.
    ///
    /// # Errors
    ///
    /// As [`network`](Self::network).
    pub fn proxy(mut self, network: &str) -> Result<Self, InitError> {
        self.proxies.push(Network::parse(network)?);
        Ok(self)
    }

    /// Which targets are raised and how far: `shop=debug,deps=debug`. Default `debug`.
    ///
    /// # Errors
    ///
    /// A directive that can't be read.
    pub fn targets(self, directives: &str) -> Result<Self, InitError> {
        let mut levels = raise(directives)?;
        // What was raised is said where others write no more than warnings, too.
        if !levels.allow("http", Level::INFO) {
            levels = raise(&format!("{levels},http=info"))?;
        }
        Ok(Trust { levels: Arc::new(levels), ..self })
    }

    /// How many lines a request may write beyond those of others; further ones are counted in
    /// `lines_suppressed`. Default 1000.
    pub fn lines(self, lines: u64) -> Self {
        Trust { lines, ..self }
    }

    /// What the request asked for, and whether it may.
    pub(super) fn asked(&self, parts: &Parts) -> Asked {
        let wanted = parts.headers.get(DEBUG_LOG).is_some_and(|value| {
            ["1", "true", "on"]
                .iter()
                .any(|on| value.as_bytes().eq_ignore_ascii_case(on.as_bytes()))
        });
        if !wanted {
            return Asked::Nothing;
        }
        let Some(peer) = peer(parts) else {
            let is_first = !self.warned.swap(true, Ordering::Relaxed);
            return if is_first { Asked::OfUnknown } else { Asked::Nothing };
        };
        match self.caller(peer, &parts.headers) {
            Some(caller) if is_in(&self.networks, caller) => Asked::Granted,
            _ => Asked::Nothing,
        }
    }

    pub(super) fn levels(&self) -> &Levels {
        &self.levels
    }

    pub(super) fn debug_log(&self) -> DebugLog {
        DebugLog::new(Raised::begin(Arc::clone(&self.levels)), self.lines)
    }

    /// The address of the one who sent the request, and not of a proxy that passed it on.
    fn caller(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        if !is_in(&self.proxies, peer) {
            return Some(peer);
        }
        let passed: Vec<&str> = headers
            .get_all(FORWARDED_FOR)
            .iter()
            .flat_map(|value| value.to_str().unwrap_or("?").split(','))
            .collect();
        let mut caller = peer;
        for hop in passed.iter().rev() {
            // Nothing behind an address that can't be read is known.
            caller = address(hop.trim())?;
            if !is_in(&self.proxies, caller) {
                break;
            }
        }
        Some(caller)
    }
}

/// What a request asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nothing, or what it may not.
    Nothing,
    /// The server does not tell who asks; said once.
    OfUnknown,
    Granted,
}

/// Directives that hold for some requests.
pub(super) fn raise(directives: &str) -> Result<Levels, InitError> {
    Levels::parse_raise(directives)
        .map_err(|why| InitError::new(format!("the targets to raise are wrong: {why}")))
}

/// The address of the connection.
fn peer(parts: &Parts) -> Option<IpAddr> {
    let PeerAddr(address) = parts.extensions.get().copied().or_else(|| told_by_axum(parts))?;
    Some(address.ip().to_canonical())
}

#[cfg(feature = "axum")]
fn told_by_axum(parts: &Parts) -> Option<PeerAddr> {
    let told = parts.extensions.get::<axum::extract::ConnectInfo<SocketAddr>>()?;
    Some(PeerAddr(told.0))
}

#[cfg(not(feature = "axum"))]
fn told_by_axum(_: &Parts) -> Option<PeerAddr> {
    None
}

/// An address as proxies write it: with a port or without, in brackets or not.
fn address(text: &str) -> Option<IpAddr> {
    let unbracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = unbracketed.unwrap_or(text).parse::<IpAddr>();
    let address = address.ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))?;
    Some(address.to_canonical())
}

fn is_in(networks: &[Network], address: IpAddr) -> bool {
    networks.iter().any(|network| network.holds(address))
}

/// Addresses that share their first bits.
#[derive(Debug, Clone, Copy)]
struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    fn parse(text: &str) -> Result<Self, InitError> {
        let wrong = |why: &str| {
            InitError::new(format!(
                "`{text}` is no network{why}; one is written as `10.0.0.0/8`, `fd00::/8` or `::1`"
            ))
        };
        let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
        let address: IpAddr = address.trim().parse().map_err(|_| wrong(""))?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix: u32 = match prefix.trim() {
            "" if !text.contains('/') => width,
            prefix => prefix.parse().map_err(|_| wrong(""))?,
        };
        if prefix > width {
            return Err(wrong(": its prefix is longer than its address"));
        }
        // `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
        let network = match (address.to_canonical(), prefix.checked_sub(96)) {
            (short @ IpAddr::V4(_), Some(prefix)) if address.is_ipv6() => {
                Network { address: short, prefix }
            }
            _ => Network { address, prefix },
        };
        // `10.1.2.3/8` may be meant as one address or as a network: a wrong guess lets people in.
        if network.kept(network.address) != bits(network.address) {
            return Err(wrong(": bits are set behind its prefix"));
        }
        Ok(network)
    }

    fn holds(&self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4() && self.kept(address) == self.kept(self.address)
    }

    /// The bits of the prefix.
    fn kept(&self, address: IpAddr) -> u128 {
        let width = if address.is_ipv4() { 32 } else { 128 };
        let behind = width - self.prefix;
        bits(address).checked_shr(behind).map_or(0, |kept| kept << behind)
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(network: &str, address: &str) -> bool {
        let address: IpAddr = address.parse().expect("an address");
        Network::parse(network).expect("a network").holds(address.to_canonical())
    }

    #[test]
    fn a_network_holds_the_addresses_of_its_prefix() {
        assert!(holds("10.0.0.0/8", "10.255.3.4") && !holds("10.0.0.0/8", "11.0.0.0"));
        assert!(holds("192.168.1.7", "192.168.1.7") && !holds("192.168.1.7", "192.168.1.6"));
        assert!(holds("0.0.0.0/0", "8.8.8.8") && !holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("fd00::/8", "fdff::1") && !holds("fd00::/8", "fe80::1"));
        assert!(holds("::/0", "::1") && !holds("::/0", "8.8.8.8"));
        assert!(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(holds("::ffff:10.0.0.0/104", "10.1.2.3"));
        assert!(!holds("::ffff:10.0.0.0/104", "11.1.2.3"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "10.0.0.0/",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "10.1.2.3/8",
            "x",
            "/8",
            "10.0.0.0/-1",
        ] {
            assert!(Network::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        for (text, read) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1:4711", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(address(text), Some(read.parse().expect("an address")), "{text}");
        }
        assert_eq!(address("unknown").or(address("")).or(address("192.0.2.1, ::1")), None);
    }
}
