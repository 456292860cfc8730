use candor::redact;

#[redact]
union Number {
    #[redact(clear)]
    integer: u64,
    float: f64,
}

fn main() {
    let number = Number { integer: 1 };
    println!("{number:?}");
}
