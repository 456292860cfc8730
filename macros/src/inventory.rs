//! What is submitted to `candor::inventory`, where that feature is on.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Expr;
use syn::ext::IdentExt as _;

use crate::args::{Args, Field, Policy, policy_of};

/// One field's name with what decides on it, as an expression.
pub(crate) struct Listed {
    pub(crate) cfgs: Vec<syn::Attribute>,
    pub(crate) name: String,
    pub(crate) decision: TokenStream,
}

/// The submission of a type, step or call; nothing where the feature is off.
pub(crate) fn submit(
    kind: &str,
    dependency: &str,
    name: &str,
    fields: impl IntoIterator<Item = Listed>,
    private: &TokenStream,
) -> Option<TokenStream> {
    // The snapshots are of what everybody gets, also where another package turns the feature on.
    if !cfg!(feature = "inventory") || cfg!(test) {
        return None;
    }
    let fields = fields
        .into_iter()
        .map(|Listed { cfgs, name, decision }| quote!(#(#cfgs)* (#name, #decision)));
    Some(quote! {
        #private::submit! {
            #private::Listed {
                kind: #kind,
                dependency: #dependency,
                module: #private::core::module_path!(),
                name: #name,
                fields: &[#(#fields),*],
            }
        }
    })
}

/// The fields of a step or call, and what it returns.
pub(crate) fn of_args(args: &Args, private: &TokenStream) -> Vec<Listed> {
    let fields = args.fields.iter().map(|Field { name, value }| {
        let name = name.unraw().to_string();
        let by_value = policy_in(value).unwrap_or_else(|| "by its type".to_owned());
        let decision = by_name(std::slice::from_ref(&name), &by_value, private);
        Listed { cfgs: Vec::new(), name, decision }
    });
    let ret = args.ret.as_ref().map(|ret| {
        let decision = match &ret.policy {
            None => "by its type".to_owned(),
            Some(Policy::With(path)) => format!("with = {}", text_of(path)),
            Some(Policy::Named { name, settings }) if settings.is_empty() => name.to_string(),
            Some(Policy::Named { name, settings }) => {
                let settings =
                    settings.iter().map(|(setting, number)| format!("{setting} = {number}"));
                format!("{name}({})", settings.collect::<Vec<_>>().join(", "))
            }
        };
        Listed { cfgs: Vec::new(), name: "ret".to_owned(), decision: decision.to_token_stream() }
    });
    fields.chain(ret).collect()
}

/// A decision that holds where the key rule finds none of the names sensitive.
pub(crate) fn by_name(names: &[String], else_by: &str, private: &TokenStream) -> TokenStream {
    let asked = names.iter().map(|name| quote!(#private::is_sensitive(#name)));
    quote!(if #(#asked)||* { "secret, by its name" } else { #else_by })
}

/// The policy in front of a value, with its settings: `mask(…).last(4)`.
fn policy_in(value: &Expr) -> Option<String> {
    match value {
        Expr::Call(call) => {
            let name = policy_of(call)?;
            Some(name.to_string())
        }
        Expr::MethodCall(call) => {
            let inner = policy_in(&call.receiver)?;
            let settings = text_of(&call.args);
            Some(format!("{inner}.{}({settings})", call.method))
        }
        _ => None,
    }
}

/// Tokens as a reader would write them, nearly.
pub(crate) fn text_of(tokens: &impl ToTokens) -> String {
    tokens
        .to_token_stream()
        .to_string()
        .replace(" :: ", "::")
        .replace(" < ", "<")
        .replace(" >", ">")
        .replace(" ,", ",")
        .replace("& ", "&")
}
