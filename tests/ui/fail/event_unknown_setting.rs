fn main() {
    candor::info!(level: "debug", "done");
}
