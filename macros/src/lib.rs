//! The attribute macros of [candor](https://docs.rs/candor). Depend on `candor`, which re-exports
//! them and documents them in context.

use proc_macro::TokenStream;

mod args;
mod block;
mod dependency_call;
mod errors;
mod event;
mod function;
mod inventory;
mod redact;
mod shape;
mod step_timed;
mod timed;

/// Times a function and writes one `step_timing` line at its end, whatever the end is.
///
/// ```
/// use candor::step_timed;
///
/// #[step_timed(fields(order_id), slow = "250ms")]
/// async fn reserve(order_id: u64) -> Result<u32, std::fmt::Error> {
///     Ok(3)
/// }
///
/// struct Store;
///
/// #[step_timed(level = "debug")]
/// impl Store {
///     fn load(&self) {}
///
///     #[step_timed(skip)]
///     fn size(&self) -> usize {
///         7
///     }
/// }
/// ```
///
/// # Where it goes
///
/// - on any function with a body: free, associated or a method with whatever `self`; in an `impl`, a
///   trait's declaration or a trait's impl; sync, async, `unsafe`, `extern`, generic, made by a
///   `macro_rules!`; above or below `#[async_trait]`;
/// - on a function that returns `impl Future`, `Pin<Box<dyn Future>>`, `BoxFuture` or
///   `LocalBoxFuture`: what is timed is the future, from its first poll to its output or its drop;
/// - on one that returns `impl Stream`, `Pin<Box<dyn Stream>>`, `BoxStream` or `LocalBoxStream` (with
///   candor's feature `stream`): from the first poll to the end or the drop; an item that is an `Err`
///   makes the outcome an error. These types are known by the last word of their path;
/// - on a whole `impl` block or a trait's declaration: every method with a body is a step named
///   `Type::method`. `level`, `target`, `slow`, `err` and `crate` there hold for all methods; an
///   attribute on a method says otherwise for that one, `#[step_timed(skip)]` leaves it out, and
///   `const fn`s and methods under `#[dependency_call]` are left alone.
///
/// # Arguments
///
/// | argument | effect |
/// |---|---|
/// | `"name"` or `name = "…"` | the step's name; the function's where left out |
/// | `level = "debug"`, `target = "…"` | as in tracing |
/// | `fields(id = order.id, order, sku = clear(&sku))` | evaluated once, at entry (of an `async fn`: at its first poll), only where a line could be written |
/// | `ret`, `ret = mask(last = 4)`, `ret = with = path` | the returned (`Ok`) value |
/// | `slow = "250ms"` | below it the line is DEBUG, from it on WARN |
/// | `err = "error"` | level of the line on an error; `"warn"` where left out |
/// | `busy` | adds `busy_ms`, the time inside `poll`; for what is polled |
/// | `crate = path` | where candor is re-exported from |
///
/// A policy that is called by its bare name in `fields` is the function of that name in the module
/// around, where there is one, and candor's elsewhere; so an import of `candor::policy::clear` is
/// needed nowhere, and counts as used where it stands.
///
/// # How it ended
///
/// `outcome` is `error` where the value is an `Err`, also through an alias and in an `impl Trait`;
/// `cancelled` where a future was dropped after its first poll; `panicked`; else `ok`. A return type
/// that is itself a type parameter or a projection is always `ok`. Under `#[track_caller]` an error
/// that leaves by `?` is known by its type only, without `error_detail`.
///
/// # What it generates
///
/// ```text
/// fn reserve(order_id: u64) -> impl Future<Output = Result<u32, Error>> {
///     static __SITE: Site = Site::new(&__SITE, Spec::step("reserve", …).slow_nanos(250000000));
///     Step::new::<Result<u32, Error>>(&__SITE, async move {
///         let order_id = order_id;
///         entered(&__SITE, |fields| fields.field("order_id", …, &order_id));
///         let value: Result<u32, Error> = { … };
///         return value;
///     }, |value| Returned(value).ending())
/// }
/// ```
///
/// A sync function's body is a closure that is called with the function's arguments, or stands where it
/// stood, beside a guard, where the spelling of the return type shows that it can't be an error.
/// Arguments are dropped in the plain function's order; the future is `Send` where the plain one is,
/// and at most 64 bytes larger. An `async fn` stays one, at the price of size and of nesting, under
/// `#[must_use]` or another attribute macro, in the declaration of an annotated trait, and where it
/// returns `!`.
///
/// # What is refused
///
/// A `const fn`, a method without a body, and what is no function; `busy` on what is not polled; `ret`
/// of a stream; unknown, repeated and ill-formed arguments, all of them reported at once; a field or
/// returned value that is not loggable; a field with the name of one of candor's own keys.
#[proc_macro_attribute]
pub fn step_timed(args: TokenStream, item: TokenStream) -> TokenStream {
    expand(args, item, step_timed::expand)
}

/// Times a call to a dependency and writes one `dependency_call` line at its end.
///
/// ```
/// use candor::dependency::Category;
/// use candor::dependency_call;
///
/// struct Reply {
///     code: u16,
/// }
///
/// fn read(reply: &Reply) -> (Option<u16>, Option<Category>) {
///     (Some(reply.code), None)
/// }
///
/// #[dependency_call("payments", method = "POST", url = "https://pay.example/charges", outcome = read)]
/// async fn charge(cents: u64) -> Reply {
///     Reply { code: 201 }
/// }
/// ```
///
/// It goes where [`macro@step_timed`] goes and refuses what that refuses; on a block, `dependency` holds for all
/// methods too.
///
/// | argument | effect |
/// |---|---|
/// | `"payments"` or `dependency = "…"` | who is called; required |
/// | `operation = "…"` | the function's name where left out |
/// | `method = "POST"`, `url = expr` | how and where; the URL is made safe |
/// | `url_template = "/charges/{id}"` | replaces the URL's path, for paths that hold secrets |
/// | `outcome = path::to::function` | `fn(&Returned) -> impl DependencyOutcome`, such as `(Option<u16>, Option<Category>)`: how to read the answer where the returned type does not say it itself |
/// | `fields`, `level`, `target`, `slow`, `ret`, `busy`, `crate` | as for a step |
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
///    that of its tuple struct (`struct Password(String)`) or variant, and one of a variant whose name
///    is sensitive stands under that key (`Pin { value: u32 }`);
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
/// | `hash` | a keyed pseudonym such as `"h1:3fa9:5d0c1b7a9e24f386"`, by which lines can be matched; see `candor::policy::hash` |
/// | `shape` | kind and size class: `"<text 17-32>"`, `"<list 5-8>"`; the keys of a JSON object with their shapes |
/// | `url` | scheme, host, port and scrubbed path |
/// | `email` | `"a***@example.com"` |
/// | `scrub` | free text, after the scrubber took out what looks like a secret; of an error that of its sources too |
/// | `skip` | nothing, not even its name |
/// | `with = path::to::function` | what `fn(&Field) -> impl Loggable` returns |
///
/// | on the item | effect |
/// |---|---|
/// | `default = clear`, `default = secret`, `default = shape` | for fields that nothing else decides on |
/// | `crate = path` | where candor is re-exported from |
///
/// # What comes out
///
/// A struct is an object, a tuple struct a list, a newtype its value, a unit struct its name; an enum
/// has serde's external tags: `"Unit"`, `{"Newtype":1}`, `{"Tuple":[1,2]}`, `{"Struct":{"a":1}}`.
///
/// Where there are serde attributes, keys are serde's names, and JSON has the form that `tag`, `content`,
/// `untagged`, `transparent` and `flatten` give it; `Debug` shows the same values in Rust's form. What serde
/// skips is still logged; only `#[redact(skip)]` leaves a field out. Where two fields would get one key,
/// the later one keeps its Rust name, and what is flattened gets a number behind it. What is nested deeper
/// than 120 levels is `"[…]"`.
///
/// A `#[redact]` error type speaks for itself in `error_detail`:
///
/// ```
/// use std::io;
///
/// #[candor::redact]
/// enum Refused {
///     Card {
///         #[redact(mask(last = 4))]
///         number: String,
///     },
///     Store(#[redact(scrub)] io::Error),
/// }
///
/// let refused = Refused::Card { number: "4242424242424242".to_owned() };
/// assert_eq!(candor::loggable::to_json(&refused), r#"{"Card":{"number":"****4242"}}"#);
/// let store = Refused::Store(io::Error::other("refused, password=hunter2"));
/// let json = candor::loggable::to_json(&store);
/// assert_eq!(json, r#"{"Store":"refused, password=[REDACTED]"}"#);
/// ```
///
/// # Generics
///
/// A type parameter in a field that its type decides on must be `Loggable`, or `Element` where it
/// stands in a list or in another type; under `clear`, `mask`, `hash`, `url`, `email` or `scrub` it must be
/// `Text`, under `shape` itself `Shape`; under `secret`, `skip` and `with` nothing is asked of it. Such a field has no use for a
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
/// impl Shape for Payment { … }
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
