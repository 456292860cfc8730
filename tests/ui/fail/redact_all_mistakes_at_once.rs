use candor::redact;

#[redact(deflaut = clear)]
#[derive(Debug)]
enum Payment {
    #[redact(clear)]
    Card {
        #[redact(mask)]
        number: String,
        #[redact(clear, secret)]
        holder: String,
    },
    Voucher(#[redact(show)] String, #[cfg(all())] u64),
}

fn main() {
    // The type exists and can be used as if nothing had happened.
    let payment = Payment::Voucher("x".to_owned(), 1);
    println!("{payment:?} {}", candor::loggable::to_json(&payment));
}
