//! The arguments of `#[redact(…)]` on the item.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{Expr, Path, parse_quote};

use crate::errors::Errors;
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
                        "a policy goes on a field; for every undecided field write `default = {name}`"
                    );
                    errors.add(name, message);
                    false
                }
                _ => {
                    let message =
                        format!("unknown argument `{name}`; expected one of `default`, `crate`");
                    errors.add(name, message);
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
    let expected = "the path candor is re-exported from, as in `crate = ::my_platform::candor`";
    match &arg.value {
        Some(Expr::Path(path)) if path.qself.is_none() => Ok(path.path.clone()),
        Some(value) => Err(syn::Error::new_spanned(value, format!("expected {expected}"))),
        None => Err(syn::Error::new_spanned(arg, format!("`crate` needs {expected}"))),
    }
}

fn default_policy(arg: &MetaArg) -> syn::Result<&'static str> {
    let Some(value) = &arg.value else {
        let message =
            "`default` needs a policy: `default = clear`, `default = secret` or `default = shape`";
        return Err(syn::Error::new_spanned(arg, message));
    };
    let text = value.to_token_stream().to_string();
    ["clear", "secret", "shape"].into_iter().find(|policy| *policy == text).ok_or_else(|| {
        let message = format!("unknown default `{text}`; expected `clear`, `secret` or `shape`");
        syn::Error::new_spanned(value, message)
    })
}
