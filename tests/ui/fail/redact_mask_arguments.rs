use candor::redact;

#[redact]
struct Card {
    #[redact(mask)]
    bare: String,
    #[redact(mask())]
    empty: String,
    #[redact(mask(4))]
    number_alone: String,
    #[redact(mask(end = 4))]
    unknown: String,
    #[redact(mask(last = "4"))]
    text: String,
    #[redact(mask(last = 0))]
    nothing: String,
    #[redact(mask(last))]
    no_number: String,
    #[redact(mask(first = 2, first = 2))]
    twice: String,
    #[redact(mask(first = 1000))]
    too_many: String,
    #[redact(clear(last = 4))]
    of_clear: String,
}

fn main() {}
