struct Reply;

fn read(reply: &u32) -> (Option<u16>, Option<candor::dependency::Category>) {
    (None, None)
}

#[candor::dependency_call("payments", outcome = read)]
fn f() -> Reply {
    Reply
}

fn main() {}
