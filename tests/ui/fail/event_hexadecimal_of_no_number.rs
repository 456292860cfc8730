fn main() {
    let list = [1, 2];
    candor::info!("{list:x} {:e}", true);
}
