//! The entries that `candor::inventory` collects, if that feature is on.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::Expr;

use crate::args::Args;
use crate::field::FieldValue;
use crate::tokens::source_text;
use crate::value::{called_policy, is_literal_text};

/// The name of a field and, as an expression, the text about the policy that applies to it.
pub(crate) struct ListedField {
    pub(crate) cfgs: Vec<syn::Attribute>,
    /// An expression.
    pub(crate) name: TokenStream,
    pub(crate) decision: TokenStream,
}

/// The entry of a type, step or call.
pub(crate) fn submit(
    kind: &str,
    dependency: &TokenStream,
    name: &TokenStream,
    fields: impl IntoIterator<Item = ListedField>,
    private: &TokenStream,
) -> Option<TokenStream> {
    // The snapshots are the same if another package of the build turns the feature on.
    if !cfg!(feature = "inventory") || cfg!(test) {
        return None;
    }
    let fields = fields
        .into_iter()
        .map(|ListedField { cfgs, name, decision }| quote!(#(#cfgs)* (#name, #decision)));
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

/// The fields of a step or call, and its `ret`.
pub(crate) fn of_args(args: &Args, private: &TokenStream) -> Vec<ListedField> {
    let is_lenient = args.instrument.as_ref().is_some_and(|own| !own.is_strict);
    let fields = args.fields.iter().chain(&args.context).map(|field| {
        let name = field.name.to_token_stream();
        let by_value = match &field.value {
            FieldValue::Given(value) | FieldValue::Own(value) => value_text(value, is_lenient),
            FieldValue::Empty(_) => "by the recorded value".to_owned(),
        };
        let decision = quote! {
            if #private::is_sensitive(#name) { "secret, by its name" } else { #by_value }
        };
        ListedField { cfgs: Vec::new(), name, decision }
    });
    let ret = args.ret.as_ref().map(|ret| {
        let policy = ret.policy.as_ref();
        let decision = policy.map_or_else(|| by_type(is_lenient).to_owned(), ToString::to_string);
        let decision = decision.to_token_stream();
        ListedField { cfgs: Vec::new(), name: quote!("ret"), decision }
    });
    fields.chain(ret).collect()
}

/// The text `otherwise`, unless the key rule hides one of the names.
pub(crate) fn by_name(names: &[String], otherwise: &str, private: &TokenStream) -> TokenStream {
    let is_hidden = names.iter().map(|name| quote!(#private::is_sensitive(#name)));
    quote!(if #(#is_hidden)||* { "secret, by its name" } else { #otherwise })
}

fn value_text(value: &Expr, is_lenient: bool) -> String {
    if is_literal_text(value) {
        return "clear".to_owned();
    }
    policy_text(value).unwrap_or_else(|| by_type(is_lenient).to_owned())
}

fn by_type(is_lenient: bool) -> &'static str {
    if is_lenient { "by its type, else its shape" } else { "by its type" }
}

/// The policy called on a value, with its settings: `mask.last(4)`.
fn policy_text(value: &Expr) -> Option<String> {
    match value {
        Expr::Call(call) => {
            let policy = called_policy(call)?;
            let settings: Vec<_> = call.args.iter().skip(1).collect();
            if settings.is_empty() {
                return Some(policy.to_string());
            }
            Some(format!("{policy}({})", source_text(&quote!(#(#settings),*))))
        }
        Expr::MethodCall(call) => {
            let policy = policy_text(&call.receiver)?;
            Some(format!("{policy}.{}({})", call.method, source_text(&call.args)))
        }
        _ => None,
    }
}
