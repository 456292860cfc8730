struct Shop;

#[candor::step_timed("shop", fields(a = 1), busy)]
impl Shop {
    fn f(&self) {}
}

fn main() {}
