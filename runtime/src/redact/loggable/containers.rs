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

use super::{Element, Encoder, Loggable};

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
        }
        impl<T: Element + ?Sized> Element for $type {}
    )*};
}

pointers!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);

impl<T: Loggable + ToOwned + ?Sized> Loggable for Cow<'_, T> {
    fn log(&self, to: &mut Encoder<'_>) {
        (**self).log(to);
    }
}

impl<T: Element + ToOwned + ?Sized> Element for Cow<'_, T> {}

/// The value, or `null`.
impl<T: Loggable> Loggable for Option<T> {
    fn log(&self, to: &mut Encoder<'_>) {
        match self {
            Some(value) => value.log(to),
            None => to.null(),
        }
    }
}

impl<T: Element> Element for Option<T> {}

impl<P: Deref<Target: Loggable>> Loggable for Pin<P> {
    fn log(&self, to: &mut Encoder<'_>) {
        (**self).log(to);
    }
}

impl<P: Deref<Target: Element>> Element for Pin<P> {}

macro_rules! wrappers {
    ($($type:ident),*) => {$(
        impl<T: Loggable> Loggable for $type<T> {
            fn log(&self, to: &mut Encoder<'_>) {
                self.0.log(to);
            }
        }
        impl<T: Element> Element for $type<T> {}
    )*};
}

wrappers!(Wrapping, Saturating, Reverse);

/// `{"Ok":…}` or `{"Err":…}`, as in serde.
impl<T: Loggable, E: Loggable> Loggable for Result<T, E> {
    fn log(&self, to: &mut Encoder<'_>) {
        match self {
            Ok(value) => to.variant("Ok", |to| to.newtype("Ok", value)),
            Err(error) => to.variant("Err", |to| to.newtype("Err", error)),
        }
    }
}

impl<T: Element, E: Element> Element for Result<T, E> {}

impl Loggable for Infallible {
    fn log(&self, _: &mut Encoder<'_>) {
        match *self {}
    }
}

impl Element for Infallible {}

macro_rules! ranges {
    ($($type:ident $name:literal: $($bound:ident $get:expr),+;)*) => {$(
        impl<T: Loggable> Loggable for $type<T> {
            fn log(&self, to: &mut Encoder<'_>) {
                to.object($name, |range| {
                    $(
                        let get: fn(&$type<T>) -> &T = $get;
                        range.field(stringify!($bound), get(self));
                    )+
                });
            }
        }
        impl<T: Element> Element for $type<T> {}
    )*};
}

// `{"start":1,"end":5}`, as in serde.
ranges! {
    Range "Range": start |range| &range.start, end |range| &range.end;
    RangeInclusive "RangeInclusive": start RangeInclusive::start, end RangeInclusive::end;
    RangeFrom "RangeFrom": start |range| &range.start;
    RangeTo "RangeTo": end |range| &range.end;
    RangeToInclusive "RangeToInclusive": end |range| &range.end;
}

/// `null`, as in serde.
impl<T: ?Sized> Loggable for PhantomData<T> {
    fn log(&self, to: &mut Encoder<'_>) {
        to.null();
    }
}

impl<T: ?Sized> Element for PhantomData<T> {}

macro_rules! lists {
    ($([$($bound:tt)*] $type:ty),* $(,)?) => {$(
        impl<$($bound)*> Loggable for $type {
            fn log(&self, to: &mut Encoder<'_>) {
                to.list(|list| {
                    for item in self {
                        list.item(item);
                    }
                });
            }
        }
        impl<$($bound)*> Element for $type {}
    )*};
}

lists! {
    [T: Element] [T],
    [T: Element, const N: usize] [T; N],
    [T: Element] Vec<T>,
    [T: Element] VecDeque<T>,
    [T: Element] LinkedList<T>,
    [T: Element] BTreeSet<T>,
    [T: Element] BinaryHeap<T>,
    [T: Element, S] HashSet<T, S>,
}

macro_rules! maps {
    ($([$($bound:tt)*] $type:ty),*) => {$(
        impl<$($bound)*> Loggable for $type {
            fn log(&self, to: &mut Encoder<'_>) {
                to.map(|map| {
                    for (key, value) in self {
                        map.entry(key, value);
                    }
                });
            }
        }
        impl<$($bound)*> Element for $type {}
    )*};
}

maps! {
    [K: Element, V: Loggable] BTreeMap<K, V>,
    [K: Element, V: Loggable, S] HashMap<K, V, S>
}

macro_rules! tuples {
    ($($($name:ident)+;)*) => {$(
        impl<$($name: Element),+> Loggable for ($($name,)+) {
            fn log(&self, to: &mut Encoder<'_>) {
                #[expect(non_snake_case, reason = "a variable per type parameter")]
                let ($($name,)+) = self;
                to.list(|list| {
                    $(list.item($name);)+
                });
            }
        }
        impl<$($name: Element),+> Element for ($($name,)+) {}
    )*};
}

tuples! {
    A; A B; A B C; A B C D; A B C D E; A B C D E F; A B C D E F G; A B C D E F G H;
    A B C D E F G H I; A B C D E F G H I J; A B C D E F G H I J K; A B C D E F G H I J K L;
}
