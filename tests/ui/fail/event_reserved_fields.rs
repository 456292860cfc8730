fn main() {
    let path = 3;
    candor::info!(level = 3, rows = 4, path, "request_id" = 5, "done");
}
