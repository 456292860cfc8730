const GREETING: &str = "hello";
const KEY: &str = "key";

fn main() {
    let rows = [3];
    candor::info!();
    candor::info!(rows.len(), "done");
    candor::info!(3 + 4);
    candor::info!(GREETING "done");
    candor::info!(a = 1, concat!("rows", "done"));
    candor::info!({ KEY } = 3, "done");
    candor::info!(message = "one", "two");
    candor::info!(target: "a", target: "b", "done");
    candor::info!({ a = 1, "done" });
    candor::info!("" = 3);
    candor::info!("done", rows = 3);
    candor::info!(?rows = 3, "done");
    candor::info!({ a = 1 }, 3);
}
