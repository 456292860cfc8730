//! Text and what holds text: shown only through a decision.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::{OsStr, OsString};
use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;

use super::{Element, Encoder, Leaf, Loggable, Map, to_json};
use crate::redact::{keys, scrub};

/// A value with a text form, which a [policy](crate::policy) can show, mask or cut down.
///
/// Text, paths, addresses and numbers have one; an option, a pointer, a list, a tuple or a map's values
/// are treated one by one. Lists of letters and bytes are treated as the text they are, and a `hash` of a
/// list of numbers is one of the whole: a pseudonym per letter would be a cipher that a child breaks.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no text that a policy could show",
    label = "no policy for this type",
    note = "show its text with `clear(&x.to_string())`, hide it with `secret(&x)`, or put `#[redact]` on its definition"
)]
pub trait Text {
    #[doc(hidden)]
    fn log_text(&self, leaf: Leaf, to: &mut Encoder<'_>);

    /// Whether the text is at hand, so that nothing is asked that might panic.
    #[doc(hidden)]
    #[inline]
    fn is_plain(&self) -> bool {
        false
    }

    /// Appends the value as a part of the list it stands in, where such a list is one thing.
    #[doc(hidden)]
    fn piece(&self, _whole: &mut Vec<u8>) -> Piece {
        Piece::Own
    }
}

/// What a value is in a list.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Piece {
    /// A value of its own.
    Own,
    /// A letter or byte of a text.
    Letter,
    /// A digit, so to speak, of a number.
    Digit,
}

macro_rules! texts {
    ($($type:ty => $text:expr),* $(,)?) => {$(
        impl Text for $type {
            #[inline]
            fn log_text(&self, leaf: Leaf, to: &mut Encoder<'_>) {
                let text: fn(&$type) -> Cow<'_, str> = $text;
                leaf.write(&text(self), to);
            }
        }
    )*};
}

macro_rules! own_texts {
    ($($type:ty),*) => {$(
        impl Text for $type {
            #[inline]
            fn log_text(&self, leaf: Leaf, to: &mut Encoder<'_>) {
                leaf.write(self, to);
            }

            #[inline]
            fn is_plain(&self) -> bool {
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
    uuid::Uuid => |id| Cow::Owned(id.to_string()),
}

#[cfg(feature = "url")]
texts! { url::Url => |url| Cow::Borrowed(url.as_str()) }

#[cfg(feature = "http")]
texts! {
    http::Uri => |uri| Cow::Owned(uri.to_string()),
    http::uri::Authority => |authority| Cow::Borrowed(authority.as_str()),
    http::uri::PathAndQuery => |target| Cow::Borrowed(target.as_str()),
    http::HeaderName => |name| Cow::Borrowed(name.as_str()),
}

/// One that is marked as sensitive stays hidden under every policy.
#[cfg(feature = "http")]
impl Text for http::HeaderValue {
    fn log_text(&self, leaf: Leaf, to: &mut Encoder<'_>) {
        if self.is_sensitive() {
            return to.redacted();
        }
        leaf.write(&String::from_utf8_lossy(self.as_bytes()), to);
    }
}

impl Text for char {
    fn log_text(&self, leaf: Leaf, to: &mut Encoder<'_>) {
        leaf.write(self.encode_utf8(&mut [0; 4]), to);
    }

    fn piece(&self, whole: &mut Vec<u8>) -> Piece {
        whole.extend_from_slice(self.encode_utf8(&mut [0; 4]).as_bytes());
        Piece::Letter
    }
}

impl Text for u8 {
    fn log_text(&self, leaf: Leaf, to: &mut Encoder<'_>) {
        number(self, leaf, to);
    }

    fn piece(&self, whole: &mut Vec<u8>) -> Piece {
        whole.push(*self);
        Piece::Letter
    }
}

macro_rules! numbers {
    ($($type:ty)*) => {$(
        impl Text for $type {
            fn log_text(&self, leaf: Leaf, to: &mut Encoder<'_>) {
                number(self, leaf, to);
            }

            fn piece(&self, whole: &mut Vec<u8>) -> Piece {
                whole.extend_from_slice(self.to_string().as_bytes());
                whole.push(b',');
                Piece::Digit
            }
        }
    )*};
}

numbers! { bool u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 }
numbers! { NonZero<u8> NonZero<u16> NonZero<u32> NonZero<u64> NonZero<u128> NonZero<usize> }
numbers! { NonZero<i8> NonZero<i16> NonZero<i32> NonZero<i64> NonZero<i128> NonZero<isize> }

fn number(value: &(impl Loggable + ToString), leaf: Leaf, to: &mut Encoder<'_>) {
    match leaf {
        Leaf::Clear => value.log(to),
        _ => leaf.write(&value.to_string(), to),
    }
}

/// Under `clear` with everything in it, under `scrub` as [`scrub::json`] shows it. Other policies are
/// about one text, and hide a list or an object whole.
impl Text for Value {
    fn log_text(&self, leaf: Leaf, to: &mut Encoder<'_>) {
        match (leaf, self) {
            (Leaf::Scrub, value) => scrub::json(value).log(to),
            (_, Value::Null) => to.null(),
            (_, Value::Bool(value)) => value.log_text(leaf, to),
            (_, Value::String(text)) => leaf.write(text, to),
            (Leaf::Clear, Value::Number(number)) => to.raw_json(&number.to_string()),
            (_, Value::Number(number)) => leaf.write(&number.to_string(), to),
            (Leaf::Clear, Value::Array(items)) => items.log_text(leaf, to),
            (Leaf::Clear, Value::Object(object)) => to.map(|map| {
                for (key, value) in object {
                    map.entry(&Part(key, Leaf::Scrub), &Part(value, leaf));
                }
            }),
            _ => to.redacted(),
        }
    }
}

/// A part of a text-holding value, made loggable by the policy on the whole.
pub(super) struct Part<'a, T: ?Sized>(pub(super) &'a T, pub(super) Leaf);

impl<T: Text + ?Sized> Loggable for Part<'_, T> {
    #[expect(clippy::inline_always, reason = "a field's policy is known where it is written")]
    #[inline(always)]
    fn log(&self, to: &mut Encoder<'_>) {
        self.0.log_text(self.1, to);
    }
}

impl<T: Text + ?Sized> Element for Part<'_, T> {}

macro_rules! pointers {
    ($($type:ty),*) => {$(
        impl<T: Text + ?Sized> Text for $type {
            fn log_text(&self, leaf: Leaf, to: &mut Encoder<'_>) {
                (**self).log_text(leaf, to);
            }

            #[inline]
            fn is_plain(&self) -> bool {
                (**self).is_plain()
            }

            fn piece(&self, whole: &mut Vec<u8>) -> Piece {
                (**self).piece(whole)
            }
        }
    )*};
}

pointers!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);

impl<T: Text + ToOwned + ?Sized> Text for Cow<'_, T> {
    fn log_text(&self, leaf: Leaf, to: &mut Encoder<'_>) {
        (**self).log_text(leaf, to);
    }

    fn piece(&self, whole: &mut Vec<u8>) -> Piece {
        (**self).piece(whole)
    }
}

impl<T: Text> Text for Option<T> {
    fn log_text(&self, leaf: Leaf, to: &mut Encoder<'_>) {
        match self {
            Some(value) => value.log_text(leaf, to),
            None => to.null(),
        }
    }

    fn piece(&self, whole: &mut Vec<u8>) -> Piece {
        match self {
            Some(value) => value.piece(whole),
            None => {
                whole.push(b',');
                Piece::Digit
            }
        }
    }
}

/// Writes a list one by one, or as the one thing it is; `sorted` where its order means nothing.
fn list<'a, T: Text + 'a>(
    items: impl Iterator<Item = &'a T> + Clone,
    sorted: bool,
    leaf: Leaf,
    to: &mut Encoder<'_>,
) {
    if let Some(whole) = whole(items.clone(), sorted, leaf) {
        return match leaf {
            Leaf::Hash(name) => to.pseudonym(name, &whole),
            _ => leaf.write(&String::from_utf8_lossy(&whole), to),
        };
    }
    to.list(|list| {
        for item in items {
            list.item(&Part(item, leaf));
        }
    });
}

/// The bytes of a list that a policy has to see as a whole.
fn whole<'a, T: Text + 'a>(
    items: impl Iterator<Item = &'a T>,
    sorted: bool,
    leaf: Leaf,
) -> Option<Vec<u8>> {
    if matches!(leaf, Leaf::Clear) {
        return None;
    }
    let mut pieces = Vec::new();
    let mut has_letters = false;
    for item in items {
        let mut piece = Vec::new();
        match item.piece(&mut piece) {
            Piece::Own => return None,
            Piece::Letter => has_letters = true,
            Piece::Digit => {}
        }
        pieces.push(piece);
    }
    let is_whole = has_letters || matches!(leaf, Leaf::Hash(_));
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
            fn log_text(&self, leaf: Leaf, to: &mut Encoder<'_>) {
                list(self.iter(), $sorted, leaf, to);
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
            fn log_text(&self, leaf: Leaf, to: &mut Encoder<'_>) {
                to.map(|map| {
                    for (key, value) in self {
                        entry(map, key, value, leaf);
                    }
                });
            }
        }
    )*};
}

/// A policy that hides a part of each text hides it in a key too, which may be an address as well as a
/// name; the key rule sees the whole key.
fn entry<K: Text, V: Text>(map: &mut Map<'_, '_>, key: &K, value: &V, leaf: Leaf) {
    let key_leaf = match leaf {
        Leaf::Hash(_) | Leaf::Mask { .. } | Leaf::Email => leaf,
        Leaf::Clear | Leaf::Url | Leaf::Scrub => Leaf::Scrub,
    };
    let name = to_json(&Part(key, Leaf::Clear));
    map.entry_if(keys::hides(&name), &Part(key, key_leaf), &Part(value, leaf));
}

maps! {
    [K: Text, V: Text] BTreeMap<K, V>,
    [K: Text, V: Text, S: BuildHasher] HashMap<K, V, S>
}

macro_rules! tuples {
    ($($($name:ident)+;)*) => {$(
        impl<$($name: Text),+> Text for ($($name,)+) {
            fn log_text(&self, leaf: Leaf, to: &mut Encoder<'_>) {
                #[expect(non_snake_case, reason = "a variable per type parameter")]
                let ($($name,)+) = self;
                to.list(|list| {
                    $(list.item(&Part($name, leaf));)+
                });
            }
        }
    )*};
}

tuples! {
    A; A B; A B C; A B C D; A B C D E; A B C D E F; A B C D E F G; A B C D E F G H;
    A B C D E F G H I; A B C D E F G H I J; A B C D E F G H I J K; A B C D E F G H I J K L;
}
