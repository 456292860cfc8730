//! The expansion of `#[step_timed]` and `#[dependency_call]`: parse, check, expand.

use proc_macro2::TokenStream;
use quote::quote;

use crate::args::{Args, SiteKind};
use crate::errors::Errors;
use crate::function::Function;
use crate::{block, timed};

/// Expands one attribute on a function or a block. On a mistake the item stays as it is, next to the
/// errors, so that its uses still compile.
pub(crate) fn expand(kind: SiteKind, args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::parse(kind, args, &mut errors);
    let is_block = block::is_block(&item);
    let expanded = if is_block {
        block::expand(kind, &args, item.clone(), &mut errors)
    } else {
        if let Some(skip) = args.skip {
            let message = format!(
                "`skip` without a list only applies to a method of a block with `#[{}]`",
                kind.attribute()
            );
            errors.push(syn::Error::new(skip, message));
        }
        args.check_dependency(kind, &mut errors);
        errors
            .take(parse_function(
                item.clone(),
                kind.attribute(),
                "functions, `impl` blocks and traits",
            ))
            .and_then(|function| errors.take(timed::expand(kind, &args, function, false)))
    };
    match (errors.finish(), expanded) {
        (Ok(()), Some(expanded)) => expanded,
        (Ok(()), None) => item,
        (Err(error), expanded) => {
            let error = error.into_compile_error();
            // Only an expanded block is without the attributes of its methods, which would expand
            // once more otherwise.
            let item = expanded.filter(|_| is_block).unwrap_or(item);
            quote!(#error #item)
        }
    }
}

/// Parses the function under an attribute, which can be applied to `items`.
pub(crate) fn parse_function(
    item: TokenStream,
    attribute: &str,
    items: &str,
) -> syn::Result<Function> {
    let first = item.clone().into_iter().next();
    syn::parse2(item).map_err(|error: syn::Error| match first {
        // The item is not a function at all; any other error is about the function.
        Some(first) if error.to_string().starts_with("expected `fn`") => {
            let message = format!("`#[{attribute}]` can only be applied to {items}");
            syn::Error::new_spanned(first, message)
        }
        _ => error,
    })
}

#[cfg(test)]
mod tests {
    use expect_test::{ExpectFile, expect_file};

    use super::*;

    fn check(kind: SiteKind, args: TokenStream, item: TokenStream, expected: &ExpectFile) {
        let file = syn::parse2(expand(kind, args, item)).expect("items");
        expected.assert_eq(&prettyplease::unparse(&file));
    }

    #[test]
    fn of_a_function_that_returns_nothing() {
        let item = quote!(
            fn tidy(a: u32) {
                println!("{a}");
            }
        );
        check(SiteKind::Step, quote!(), item, &expect_file!["snapshots/step_guarded.rs"]);
    }

    #[test]
    fn of_a_fallible_function() {
        let item = quote! {
            pub fn reserve(order: &Order, mut left: u32, _: Key) -> Result<u32, Refused> {
                left -= order.count()?;
                Ok(left)
            }
        };
        let args = quote!(fields(id = order.id), slow = "250ms");
        check(SiteKind::Step, args, item, &expect_file!["snapshots/step_sync.rs"]);
    }

    #[test]
    fn of_an_async_function() {
        let item = quote! {
            async fn charge(&self, order: &Order, (a, _): (u32, u32)) -> Result<Receipt, Declined> {
                self.send(order, a).await
            }
        };
        let args = quote!("payments", method = "POST", url = self.url());
        check(SiteKind::Call, args, item, &expect_file!["snapshots/call_async.rs"]);
    }

    #[test]
    fn of_a_call_of_a_url_that_stands_in_the_program() {
        let item = quote! {
            async fn ping() -> Result<(), Down> {
                get().await
            }
        };
        let args = quote!("payments", url = "https://pay.example/ping");
        check(SiteKind::Call, args, item, &expect_file!["snapshots/call_literal_url.rs"]);
    }

    #[test]
    fn of_an_async_function_that_has_to_stay_one() {
        let item = quote!(
            #[must_use]
            async fn count() -> u32 {
                7
            }
        );
        check(SiteKind::Step, quote!(busy), item, &expect_file!["snapshots/step_stays_async.rs"]);
    }

    #[test]
    fn of_a_function_with_a_location() {
        let item = quote! {
            #[track_caller]
            fn find(at: usize) -> Result<u32, Missing> {
                if at == 0 {
                    return Err(Missing);
                }
                look(at)
            }
        };
        check(SiteKind::Step, quote!(), item, &expect_file!["snapshots/step_track_caller.rs"]);
    }

    #[test]
    fn of_a_boxed_future() {
        let item = quote! {
            fn load(&self) -> Pin<Box<dyn Future<Output = u32> + Send + '_>> {
                let at = self.at;
                Box::pin(async move { at })
            }
        };
        check(SiteKind::Step, quote!(), item, &expect_file!["snapshots/step_boxed.rs"]);
    }

    #[test]
    fn of_a_block() {
        let item = quote! {
            impl Store {
                const SIZE: usize = { 4 };
                const fn size(&self) -> usize { Self::SIZE }
                fn clear(&self) {}
                #[step_timed(skip)]
                fn touch(&self) {}
            }
        };
        let args = quote!(level = "debug");
        check(SiteKind::Step, args, item, &expect_file!["snapshots/step_block.rs"]);
    }
}
