//! `#[redact]`: parse → check → expand.
//!
//! ```text
//! #[redact]
//! struct Order { id: u64, #[redact(mask(last = 4))] card: String, #[redact(skip)] raw: Vec<u8> }
//! ```
//!
//! stays, without the attributes of its fields, and gets
//!
//! ```text
//! impl Loggable for Order {
//!     fn log(&self, to: &mut Encoder<'_>) {
//!         to.object("Order", |object| {
//!             by_type::<u64, { is_sensitive("id") }>(&self.id, object.slot(",\"id\":", ""));
//!             by_policy::<String>(&self.card, TextPolicy::Mask { … }, object.slot(",\"card\":", ""));
//!         });
//!     }
//! }
//! impl Element for Order {}
//! impl Shape for Order { … }
//! impl Debug for Order { … }
//! ```

use proc_macro2::TokenStream;
use quote::quote;
use syn::Item;

mod args;
mod attribute;
mod bounds;
mod emit;
mod model;
mod serde_names;

use self::args::ItemArgs;
use self::model::Redacted;
use crate::errors::Errors;

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    // The compiler reports an item that doesn't parse.
    let Ok(mut item) = syn::parse2::<Item>(item.clone()) else { return item };
    let mut errors = Errors::default();
    let args = ItemArgs::parse(args, &mut errors);
    let redacted = Redacted::parse(&mut item, &mut errors);
    match (redacted, errors.finish()) {
        (Some(redacted), Ok(())) => {
            let impls = emit::impls(&redacted, &args);
            quote!(#item #impls)
        }
        (_, result) => {
            let error = result.err().map(syn::Error::into_compile_error);
            let fallback = emit::fallback(&item, &args.root);
            quote!(#item #error #fallback)
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{ExpectFile, expect_file};
    use quote::quote;

    use super::*;

    fn check(args: TokenStream, item: TokenStream, expected: &ExpectFile) {
        let file = syn::parse2(expand(args, item)).expect("items");
        expected.assert_eq(&prettyplease::unparse(&file));
    }

    #[test]
    fn of_a_struct() {
        let item = quote! {
            /// An order of a customer.
            #[derive(Clone)]
            #[serde(rename_all = "camelCase")]
            pub struct Order<T> {
                pub id: u64,
                pub auth_token: String,
                pub items: Vec<T>,
                #[redact(clear)]
                pub shop: String,
                #[redact(clear, reason = "a test account")]
                pub password: String,
                #[redact(mask(last = 4))]
                pub card: String,
                #[redact(with = first_line)]
                pub note: String,
                #[redact(secret)]
                pub address: Address,
                #[redact(skip)]
                pub raw: Vec<u8>,
            }
        };
        check(quote!(), item, &expect_file!["snapshots/redact_struct.rs"]);
    }

    #[test]
    fn of_an_enum() {
        let item = quote! {
            enum Payment {
                Free,
                Voucher(#[redact(clear)] String),
                Card { #[redact(mask(first = 2, last = 2))] number: String, month: u8 },
                Transfer(Iban, #[redact(skip)] Raw),
            }
        };
        check(quote!(default = secret), item, &expect_file!["snapshots/redact_enum.rs"]);
    }

    #[test]
    fn of_an_item_with_a_mistake() {
        let item = quote! {
            struct Order {
                #[redact(claer)]
                note: String,
            }
        };
        check(quote!(), item, &expect_file!["snapshots/redact_mistake.rs"]);
    }
}
