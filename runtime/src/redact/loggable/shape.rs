//! The `shape` policy: the kind of a value and its size class.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::text::Decided;
use super::{Encoder, Loggable, TextPolicy, to_json};
use crate::json::members;
use crate::redact::scrub;
use crate::redact::size_class::size_class;

/// Value that the policy [`shape`](crate::policy::shape) can be applied to.
///
/// These are text, numbers, times, addresses, lists and maps of any values, JSON values, and all `#[redact]` types.
#[diagnostic::on_unimplemented(
    message = "`shape` can't be applied to `{Self}`; add `#[redact]` to its definition",
    label = "no shape",
    note = "`secret(&x)` hides a value of any type"
)]
pub trait Shape {
    #[doc(hidden)]
    fn log_shape(&self, to: &mut Encoder<'_>);
}

/// Writes a kind and a size class: `<text 17-32>`.
fn sized(kind: &str, size: usize, to: &mut Encoder<'_>) {
    to.text(&size_class(kind, size));
}

macro_rules! texts {
    ($($type:ty => $text:expr),* $(,)?) => {$(
        impl Shape for $type {
            fn log_shape(&self, to: &mut Encoder<'_>) {
                let text: fn(&$type) -> Cow<'_, str> = $text;
                sized("text", text(self).chars().count(), to);
            }
        }
    )*};
}

texts! {
    str => |text| Cow::Borrowed(text),
    String => |text| Cow::Borrowed(text),
    Path => Path::to_string_lossy,
    PathBuf => |path| path.to_string_lossy(),
    OsStr => OsStr::to_string_lossy,
    OsString => |text| text.to_string_lossy(),
}

#[cfg(feature = "url")]
texts! { url::Url => |url| Cow::Borrowed(url.as_str()) }

#[cfg(feature = "http")]
texts! {
    http::Uri => |uri| Cow::Owned(uri.to_string()),
    http::HeaderValue => |value| String::from_utf8_lossy(value.as_bytes()),
}

macro_rules! kinds {
    ($($kind:literal: $($type:ty)*;)*) => {$($(
        impl Shape for $type {
            fn log_shape(&self, to: &mut Encoder<'_>) {
                to.text($kind);
            }
        }
    )*)*};
}

kinds! {
    "<number>": u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 Duration;
    "<bool>": bool;
    "<letter>": char;
    "<time>": SystemTime;
    "<address>": IpAddr Ipv4Addr Ipv6Addr SocketAddr SocketAddrV4 SocketAddrV6;
}

#[cfg(feature = "uuid")]
kinds! { "<uuid>": uuid::Uuid; }

macro_rules! collections {
    ($($kind:literal: $([$($params:tt)*] $type:ty),*;)*) => {$($(
        impl<$($params)*> Shape for $type {
            fn log_shape(&self, to: &mut Encoder<'_>) {
                sized($kind, self.len(), to);
            }
        }
    )*)*};
}

collections! {
    "list": [T] [T], [T, const N: usize] [T; N], [T] Vec<T>, [T] VecDeque<T>, [T] LinkedList<T>,
        [T] BTreeSet<T>, [T] BinaryHeap<T>, [T, S] HashSet<T, S>;
    "map": [K, V] BTreeMap<K, V>, [K, V, S] HashMap<K, V, S>;
}

#[cfg(feature = "http")]
collections! { "map": [T] http::HeaderMap<T>; }

#[cfg(feature = "bytes")]
collections! { "bytes": [] bytes::Bytes, [] bytes::BytesMut; }

macro_rules! pointers {
    ($([$($bound:tt)*] $type:ty),*) => {$(
        impl<T: Shape + $($bound)*> Shape for $type {
            fn log_shape(&self, to: &mut Encoder<'_>) {
                (**self).log_shape(to);
            }
        }
    )*};
}

pointers!([?Sized] &T, [?Sized] &mut T, [?Sized] Box<T>, [?Sized] Rc<T>, [?Sized] Arc<T>, [ToOwned + ?Sized] Cow<'_, T>);

impl<T: Shape> Shape for Option<T> {
    fn log_shape(&self, to: &mut Encoder<'_>) {
        match self {
            Some(value) => value.log_shape(to),
            None => to.null(),
        }
    }
}

/// The scrubbed keys of an object with the shapes of their values.
#[cfg(feature = "serde_json")]
impl Shape for serde_json::Value {
    fn log_shape(&self, to: &mut Encoder<'_>) {
        use serde_json::Value;

        match self {
            Value::Null => to.null(),
            Value::Bool(_) => to.text("<bool>"),
            Value::Number(_) => to.text("<number>"),
            // The size of `[REDACTED]` would be misleading.
            Value::String(text) if text == scrub::REDACTED => to.redacted(),
            Value::String(text) => text.log_shape(to),
            Value::Array(items) => items.log_shape(to),
            Value::Object(object) => to.map(|map| {
                for (key, value) in object {
                    let key = Decided { value: key, policy: TextPolicy::Scrub };
                    map.entry(&key, &Shaped { value });
                }
            }),
        }
    }
}

/// Writes the shape of the JSON of a `#[redact]` type.
pub fn of_loggable<T: Loggable + ?Sized>(value: &T, to: &mut Encoder<'_>) {
    ShapeOfJson(&to_json(value)).log(to);
}

/// JSON that an encoder wrote, shown as its shape.
struct ShapeOfJson<'a>(&'a str);

/// The shape is that of a `serde_json::Value`, with the keys in the order of the JSON.
impl Loggable for ShapeOfJson<'_> {
    fn log(&self, to: &mut Encoder<'_>) {
        match self.0.as_bytes().first() {
            None | Some(b'n') => to.null(),
            Some(b't' | b'f') => to.text("<bool>"),
            Some(b'"') => match members::text_of(self.0) {
                // The size of `[REDACTED]` would be misleading.
                text if text == scrub::REDACTED => to.redacted(),
                text => text.log_shape(to),
            },
            Some(b'[') => sized("list", members::of_array(self.0).count(), to),
            Some(b'{') => to.map(|map| {
                let members = members::of_object(self.0);
                let values: BTreeMap<String, &str> = members
                    .map(|member| (members::text_of(&format!("\"{}\"", member.key)), member.value))
                    .collect();
                for (key, value) in values {
                    let key = Decided { value: &key, policy: TextPolicy::Scrub };
                    map.entry(&key, &ShapeOfJson(value));
                }
            }),
            Some(_) => to.text("<number>"),
        }
    }
}

/// Loggable shape of a value, made by [`policy::shape`](crate::policy::shape).
pub struct Shaped<'a, T: ?Sized> {
    pub(in crate::redact) value: &'a T,
}

impl<T: Shape + ?Sized> Loggable for Shaped<'_, T> {
    fn log(&self, to: &mut Encoder<'_>) {
        self.value.log_shape(to);
    }
}
