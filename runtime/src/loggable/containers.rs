//! Options, pointers, lists, sets, tuples and maps of loggable values.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use super::{Element, Encoder, Loggable};

macro_rules! pointers {
    ($($type:ty),*) => {$(
        impl<T: Loggable + ?Sized> Loggable for $type {
            fn log(&self, to: &mut Encoder<'_>) {
                (**self).log(to);
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

/// `null`, as in serde: it holds nothing.
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
