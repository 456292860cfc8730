struct Shop;

#[candor::step_timed]
impl Shop {
    #[step_timed(levl = "debug")]
    fn f(&self) {}

    #[step_timed(busy)]
    fn g(&self) {}
}

fn main() {}
