use candor::instrument;

#[instrument(level = "loud", name = 7, target, skip, fields = "rows")]
fn charge() {}

#[instrument(fields(rows = 1 2, (a)), slow = "soon", ret = clean)]
fn refund() -> u64 {
    7
}

fn main() {}
