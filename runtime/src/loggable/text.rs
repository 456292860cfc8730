//! Text and what holds text: shown only through a decision.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use super::{Encoder, Loggable};
use crate::scrub;

/// A value with a text form, which a [policy](crate::policy) can show, mask or cut down.
///
/// Text, paths, addresses and numbers have one; an option, a pointer, a list or a map's values are
/// treated one by one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no text that a policy could show",
    label = "no policy for this type",
    note = "show its text with `clear(&x.to_string())`, hide it with `secret(&x)`, or put `#[redact]` on its definition"
)]
pub trait Text {
    #[doc(hidden)]
    fn log_text(&self, leaf: Leaf, to: &mut Encoder<'_>);
}

/// What a policy does with one piece of text.
#[derive(Debug, Clone, Copy)]
pub enum Leaf {
    /// As it is; a number stays a number.
    Clear,
    /// The first and last characters around a mask.
    Mask {
        /// How many characters stay readable at the start.
        first: usize,
        /// How many at the end.
        last: usize,
    },
    /// A URL without user info, query and fragment.
    Url,
    /// An address with its first letter and its domain.
    Email,
    /// Free text through the scrubber.
    Scrub,
}

impl Leaf {
    fn write(self, text: &str, to: &mut Encoder<'_>) {
        match self {
            Leaf::Clear => to.text(text),
            Leaf::Mask { first, last } => masked(text, first, last, to),
            Leaf::Url => to.text(&scrub::url(text)),
            Leaf::Email => email(text, to),
            Leaf::Scrub => to.text(&scrub::text(text)),
        }
    }
}

/// The mask has one width, so that it does not tell the length; the ends are shown only where twice
/// as many characters stay hidden.
fn masked(text: &str, first: usize, last: usize, to: &mut Encoder<'_>) {
    let length = text.chars().count();
    let shown = first.saturating_add(last);
    if length < 8 || length.saturating_sub(shown) < shown.saturating_mul(2) {
        return to.redacted();
    }
    let byte = |character| text.char_indices().nth(character).map_or(text.len(), |(at, _)| at);
    to.text_of([&text[..byte(first)], "****", &text[byte(length - last)..]]);
}

fn email(text: &str, to: &mut Encoder<'_>) {
    match text.trim().rsplit_once('@') {
        Some((local, domain)) if is_domain(domain) && !local.is_empty() => {
            let first = local.chars().next().map_or(0, char::len_utf8);
            to.text_of([&local[..first], "***@", domain]);
        }
        _ => to.redacted(),
    }
}

fn is_domain(text: &str) -> bool {
    text.contains('.')
        && text.split('.').all(|label| {
            !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        })
}

macro_rules! texts {
    ($($type:ty => $text:expr),* $(,)?) => {$(
        impl Text for $type {
            fn log_text(&self, leaf: Leaf, to: &mut Encoder<'_>) {
                let text: fn(&$type) -> Cow<'_, str> = $text;
                leaf.write(&text(self), to);
            }
        }
    )*};
}

texts! {
    str => |text| Cow::Borrowed(text),
    String => |text| Cow::Borrowed(text),
    char => |c| Cow::Owned(c.to_string()),
    Path => Path::to_string_lossy,
    PathBuf => |path| path.to_string_lossy(),
    IpAddr => |address| Cow::Owned(address.to_string()),
    Ipv4Addr => |address| Cow::Owned(address.to_string()),
    Ipv6Addr => |address| Cow::Owned(address.to_string()),
    SocketAddr => |address| Cow::Owned(address.to_string()),
    SocketAddrV4 => |address| Cow::Owned(address.to_string()),
    SocketAddrV6 => |address| Cow::Owned(address.to_string()),
}

macro_rules! numbers {
    ($($type:ty)*) => {$(
        impl Text for $type {
            fn log_text(&self, leaf: Leaf, to: &mut Encoder<'_>) {
                match leaf {
                    Leaf::Clear => self.log(to),
                    _ => leaf.write(&self.to_string(), to),
                }
            }
        }
    )*};
}

numbers! { bool u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 }

impl Text for uuid::Uuid {
    fn log_text(&self, leaf: Leaf, to: &mut Encoder<'_>) {
        leaf.write(&self.to_string(), to);
    }
}

/// A part of a text-holding value, made loggable by the policy on the whole.
pub(super) struct Part<'a, T: ?Sized>(pub(super) &'a T, pub(super) Leaf);

impl<T: Text + ?Sized> Loggable for Part<'_, T> {
    fn log(&self, to: &mut Encoder<'_>) {
        self.0.log_text(self.1, to);
    }
}

macro_rules! pointers {
    ($($type:ty),*) => {$(
        impl<T: Text + ?Sized> Text for $type {
            fn log_text(&self, leaf: Leaf, to: &mut Encoder<'_>) {
                (**self).log_text(leaf, to);
            }
        }
    )*};
}

pointers!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);

impl<T: Text + ToOwned + ?Sized> Text for Cow<'_, T> {
    fn log_text(&self, leaf: Leaf, to: &mut Encoder<'_>) {
        (**self).log_text(leaf, to);
    }
}

impl<T: Text> Text for Option<T> {
    fn log_text(&self, leaf: Leaf, to: &mut Encoder<'_>) {
        match self {
            Some(value) => value.log_text(leaf, to),
            None => to.null(),
        }
    }
}

macro_rules! lists {
    ($([$($bound:tt)*] $type:ty),* $(,)?) => {$(
        impl<$($bound)*> Text for $type {
            fn log_text(&self, leaf: Leaf, to: &mut Encoder<'_>) {
                to.list(|list| {
                    for item in self {
                        list.item(&Part(item, leaf));
                    }
                });
            }
        }
    )*};
}

lists! {
    [T: Text] [T],
    [T: Text, const N: usize] [T; N],
    [T: Text] Vec<T>,
    [T: Text] VecDeque<T>,
    [T: Text] BTreeSet<T>,
    [T: Text, S: BuildHasher] HashSet<T, S>,
}

macro_rules! maps {
    ($([$($bound:tt)*] $type:ty),*) => {$(
        impl<$($bound)*> Text for $type {
            fn log_text(&self, leaf: Leaf, to: &mut Encoder<'_>) {
                to.map(|map| {
                    for (key, value) in self {
                        map.entry(&Part(key, Leaf::Scrub), &Part(value, leaf));
                    }
                });
            }
        }
    )*};
}

maps! {
    [K: Text, V: Text] BTreeMap<K, V>,
    [K: Text, V: Text, S: BuildHasher] HashMap<K, V, S>
}
