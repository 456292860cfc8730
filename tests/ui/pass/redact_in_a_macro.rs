//! Items made by `macro_rules`, and items inside of functions.

macro_rules! model {
    ($name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty,)* }) => {
        #[candor::redact]
        struct $name { $($(#[$attribute])* $field: $type,)* own: u8 }
    };
}

model! { Order { id: Option<u64>, #[redact(clear)] note: String, #[redact(mask(last = 2))] pin: String, } }

fn main() {
    let order = Order { id: Some(1), note: String::new(), pin: String::new(), own: 1 };
    let _ = candor::loggable::to_json(&order);

    #[candor::redact]
    #[allow(dead_code)]
    struct Local<'a>(#[redact(clear)] &'a str);
    println!("{:?}", Local("x"));
}
