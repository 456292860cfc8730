//! Types with `#[redact]`. Redaction that is decided at compile time can't be turned off, so each type has a
//! twin with a derived `Debug`, which is logged in its place while redaction is off.

use std::collections::BTreeMap;
use std::sync::Arc;

use candor::policy::{email, mask, secret, url};

use super::{CANARY, Case, KEPT};

/// The type with its attributes, and its twin with the same fields and none.
macro_rules! twins {
    ($cases:ident: $(
        $what:literal $([$($argument:tt)*])? {
            $( $(#[redact $decision:tt])? $field:ident: $type:ty = $value:expr, )*
        }
    )*) => {$(
        $cases.push(Case {
            name: $what.to_owned(),
            canary: CANARY.to_owned(),
            write: Box::new(|off| {
                #[candor::redact $(($($argument)*))?]
                #[allow(dead_code, reason = "what is hidden is not read")]
                struct Shown {
                    kept: Kept,
                    $( $(#[redact $decision])? $field: $type, )*
                }
                #[derive(Debug)]
                #[allow(dead_code, reason = "only printed")]
                struct Raw {
                    $( $field: $type, )*
                }

                if off {
                    return tracing::info!(value = ?Raw { $( $field: $value, )* }, "raw");
                }
                let value = Shown { kept: Kept, $( $field: $value, )* };
                candor::info!(value, "the value");
                candor::info!(list = vec![&value], some = Some(&value), "inside others");
                candor::info!("in a message: {}, {:?}", value, value);
                tracing::info!(?value, debug = format_args!("{value:?} {value:#?}"), "as Debug");
                #[candor::step_timed(fields(value), ret)]
                fn step(value: Shown) -> Shown {
                    candor::record("again", &value);
                    value
                }
                let _ = step(value);
            }),
        });
    )*};
}

/// Harmless text that every type shows.
#[derive(Debug, Clone, Copy)]
struct Kept;

impl candor::Loggable for Kept {
    fn log(&self, to: &mut candor::loggable::Encoder<'_>) {
        to.text(KEPT);
    }
}

fn owned() -> String {
    CANARY.to_owned()
}

fn length(text: &str) -> usize {
    text.len()
}

/// A redacted type inside others.
#[candor::redact]
#[derive(Clone)]
struct Inner {
    #[redact(secret)]
    #[allow(dead_code, reason = "what is hidden is not read")]
    value: String,
}

/// The twin shows everything, as do the twins of the types around it.
struct Bare(Inner);

impl std::fmt::Debug for Bare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.value)
    }
}

impl candor::Loggable for Bare {
    fn log(&self, to: &mut candor::loggable::Encoder<'_>) {
        to.value(&self.0);
    }
}

impl candor::loggable::Element for Bare {}

fn bare() -> Bare {
    Bare(Inner { value: owned() })
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    twins! { cases:
        "secret" { #[redact(secret)] note: String = owned(), }
        "secret of bytes" { #[redact(secret)] note: Vec<u8> = CANARY.into(), }
        "a mask that shows nothing" { #[redact(mask(last = 4))] note: String = CANARY[..7].to_owned(), more: Bare = bare(), }
        "a mask of both ends" { #[redact(mask(first = 2, last = 2))] note: String = owned(), }
        "email" { #[redact(email)] note: String = format!("{CANARY}@example.com"), }
        "no email" { #[redact(email)] note: String = owned(), }
        "url" { #[redact(url)] note: String = format!("https://a:{CANARY}@example.com/b?token={CANARY}"), }
        "no url" { #[redact(url)] note: String = format!("{CANARY} {CANARY}"), }
        "scrub" { #[redact(scrub)] note: String = format!("password={CANARY}"), }
        "skip" { #[redact(skip)] note: String = owned(), }
        "with" { #[redact(with = length)] note: String = owned(), }
        "the name" { password: String = owned(), }
        "the name of an option" { access_token: Option<String> = Some(owned()), }
        "the name of a list" { api_keys: Vec<String> = vec![owned()], }
        "the name of a map" { credentials: BTreeMap<String, String> = BTreeMap::from([(owned(), owned())]), }
        "a default of secret" [default = secret] { note: String = owned(), }
        "another type" { inner: Bare = bare(), }
        "another type in an option" { inner: Option<Bare> = Some(bare()), }
        "another type in a list" { inner: Vec<Bare> = vec![bare(), bare()], }
        "another type behind pointers" { inner: Arc<Bare> = Arc::new(bare()), }
        "another type under a name" { session: Bare = bare(), }
    }
    type Decided = (&'static str, fn(bool));
    let decided: [Decided; 5] = [
        ("the function secret", |off| match off {
            true => tracing::info!(note = CANARY, "raw"),
            false => {
                candor::info!(note = secret(CANARY), kept = Kept, "decided {}", secret(CANARY))
            }
        }),
        ("the function mask", |off| match off {
            true => tracing::info!(note = CANARY, "raw"),
            false => candor::info!(note = mask(CANARY).last(2), kept = Kept, "decided"),
        }),
        ("the function email", |off| match off {
            true => tracing::info!(note = CANARY, "raw"),
            false => {
                candor::info!(note = email(&format!("{CANARY}@a.example")), kept = Kept, "decided")
            }
        }),
        ("the function url", |off| match off {
            true => tracing::info!(note = CANARY, "raw"),
            false => candor::info!(
                note = url(&format!("https://{CANARY}@a/?{CANARY}")),
                kept = Kept,
                "decided"
            ),
        }),
        ("a context's field", |off| {
            candor::RequestContext::new().enter_with(|| {
                candor::context::set("api_key", Kept);
                match off {
                    true => tracing::info!(note = CANARY, "raw"),
                    false => candor::context::set("password", secret(CANARY)),
                }
                tracing::info!(kept = KEPT, "in");
            });
        }),
    ];
    cases.extend(decided.map(|(name, write)| Case {
        name: name.to_owned(),
        canary: CANARY.to_owned(),
        write: Box::new(write),
    }));
    cases
}
