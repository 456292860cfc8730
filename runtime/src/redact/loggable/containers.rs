//! Options, results, pointers, lists, sets, tuples, ranges and maps of loggable values.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::convert::Infallible;
use std::marker::PhantomData;
use std::num::{Saturating, Wrapping};
use std::ops::{Deref, Range, RangeFrom, RangeInclusive, RangeTo, RangeToInclusive};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use super::traits::loggable;
use super::{Element, Encoder, Loggable};
use crate::json::shown::Shown;

macro_rules! pointers {
    ($($type:ty),*) => {$(
        impl<T: Loggable + ?Sized> Loggable for $type {
            fn log(&self, to: &mut Encoder<'_>) {
                (**self).log(to);
            }

            #[inline]
            fn is_infallible(&self) -> bool {
                (**self).is_infallible()
            }

            #[inline]
            fn log_members(&self, name: Shown<'_>, limit: usize) -> Option<String> {
                (**self).log_members(name, limit)
            }
        }
        impl<T: Element + ?Sized> Element for $type {}
    )*};
}

pointers!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);

loggable! {
    [T: ToOwned + ?Sized] Cow<'_, T> where T => |value, to| (**value).log(to);
    [P: Deref] Pin<P> where P::Target => |value, to| (**value).log(to);
    [T] Wrapping<T> where T => |value, to| value.0.log(to);
    [T] Saturating<T> where T => |value, to| value.0.log(to);
    [T] Reverse<T> where T => |value, to| value.0.log(to);
    [] Infallible => |value, _to| match *value {};
    /// `null`, as in serde.
    [T: ?Sized] PhantomData<T> => |_value, to| to.null();
    /// `{"Ok":…}` or `{"Err":…}`, as in serde.
    [T, E] Result<T, E> where T, E => |value, to| match value {
        Ok(value) => to.variant("Ok", |to| to.newtype("Ok", value)),
        Err(error) => to.variant("Err", |to| to.newtype("Err", error)),
    };
}

/// The value, or `null`.
impl<T: Loggable> Loggable for Option<T> {
    fn log(&self, to: &mut Encoder<'_>) {
        match self {
            Some(value) => value.log(to),
            None => to.null(),
        }
    }

    fn log_members(&self, name: Shown<'_>, limit: usize) -> Option<String> {
        self.as_ref()?.log_members(name, limit)
    }
}

impl<T: Element> Element for Option<T> {}

// `{"start":1,"end":5}`, as in serde.
loggable! {
    [T] Range<T> where T => |range, to| to.object("Range", |fields| {
        fields.field("start", &range.start);
        fields.field("end", &range.end);
    });
    [T] RangeInclusive<T> where T => |range, to| to.object("RangeInclusive", |fields| {
        fields.field("start", range.start());
        fields.field("end", range.end());
    });
    [T] RangeFrom<T> where T => |range, to| to.object("RangeFrom", |fields| fields.field("start", &range.start));
    [T] RangeTo<T> where T => |range, to| to.object("RangeTo", |fields| fields.field("end", &range.end));
    [T] RangeToInclusive<T> where T => |range, to| to.object("RangeToInclusive", |fields| fields.field("end", &range.end));
}

macro_rules! lists {
    ($([$($params:tt)*] $type:ty;)*) => {
        loggable! {$(
            [$($params)*] $type => |items, to| to.list(|list| {
                for item in items {
                    list.item(item);
                }
            });
        )*}
    };
}

lists! {
    [T: Element] [T];
    [T: Element, const N: usize] [T; N];
    [T: Element] Vec<T>;
    [T: Element] VecDeque<T>;
    [T: Element] LinkedList<T>;
    [T: Element] BTreeSet<T>;
    [T: Element] BinaryHeap<T>;
    [T: Element, S] HashSet<T, S>;
}

macro_rules! maps {
    ($([$($params:tt)*] $type:ty;)*) => {
        loggable! {$(
            [$($params)*] $type => |entries, to| to.map(|map| {
                for (key, value) in entries {
                    map.entry(key, value);
                }
            });
        )*}
    };
}

maps! {
    [K: Element, V: Loggable] BTreeMap<K, V>;
    [K: Element, V: Loggable, S] HashMap<K, V, S>;
}

macro_rules! tuples {
    ($($($name:ident)+;)*) => {
        loggable! {$(
            [$($name: Element),+] ($($name,)+) => |tuple, to| {
                #[expect(non_snake_case, reason = "a variable per type parameter")]
                let ($($name,)+) = tuple;
                to.list(|list| { $(list.item($name);)+ })
            };
        )*}
    };
}

tuples! {
    A; A B; A B C; A B C D; A B C D E; A B C D E F; A B C D E F G; A B C D E F G H;
    A B C D E F G H I; A B C D E F G H I J; A B C D E F G H I J K; A B C D E F G H I J K L;
}
