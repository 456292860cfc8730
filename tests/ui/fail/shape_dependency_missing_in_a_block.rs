struct Client;

#[candor::dependency_call(level = "debug")]
impl Client {
    fn f(&self) {}
}

fn main() {}
