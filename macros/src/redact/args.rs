//! The arguments of `#[redact(…)]` on the item.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, Path, Token, parenthesized, parse_quote};

use crate::errors::Errors;

/// `name`, `name(list)` or `name = value`: the form of everything in the parentheses of `#[redact]`.
pub(super) struct Word {
    pub(super) name: Ident,
    pub(super) list: Option<TokenStream>,
    pub(super) value: Option<Expr>,
    all: TokenStream,
}

impl Word {
    pub(super) fn is_bare(&self) -> bool {
        self.list.is_none() && self.value.is_none()
    }

    /// The list or the `= value`.
    pub(super) fn after_name(&self) -> TokenStream {
        self.all.clone().into_iter().skip(1).collect()
    }
}

impl Parse for Word {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let ahead = input.fork();
        let name = input
            .call(Ident::parse_any)
            .map_err(|error| syn::Error::new(error.span(), "expected a name"))?;
        let (mut list, mut value) = (None, None);
        if input.peek(syn::token::Paren) {
            let content;
            parenthesized!(content in input);
            list = Some(content.parse()?);
        } else if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            value = Some(input.parse()?);
        }
        if !input.is_empty() && !input.peek(Token![,]) {
            return Err(input.error("expected `,`"));
        }
        let mut all = TokenStream::new();
        while ahead.cursor() != input.cursor() {
            all.extend([ahead.parse::<proc_macro2::TokenTree>()?]);
        }
        Ok(Word { name, list, value, all })
    }
}

impl ToTokens for Word {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.all.clone());
    }
}

/// What a field shows that neither its own attribute nor the key rule nor its type decides.
#[derive(Clone, Copy)]
pub(super) enum Default {
    Clear,
    Secret,
    Shape,
}

/// The checked arguments.
pub(super) struct Args {
    pub(super) default: Option<Default>,
    /// Where candor is.
    pub(super) root: Path,
}

impl Args {
    pub(super) fn parse(tokens: TokenStream, errors: &mut Errors) -> Args {
        let (mut default, mut root) = (None, None);
        let parse = Punctuated::<Word, Token![,]>::parse_terminated;
        for word in errors.take(parse.parse2(tokens)).unwrap_or_default() {
            let name = &word.name;
            let again = match &*name.to_string() {
                "default" => default.replace(errors.take(default_of(&word))).is_some(),
                "crate" => root.replace(errors.take(path_of(&word))).is_some(),
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
            if again {
                errors.add(name, format_args!("duplicate argument `{name}`"));
            }
        }
        Args {
            default: default.flatten(),
            root: root.flatten().unwrap_or_else(|| parse_quote!(::candor)),
        }
    }
}

fn path_of(word: &Word) -> syn::Result<Path> {
    match &word.value {
        Some(Expr::Path(path)) if path.qself.is_none() => Ok(path.path.clone()),
        Some(value) => Err(syn::Error::new_spanned(
            value,
            "expected the path candor is re-exported from, as in `crate = ::my_platform::candor`",
        )),
        None => Err(syn::Error::new_spanned(
            word,
            "`crate` needs the path candor is re-exported from, as in `crate = ::my_platform::candor`",
        )),
    }
}

fn default_of(word: &Word) -> syn::Result<Default> {
    let Some(value) = &word.value else {
        let message =
            "`default` needs a policy: `default = clear`, `default = secret` or `default = shape`";
        return Err(syn::Error::new_spanned(word, message));
    };
    match value.to_token_stream().to_string().as_str() {
        "clear" => Ok(Default::Clear),
        "secret" => Ok(Default::Secret),
        "shape" => Ok(Default::Shape),
        other => Err(syn::Error::new_spanned(
            value,
            format!("unknown default `{other}`; expected `clear`, `secret` or `shape`"),
        )),
    }
}
