use candor::instrument;

#[instrument]
const fn charge() {}

trait Store {
    #[instrument]
    fn load(&self);
}

#[instrument]
struct Order;

#[instrument]
impl Order {}

fn main() {}
