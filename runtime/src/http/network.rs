//! IP networks and addresses, as they are written in settings and headers.

use std::net::{IpAddr, SocketAddr};

use crate::init::error::ConfigError;

/// IP addresses with a common prefix.
#[derive(Debug, Clone, Copy)]
pub(super) struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    pub(super) fn parse(text: &str) -> Result<Self, ConfigError> {
        let wrong = |why: &str| {
            ConfigError::invalid(
                text,
                format!(
                    "`{text}` is not a network{why}; expected one such as `10.0.0.0/8`, `fd00::/8` or `::1`"
                ),
            )
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
        // An IPv4-mapped network is the IPv4 one: `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
        let network = match (address.to_canonical(), prefix.checked_sub(96)) {
            (short @ IpAddr::V4(_), Some(prefix)) if address.is_ipv6() => {
                Network { address: short, prefix }
            }
            _ => Network { address, prefix },
        };
        // `10.1.2.3/8` may mean one address or the network. A wrong guess would trust other callers.
        if network.masked(network.address) != bits(network.address) {
            return Err(wrong(": bits are set after its prefix"));
        }
        Ok(network)
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4()
            && self.masked(address) == self.masked(self.address)
    }

    /// The bits of the prefix, the others zero.
    fn masked(&self, address: IpAddr) -> u128 {
        let width = if address.is_ipv4() { 32 } else { 128 };
        let host_bits = width - self.prefix;
        bits(address).checked_shr(host_bits).map_or(0, |prefix| prefix << host_bits)
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// Parses an address of `X-Forwarded-For`: with or without a port, in brackets or not.
pub(super) fn parse_address(text: &str) -> Option<IpAddr> {
    let unbracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = unbracketed.unwrap_or(text).parse::<IpAddr>();
    let address = address.ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))?;
    Some(address.to_canonical())
}
