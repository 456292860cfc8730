trait Payments {
    #[candor::step_timed]
    fn charge(&self);
}

fn main() {}
