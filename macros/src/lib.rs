//! The attribute macros of [candor](https://docs.rs/candor). Depend on `candor`, which re-exports
//! them and documents them in context.

use proc_macro::TokenStream;

mod args;
mod dependency_call;
mod errors;
mod event;
mod function;
mod redact;
mod step_timed;
mod timed;

/// Times a function and writes one `step_timing` line at its end, whatever the end is.
#[proc_macro_attribute]
pub fn step_timed(args: TokenStream, item: TokenStream) -> TokenStream {
    expand(args, item, step_timed::expand)
}

/// Times a call to a dependency and writes one `dependency_call` line at its end.
#[proc_macro_attribute]
pub fn dependency_call(args: TokenStream, item: TokenStream) -> TokenStream {
    expand(args, item, dependency_call::expand)
}

/// Makes a struct or enum loggable, field by field, and gives it a `Debug` that shows the same.
///
/// ```
/// use candor::loggable::to_json;
/// use candor::redact;
///
/// #[redact]
/// struct Payment {
///     order_id: u64,
///     api_token: String,
///     #[redact(clear)]
///     currency: String,
///     #[redact(mask(last = 4))]
///     card: String,
///     #[redact(email)]
///     receipt_to: Option<String>,
/// }
///
/// let payment = Payment {
///     order_id: 7,
///     api_token: "t-9f8e7d".to_owned(),
///     currency: "EUR".to_owned(),
///     card: "4111111111111111".to_owned(),
///     receipt_to: Some("ada@example.com".to_owned()),
/// };
/// let json = concat!(
///     r#"{"order_id":7,"api_token":"[REDACTED]","currency":"EUR","#,
///     r#""card":"****1111","receipt_to":"a***@example.com"}"#
/// );
/// assert_eq!(to_json(&payment), json);
/// let debug = concat!(
///     r#"Payment { order_id: 7, api_token: "[REDACTED]", currency: "EUR", "#,
///     r#"card: "****1111", receipt_to: "a***@example.com" }"#
/// );
/// assert_eq!(format!("{payment:?}"), debug);
/// ```
///
/// # What decides on a field
///
/// The first of these that has an answer:
///
/// 1. its own attribute, from the table below;
/// 2. the key rule (`candor::keys`) on its Rust name and on every name serde knows it by (`rename`,
///    `rename_all`, `alias`): a sensitive one shows `"[REDACTED]"`. A field without a name goes by
///    that of its tuple struct (`struct Password(String)`) or variant;
/// 3. its type, if that is `Loggable`: numbers, booleans, times, every `#[redact]` type, and options,
///    pointers, lists and maps of them;
/// 4. `#[redact(default = …)]` on the item;
/// 5. nothing, which is a compile error at the field's type that names the choices.
///
/// | on a field | what the log shows |
/// |---|---|
/// | `clear` | the text, or what a loggable type shows of itself |
/// | `clear, reason = "…"` | the same, where the key rule finds the name sensitive |
/// | `secret` | `"[REDACTED]"`, whatever the type, the value and its length |
/// | `mask(last = 4)`, `mask(first = 2, last = 2)` | the ends around a mask of fixed width; `"[REDACTED]"` where the value has less than 8 characters or less than twice as many would stay hidden as are shown |
/// | `url` | scheme, host, port and scrubbed path |
/// | `email` | `"a***@example.com"` |
/// | `scrub` | free text, after the scrubber took out what looks like a secret |
/// | `skip` | nothing, not even its name |
/// | `with = path::to::function` | what `fn(&Field) -> impl Loggable` returns |
///
/// | on the item | effect |
/// |---|---|
/// | `default = clear`, `default = secret` | for fields that nothing else decides on |
/// | `crate = path` | where candor is re-exported from |
///
/// # What comes out
///
/// A struct is an object, a tuple struct a list, a newtype its value, a unit struct its name; an enum
/// has serde's external tags: `"Unit"`, `{"Newtype":1}`, `{"Tuple":[1,2]}`, `{"Struct":{"a":1}}`.
/// Keys are serde's names where there are serde attributes. What serde skips is still logged; only
/// `#[redact(skip)]` leaves a field out. Where two fields would get one key, the later one keeps its
/// Rust name.
///
/// # Generics
///
/// A type parameter in a field that its type decides on must be `Loggable`, or `Element` where it
/// stands in a list or in another type; under `clear`, `mask`, `url`, `email` or `scrub` it must be
/// `Text`; under `secret`, `skip` and `with` nothing is asked of it. Such a field has no use for a
/// type-level default: the type it is used with decides.
///
/// # What it generates
///
/// The item itself, without the attributes of its fields, and
///
/// ```text
/// impl Loggable for Payment {
///     fn log(&self, to: &mut Encoder<'_>) {
///         to.object("Payment", |object| {
///             by_type::<u64, { is_sensitive("order_id") }>(&self.order_id, object.slot("order_id"));
///             …
///             by_policy::<String>(&self.card, Leaf::Mask { first: 0, last: 4 }, object.slot("card"));
///         });
///     }
/// }
/// impl Element for Payment {}
/// impl Debug for Payment { … }
/// ```
///
/// # What is refused
///
/// - a field that nothing decides on, and `clear` without a reason on a sensitive name;
/// - `#[derive(Debug)]` beside it, since `Debug` is generated;
/// - unknown, repeated and contradicting policies, an empty reason, a mask that shows nothing;
/// - policies on variants, under `cfg_attr`, and fields without a name under `cfg`;
/// - unions, functions and everything else that is neither a struct nor an enum.
///
/// All mistakes of one item are reported together, and the item stays usable beside them.
#[proc_macro_attribute]
pub fn redact(args: TokenStream, item: TokenStream) -> TokenStream {
    expand(args, item, redact::expand)
}

/// What `candor::info!` and its siblings call, with their crate and their level in front.
#[doc(hidden)]
#[proc_macro]
pub fn event(tokens: TokenStream) -> TokenStream {
    event::expand(tokens.into()).into()
}

/// The one adapter between the compiler's tokens and the expansions: an expansion returns what
/// stands in the item's place, with the errors, if any, beside the user's item.
fn expand(
    args: TokenStream,
    item: TokenStream,
    expansion: fn(proc_macro2::TokenStream, proc_macro2::TokenStream) -> proc_macro2::TokenStream,
) -> TokenStream {
    expansion(args.into(), item.into()).into()
}
