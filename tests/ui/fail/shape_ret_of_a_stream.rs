use futures::stream::{self, Stream};

#[candor::step_timed(ret)]
fn f() -> impl Stream<Item = u32> {
    stream::empty()
}

fn main() {}
