//! The arguments of `#[redact(…)]` on the item.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{Expr, Path, parse_quote};

use crate::errors::{Errors, unknown};
use crate::policy::MetaArg;

pub(super) struct ItemArgs {
    /// `clear`, `secret` or `shape`: the policy of the fields that have no other and whose type is not
    /// loggable.
    pub(super) default: Option<&'static str>,
    /// The value of `crate = …`.
    pub(super) root: Path,
}

impl ItemArgs {
    pub(super) fn parse(tokens: TokenStream, errors: &mut Errors) -> ItemArgs {
        let (mut default, mut root) = (None, None);
        for arg in errors.take(MetaArg::parse_all(tokens)).unwrap_or_default() {
            let name = &arg.name;
            let is_duplicate = match &*name.to_string() {
                "default" => default.replace(errors.take(default_policy(&arg))).is_some(),
                "crate" => root.replace(errors.take(path(&arg))).is_some(),
                "clear" | "secret" | "shape" => {
                    let message = format!(
                        "a policy applies to a field; for all fields without one, write `default = {name}`"
                    );
                    errors.add(name, message);
                    false
                }
                _ => {
                    let known = ["default", "crate"];
                    errors.add(name, unknown("argument", &name.to_string(), "", &known));
                    false
                }
            };
            if is_duplicate {
                errors.add(name, format_args!("duplicate argument `{name}`"));
            }
        }
        ItemArgs {
            default: default.flatten(),
            root: root.flatten().unwrap_or_else(|| parse_quote!(::candor)),
        }
    }
}

fn path(arg: &MetaArg) -> syn::Result<Path> {
    let expected =
        "expected the path that candor is re-exported from: `crate = ::my_platform::candor`";
    match &arg.value {
        Some(Expr::Path(path)) if path.qself.is_none() => Ok(path.path.clone()),
        Some(value) => Err(syn::Error::new_spanned(value, expected)),
        None => Err(syn::Error::new_spanned(arg, expected)),
    }
}

fn default_policy(arg: &MetaArg) -> syn::Result<&'static str> {
    let Some(value) = &arg.value else {
        let message =
            "expected a policy: `default = secret`, `default = shape` or `default = clear`";
        return Err(syn::Error::new_spanned(arg, message));
    };
    let text = value.to_token_stream().to_string();
    let known = ["secret", "shape", "clear"];
    known
        .into_iter()
        .find(|policy| *policy == text)
        .ok_or_else(|| syn::Error::new_spanned(value, unknown("default", &text, "", &known)))
}
