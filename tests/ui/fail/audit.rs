fn main() {
    let (span, name) = (None, "Ada");
    let _ = candor::audit!(parent: span, "deleted");
    let _ = candor::audit!(name, "deleted");
}
