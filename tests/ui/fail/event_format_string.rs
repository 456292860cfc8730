fn main() {
    candor::info!("{} of {}", 3);
    candor::info!("{", 3);
    candor::info!("done", 3);
    candor::info!("done", rows = 3);
    candor::info!("{rows}");
}
