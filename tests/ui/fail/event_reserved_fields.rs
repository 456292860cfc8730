fn main() {
    let path = 3;
    candor::info!(level = 3, rows = 4, "done");
    candor::info!(path, "done");
    candor::info!("request_id" = 5, "done");
    let _ = candor::audit!(event = 6, "done");
}
