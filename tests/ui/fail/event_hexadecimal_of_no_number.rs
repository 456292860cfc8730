fn main() {
    let list = [1, 2];
    candor::info!("{:x}", true);
    candor::info!("{list:x}");
    candor::info!("{:x}", list);
}
