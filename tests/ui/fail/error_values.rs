#[derive(Debug)]
struct Opaque;

fn main() {
    let text = String::from("no");
    candor::record("error", &text);
    candor::error!(error = Opaque, "failed");
    candor::error!(error = candor::policy::error(&text), "failed");
    candor::error!(error = clear(&std::fmt::Error), "failed");
    candor::error!("failed: {text}");
}
