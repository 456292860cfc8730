fn main() {
    candor::info!("{} of {}", 3);
    candor::info!("{", 3);
    candor::info!("done", 3);
    candor::info!("{rows}");
    candor::info!("{:1$}", 3, "wide");
}
