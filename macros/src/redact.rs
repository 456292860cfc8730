//! `#[redact]`: parse → check → expand.
//!
//! ```text
//! #[redact]
//! struct Order { id: u64, #[redact(mask(last = 4))] card: String, #[redact(skip)] raw: Vec<u8> }
//! ```
//!
//! keeps the struct, without the attributes of its fields, and adds
//!
//! ```text
//! impl Loggable for Order {
//!     fn log(&self, to: &mut Encoder<'_>) {
//!         to.object("Order", |object| {
//!             by_type::<u64, { is_sensitive("id") }>(&self.id, object.slot(",\"id\":", ""));
//!             by_policy::<String>(&self.card, Leaf::Mask { … }, object.slot(",\"card\":", ""));
//!         });
//!     }
//! }
//! impl Element for Order {}
//! impl Shape for Order { … }
//! impl Debug for Order { … }
//! ```

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Generics, Ident, Item, Path, parse_quote};

mod args;
mod bounds;
mod emit;
mod model;
mod policy;
mod serde_names;

use crate::errors::Errors;
use args::Args;
use model::Redacted;

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    // What doesn't parse is nothing the compiler would accept, and it says so itself.
    let Ok(mut item) = syn::parse2::<Item>(item.clone()) else { return item };
    let mut errors = Errors::default();
    let args = Args::parse(args, &mut errors);
    let redacted = Redacted::parse(&mut item, &mut errors);
    match (redacted, errors.finish()) {
        (Some(redacted), Ok(())) => {
            let impls = emit::impls(&redacted, &args);
            quote!(#item #impls)
        }
        (_, result) => {
            let error = result.err().map(syn::Error::into_compile_error);
            let fallback = fallback(&item, &args.root);
            quote!(#item #error #fallback)
        }
    }
}

/// Empty impls beside the errors, so that uses of the type don't turn red as well.
fn fallback(item: &Item, root: &Path) -> Option<TokenStream> {
    let (ident, generics, attrs) = match item {
        Item::Struct(item) => (&item.ident, &item.generics, &item.attrs),
        Item::Enum(item) => (&item.ident, &item.generics, &item.attrs),
        Item::Union(item) => (&item.ident, &item.generics, &item.attrs),
        _ => return None,
    };
    // A derived one is among the mistakes, and a second one would be another.
    let with_debug = model::derives_debug(attrs).is_empty();
    let private: Path = parse_quote!(#root::__private);
    let body = quote!(let _ = __to;);
    Some(impls(ident, generics, generics, &private, &TokenStream::new(), &body, with_debug))
}

/// The impls around the body of `log`.
fn impls(
    ident: &Ident,
    for_value: &Generics,
    for_element: &Generics,
    private: &Path,
    allow: &TokenStream,
    body: &TokenStream,
    with_debug: bool,
) -> TokenStream {
    let (params, args, bounds) = for_value.split_for_impl();
    let (_, _, element_bounds) = for_element.split_for_impl();
    let debug = with_debug.then(|| {
        quote! {
            #[automatically_derived]
            #allow
            impl #params #private::core::fmt::Debug for #ident #args #bounds {
                fn fmt(
                    &self,
                    __f: &mut #private::core::fmt::Formatter<'_>,
                ) -> #private::core::fmt::Result {
                    #private::debug(self, __f)
                }
            }
        }
    });
    quote! {
        #[automatically_derived]
        #allow
        impl #params #private::Loggable for #ident #args #bounds {
            fn log(&self, __to: &mut #private::Encoder<'_>) {
                #body
            }
        }

        #[automatically_derived]
        #allow
        impl #params #private::Element for #ident #args #element_bounds {}

        #[automatically_derived]
        #allow
        impl #params #private::Shape for #ident #args #bounds {
            fn log_shape(&self, __to: &mut #private::Encoder<'_>) {
                #private::of_loggable(self, __to)
            }
        }

        #debug
    }
}

/// The tokens of a name without `r#`.
fn plain(ident: &Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map(str::to_owned).unwrap_or(text)
}

/// Words of a list in an error: "`a`, `b`, `c`".
fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// A type as text, to find the same type again.
fn same(a: &impl ToTokens, b: &impl ToTokens) -> bool {
    a.to_token_stream().to_string() == b.to_token_stream().to_string()
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
