//! Text, and values that contain text: they need a policy.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::{OsStr, OsString};
use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use super::{Encoder, Loggable, Map, TextPolicy, to_json};
use crate::redact::keys;
#[cfg(feature = "serde_json")]
use crate::redact::scrub;

/// Value with a text form that a [policy](crate::policy) can show, mask or shorten.
///
/// Text, paths, addresses and numbers have a text form. A policy applies to the parts of an option, a pointer, a list, a
/// tuple, and to the values of a map, one by one. A list of characters or bytes is treated as one text. The policy
/// `hash` treats a list of numbers as one value too, because hashing each number or character separately would be
/// trivially reversible.
#[diagnostic::on_unimplemented(
    message = "this policy can't be applied to `{Self}`; add `#[redact]` to its definition",
    label = "not text",
    note = "`secret(&x)` hides a value of any type; an error needs no policy: `error = e`",
    note = "or apply the policy to the text or number inside: `hash(x.as_str())`, `hash(&x.0)`"
)]
pub trait Text {
    #[doc(hidden)]
    fn log_text(&self, policy: TextPolicy, to: &mut Encoder<'_>);

    /// Whether writing the value runs no code that might panic.
    #[doc(hidden)]
    #[inline]
    fn is_infallible(&self) -> bool {
        false
    }

    /// Appends the value to `_whole`, if it is a part of a list that is treated as one value.
    #[doc(hidden)]
    fn piece(&self, _whole: &mut Vec<u8>) -> Piece {
        Piece::Value
    }
}

/// The role of a value in a list.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Piece {
    /// A value that is treated by itself.
    Value,
    /// A character or byte of a text.
    Char,
    /// A number, which is part of the whole under the `hash` policy only.
    Number,
}

macro_rules! texts {
    ($($type:ty => $text:expr),* $(,)?) => {$(
        impl Text for $type {
            #[inline]
            fn log_text(&self, policy: TextPolicy, to: &mut Encoder<'_>) {
                let text: fn(&$type) -> Cow<'_, str> = $text;
                policy.write(&text(self), to);
            }
        }
    )*};
}

macro_rules! own_texts {
    ($($type:ty),*) => {$(
        impl Text for $type {
            #[inline]
            fn log_text(&self, policy: TextPolicy, to: &mut Encoder<'_>) {
                policy.write(self, to);
            }

            #[inline]
            fn is_infallible(&self) -> bool {
                true
            }
        }
    )*};
}

own_texts!(str, String);

texts! {
    Path => Path::to_string_lossy,
    PathBuf => |path| path.to_string_lossy(),
    OsStr => OsStr::to_string_lossy,
    OsString => |text| text.to_string_lossy(),
    IpAddr => |address| Cow::Owned(address.to_string()),
    Ipv4Addr => |address| Cow::Owned(address.to_string()),
    Ipv6Addr => |address| Cow::Owned(address.to_string()),
    SocketAddr => |address| Cow::Owned(address.to_string()),
    SocketAddrV4 => |address| Cow::Owned(address.to_string()),
    SocketAddrV6 => |address| Cow::Owned(address.to_string()),
}

#[cfg(feature = "uuid")]
texts! { uuid::Uuid => |id| Cow::Owned(id.to_string()) }

#[cfg(feature = "url")]
texts! { url::Url => |url| Cow::Borrowed(url.as_str()) }

#[cfg(feature = "http")]
texts! {
    http::Uri => |uri| Cow::Owned(uri.to_string()),
    http::uri::Authority => |authority| Cow::Borrowed(authority.as_str()),
    http::uri::PathAndQuery => |target| Cow::Borrowed(target.as_str()),
    http::HeaderName => |name| Cow::Borrowed(name.as_str()),
}

/// A value that is marked as sensitive is hidden under every policy.
#[cfg(feature = "http")]
impl Text for http::HeaderValue {
    fn log_text(&self, policy: TextPolicy, to: &mut Encoder<'_>) {
        if self.is_sensitive() {
            return to.redacted();
        }
        policy.write(&String::from_utf8_lossy(self.as_bytes()), to);
    }
}

impl Text for char {
    fn log_text(&self, policy: TextPolicy, to: &mut Encoder<'_>) {
        policy.write(self.encode_utf8(&mut [0; 4]), to);
    }

    fn piece(&self, whole: &mut Vec<u8>) -> Piece {
        whole.extend_from_slice(self.encode_utf8(&mut [0; 4]).as_bytes());
        Piece::Char
    }
}

impl Text for u8 {
    fn log_text(&self, policy: TextPolicy, to: &mut Encoder<'_>) {
        number(self, policy, to);
    }

    fn piece(&self, whole: &mut Vec<u8>) -> Piece {
        whole.push(*self);
        Piece::Char
    }
}

macro_rules! numbers {
    ($($type:ty)*) => {$(
        impl Text for $type {
            fn log_text(&self, policy: TextPolicy, to: &mut Encoder<'_>) {
                number(self, policy, to);
            }

            fn piece(&self, whole: &mut Vec<u8>) -> Piece {
                whole.extend_from_slice(self.to_string().as_bytes());
                whole.push(b',');
                Piece::Number
            }
        }
    )*};
}

numbers! { bool u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 }
numbers! { NonZero<u8> NonZero<u16> NonZero<u32> NonZero<u64> NonZero<u128> NonZero<usize> }
numbers! { NonZero<i8> NonZero<i16> NonZero<i32> NonZero<i64> NonZero<i128> NonZero<isize> }

fn number(value: &(impl Loggable + ToString), policy: TextPolicy, to: &mut Encoder<'_>) {
    match policy {
        TextPolicy::Clear => value.log(to),
        _ => policy.write(&value.to_string(), to),
    }
}

/// `clear` shows everything, `scrub` shows the value as [`scrub::json`] does. The other policies apply to one text, so
/// they hide lists and objects.
#[cfg(feature = "serde_json")]
impl Text for serde_json::Value {
    fn log_text(&self, policy: TextPolicy, to: &mut Encoder<'_>) {
        use serde_json::Value;

        match (policy, self) {
            (TextPolicy::Scrub, value) => scrub::json(value).log(to),
            (_, Value::Null) => to.null(),
            (_, Value::Bool(value)) => value.log_text(policy, to),
            (_, Value::String(text)) => policy.write(text, to),
            (TextPolicy::Clear, Value::Number(number)) => to.raw_json(&number.to_string()),
            (_, Value::Number(number)) => policy.write(&number.to_string(), to),
            (TextPolicy::Clear, Value::Array(items)) => items.log_text(policy, to),
            (TextPolicy::Clear, Value::Object(object)) => to.map(|map| {
                for (key, value) in object {
                    let key = Decided { value: key, policy: TextPolicy::Scrub };
                    map.entry(&key, &Decided { value, policy });
                }
            }),
            _ => to.redacted(),
        }
    }
}

/// Loggable value under a policy, made by the functions of [`policy`](crate::policy).
pub struct Decided<'a, T: ?Sized> {
    pub(in crate::redact) value: &'a T,
    pub(in crate::redact) policy: TextPolicy,
}

impl<T: Text + ?Sized> Loggable for Decided<'_, T> {
    #[inline(always)]
    fn log(&self, to: &mut Encoder<'_>) {
        self.value.log_text(self.policy, to);
    }

    #[inline]
    fn is_infallible(&self) -> bool {
        self.value.is_infallible()
    }
}

macro_rules! pointers {
    ($($type:ty),*) => {$(
        impl<T: Text + ?Sized> Text for $type {
            fn log_text(&self, policy: TextPolicy, to: &mut Encoder<'_>) {
                (**self).log_text(policy, to);
            }

            #[inline]
            fn is_infallible(&self) -> bool {
                (**self).is_infallible()
            }

            fn piece(&self, whole: &mut Vec<u8>) -> Piece {
                (**self).piece(whole)
            }
        }
    )*};
}

pointers!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);

impl<T: Text + ToOwned + ?Sized> Text for Cow<'_, T> {
    fn log_text(&self, policy: TextPolicy, to: &mut Encoder<'_>) {
        (**self).log_text(policy, to);
    }

    fn piece(&self, whole: &mut Vec<u8>) -> Piece {
        (**self).piece(whole)
    }
}

impl<T: Text> Text for Option<T> {
    fn log_text(&self, policy: TextPolicy, to: &mut Encoder<'_>) {
        match self {
            Some(value) => value.log_text(policy, to),
            None => to.null(),
        }
    }

    fn piece(&self, whole: &mut Vec<u8>) -> Piece {
        match self {
            Some(value) => value.piece(whole),
            None => {
                whole.push(b',');
                Piece::Number
            }
        }
    }
}

/// Writes a list item by item, or as one value; `sorted` if its order has no meaning.
fn list<'a, T: Text + 'a>(
    items: impl Iterator<Item = &'a T> + Clone,
    sorted: bool,
    policy: TextPolicy,
    to: &mut Encoder<'_>,
) {
    if let Some(whole) = whole(items.clone(), sorted, policy) {
        return match policy {
            TextPolicy::Hash(name) => to.pseudonym(name, &whole),
            _ => policy.write(&String::from_utf8_lossy(&whole), to),
        };
    }
    to.list(|list| {
        for item in items {
            list.item(&Decided { value: item, policy });
        }
    });
}

/// Returns the bytes of a list that the policy treats as one value.
fn whole<'a, T: Text + 'a>(
    items: impl Iterator<Item = &'a T>,
    sorted: bool,
    policy: TextPolicy,
) -> Option<Vec<u8>> {
    if matches!(policy, TextPolicy::Clear) {
        return None;
    }
    let mut pieces = Vec::new();
    let mut has_letters = false;
    for item in items {
        let mut piece = Vec::new();
        match item.piece(&mut piece) {
            Piece::Value => return None,
            Piece::Char => has_letters = true,
            Piece::Number => {}
        }
        pieces.push(piece);
    }
    let is_whole = has_letters || matches!(policy, TextPolicy::Hash(_));
    if pieces.is_empty() || !is_whole {
        return None;
    }
    if sorted {
        pieces.sort_unstable();
    }
    Some(pieces.concat())
}

macro_rules! lists {
    ($([$($bound:tt)*] $type:ty, $sorted:expr;)*) => {$(
        impl<$($bound)*> Text for $type {
            fn log_text(&self, policy: TextPolicy, to: &mut Encoder<'_>) {
                list(self.iter(), $sorted, policy, to);
            }
        }
    )*};
}

lists! {
    [T: Text] [T], false;
    [T: Text, const N: usize] [T; N], false;
    [T: Text] Vec<T>, false;
    [T: Text] VecDeque<T>, false;
    [T: Text] LinkedList<T>, false;
    [T: Text] BTreeSet<T>, false;
    [T: Text] BinaryHeap<T>, true;
    [T: Text, S: BuildHasher] HashSet<T, S>, true;
}

macro_rules! maps {
    ($([$($bound:tt)*] $type:ty),*) => {$(
        impl<$($bound)*> Text for $type {
            fn log_text(&self, policy: TextPolicy, to: &mut Encoder<'_>) {
                to.map(|map| {
                    for (key, value) in self {
                        entry(map, key, value, policy);
                    }
                });
            }
        }
    )*};
}

/// Writes an entry. A policy that hides a part of each text also applies to keys, since a key may be an address. The
/// key rule is applied to the whole key.
fn entry<K: Text, V: Text>(map: &mut Map<'_, '_>, key: &K, value: &V, policy: TextPolicy) {
    let key_policy = match policy {
        TextPolicy::Hash(_) | TextPolicy::Mask { .. } | TextPolicy::Email => policy,
        TextPolicy::Clear | TextPolicy::Url | TextPolicy::Scrub => TextPolicy::Scrub,
    };
    let name = to_json(&Decided { value: key, policy: TextPolicy::Clear });
    let key = Decided { value: key, policy: key_policy };
    map.entry_if(keys::hides(&name), &key, &Decided { value, policy });
}

maps! {
    [K: Text, V: Text] BTreeMap<K, V>,
    [K: Text, V: Text, S: BuildHasher] HashMap<K, V, S>
}

macro_rules! tuples {
    ($($($name:ident)+;)*) => {$(
        impl<$($name: Text),+> Text for ($($name,)+) {
            fn log_text(&self, policy: TextPolicy, to: &mut Encoder<'_>) {
                #[expect(non_snake_case, reason = "a variable per type parameter")]
                let ($($name,)+) = self;
                to.list(|list| {
                    $(list.item(&Decided { value: $name, policy });)+
                });
            }
        }
    )*};
}

tuples! {
    A; A B; A B C; A B C D; A B C D E; A B C D E F; A B C D E F G; A B C D E F G H;
    A B C D E F G H I; A B C D E F G H I J; A B C D E F G H I J K; A B C D E F G H I J K L;
}
