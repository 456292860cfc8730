trait Shop {
    #[candor::step_timed]
    fn f(&self) -> u32;
}

fn main() {}
