//! Each is told what it is and what the choices are.

use std::collections::HashMap;
use std::net::IpAddr;

struct Order;

fn record(
    owned: String,
    borrowed: &str,
    bytes: Vec<u8>,
    map: HashMap<String, u32>,
    address: IpAddr,
    json: serde_json::Value,
    headers: http::HeaderMap,
    order: Order,
) {
    candor::record("owned", owned);
    candor::record("borrowed", borrowed);
    candor::record("bytes", bytes);
    candor::record("map", map);
    candor::record("address", address);
    candor::record("json", json);
    candor::record("headers", headers);
    candor::record("order", order);
}

fn main() {}
