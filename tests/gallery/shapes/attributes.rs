//! Attributes: every argument of candor's, and those of others beside them.
use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use async_trait::async_trait;
use candor::policy::{clear, mask};
use candor::{dependency_call, step_timed};
use futures::future::BoxFuture;
#[allow(unused_imports)]
use tracing::Level;

use crate::{Answer, breathe};

mod names {
    pub const STEP: &str = "order_reserve";
    pub const TARGET: &str = "shop::orders";
    pub const KEY: &str = "order_key";
    pub const DEPENDENCY: &str = concat!("pay", "ments");
}

struct Order {
    id: u64,
    lines: Vec<u32>,
    sku: String,
}

// shape: constants as arguments
#[step_timed(name = names::STEP, target = names::TARGET, fields({ names::KEY } = order.id))]
fn constants(order: &Order) -> Answer<usize> {
    std::fs::read(&order.sku)?;
    Ok(order.lines.len())
}

// shape: constants as arguments async
#[step_timed(name = names::STEP, target = names::TARGET, fields({ names::KEY } = order.id))]
async fn constants_async(order: Order) -> Answer<usize> {
    breathe().await;
    Ok(order.lines.len())
}

// shape: dotted and quoted names
#[step_timed(
    level = "debug",
    fields(
        order.id = order.id,
        order.lines = order.lines.len(),
        "order sku" = clear(&order.sku),
        kind = "guest",
        version = env!("CARGO_PKG_VERSION"),
        r#type = ?order.id,
    )
)]
fn dotted_names(order: &Order) -> Answer<usize> {
    std::fs::read(&order.sku)?;
    Ok(order.lines.len())
}

// shape: own fields of a dotted name
#[step_timed(fields(order.id, %number), skip_all)]
async fn own_fields(order: &Order, number: u8) -> Answer<usize> {
    breathe().await;
    Ok(order.lines.len())
}

// shape: context
#[step_timed(context(order_id = order.id, sku = mask(&order.sku, last = 4)), fields(n = order.lines.len()))]
fn context(order: &Order) -> Answer<usize> {
    std::fs::read(&order.sku)?;
    Ok(order.lines.len())
}

// shape: context async
#[step_timed(context(order_id = order.id), skip(order), err)]
async fn context_async(order: Order) -> Answer<Vec<u32>> {
    breathe().await;
    std::fs::read(order.sku)?;
    Ok(order.lines)
}

// shape: context in place
#[step_timed(context(order_id), skip_all)]
fn context_in_place(order_id: u64) {
    println!("{order_id}");
}

// shape: levels
#[step_timed(level = Level::DEBUG, err(level = Level::ERROR), ret)]
fn levels(number: u32) -> Answer<u32> {
    std::fs::read("none")?;
    Ok(number)
}

// shape: numbers of levels async
#[step_timed(level = 2, err(Debug, level = "error"), ret(Display))]
async fn numbers_of_levels(number: u32) -> Answer<u32> {
    breathe().await;
    Ok(number)
}

// shape: recorded fields
#[step_timed(fields(rows = Empty, left = tracing::field::Empty, number), slow = "250ms", busy)]
async fn recorded_fields(number: u32) -> Answer<u32> {
    breathe().await;
    candor::record("rows", number + 1);
    candor::record("left", 2);
    Ok(number)
}

// shape: returned value with a policy
#[step_timed(ret = mask(last = 4), err = "error")]
async fn returned_value(path: &str) -> Answer<String> {
    breathe().await;
    std::fs::read_to_string(path)
}

fn shown(order: &Order) -> u64 {
    order.id
}

// shape: returned value with a function
#[step_timed(ret = with = shown)]
fn returned_value_with(path: &str) -> Answer<Order> {
    let sku = std::fs::read_to_string(path)?;
    Ok(Order { id: 1, lines: Vec::new(), sku })
}

// shape: fields that are blocks
#[step_timed(fields(
    most = order.lines.iter().filter(|line| **line > 1).max(),
    kind = if order.id > 7 { 1 } else { 2 },
    sum = {
        let lines = &order.lines;
        lines.iter().sum::<u32>()
    },
    class = match order.id { 0 => 0, _ => 1 },
))]
fn fields_that_are_blocks(order: &Order) -> Answer<usize> {
    std::fs::read(&order.sku)?;
    Ok(order.lines.len())
}

// shape: fields of patterns
#[step_timed(fields(first, count = rest.len(), id = *id))]
async fn fields_of_patterns(
    (first, _): (u32, u32),
    [_, rest @ ..]: [u8; 4],
    Order { id, lines, .. }: &Order,
) -> Answer<usize> {
    breathe().await;
    Ok(rest.len() + lines.len() + usize::try_from(*id).map_err(io::Error::other)?)
}

// shape: fields of patterns before items
#[step_timed(fields(first))]
fn fields_before_items((first, second): (u32, u32)) -> Answer<u32> {
    fn add(first: u32, second: u32) -> u32 {
        first + second
    }
    std::fs::read("none")?;
    Ok(add(first, second))
}

// shape: fields of unused arguments
#[step_timed(fields(order_id, number))]
fn fields_of_unused(order_id: u64, number: &u32, mut lines: Vec<u32>) -> Answer<usize> {
    lines.push(1);
    std::fs::read("none")?;
    Ok(lines.len())
}

// shape: fields of unused arguments async
#[step_timed(fields(order_id, number))]
async fn fields_of_unused_async(order_id: u64, number: Option<u32>) -> Answer<()> {
    breathe().await;
    std::fs::remove_file("none")
}

// shape: fields of moved arguments
#[step_timed(fields(id = order.id, count = lines.len()))]
fn fields_of_moved(order: Order, lines: Vec<u32>) -> Answer<std::thread::JoinHandle<usize>> {
    std::fs::read("none")?;
    Ok(std::thread::spawn(move || order.lines.len() + lines.len()))
}

// shape: call with a template
#[dependency_call(
    dependency = names::DEPENDENCY,
    method = "POST",
    url = format!("https://example.com/orders/{}", order.id),
    url_template = "/orders/{id}",
    fields(order.id = order.id)
)]
async fn call_with_a_template(order: &Order) -> Answer<u16> {
    breathe().await;
    Ok(200)
}

struct Reply {
    code: u16,
}

struct Client<'a> {
    base: &'a str,
}

impl Client<'_> {
    fn answer(reply: &Answer<Reply>) -> (Option<u16>, Option<candor::dependency::Category>) {
        (reply.as_ref().ok().map(|reply| reply.code), None)
    }

    // shape: call with an associated outcome
    #[dependency_call(dependency = names::DEPENDENCY, url = self.base, outcome = Self::answer)]
    fn get(&self, path: &str) -> Answer<Reply> {
        std::fs::read(path)?;
        Ok(Reply { code: 200 })
    }

    // shape: call with an associated outcome async
    #[dependency_call("payments", operation = names::STEP, url = self.base, outcome = Self::answer, err = "error")]
    async fn post(&mut self, path: &str) -> Answer<Reply> {
        breathe().await;
        std::fs::read(path)?;
        Ok(Reply { code: 200 })
    }

    // shape: call that returns a boxed future
    #[dependency_call("payments", method = "GET", outcome = Self::answer, context(attempt))]
    fn boxed(&self, attempt: u32) -> BoxFuture<'_, Answer<Reply>> {
        Box::pin(async move {
            breathe().await;
            std::fs::read(self.base)?;
            Ok(Reply { code: 200 })
        })
    }
}

// shape: call with a generic outcome
#[dependency_call("payments", outcome = status::<Reply>)]
fn call_with_a_generic_outcome<T: Debug>(body: T) -> Result<Reply, T> {
    println!("{body:?}");
    Ok(Reply { code: 200 })
}

fn status<T>(_: &impl Sized) -> (Option<u16>, Option<candor::dependency::Category>) {
    (u16::try_from(size_of::<T>()).ok(), None)
}

// shape: inlined
#[inline(always)]
#[step_timed]
fn inlined(number: u32) -> Answer<u32> {
    std::fs::read("none")?;
    Ok(number)
}

// shape: attributes below
#[step_timed]
#[inline(never)]
#[cold]
#[doc(hidden)]
#[must_use = "the future does nothing"]
pub async fn attributes_below(number: u32) -> Answer<u32> {
    breathe().await;
    Ok(number)
}

// shape: documented with a test
/// Reserves.
///
/// ```
/// assert_eq!(1 + 1, 2);
/// ```
///
/// # Errors
///
/// If the file does not exist.
#[doc(alias = "reserve")]
#[step_timed]
pub async fn documented(path: &str) -> Answer<Vec<u8>> {
    breathe().await;
    std::fs::read(path)
}

// shape: exported
#[unsafe(no_mangle)]
#[step_timed]
pub extern "C" fn candor_gallery_exported(number: u32) -> u32 {
    println!("{number}");
    number + 1
}

// shape: foreign with unwinding
/// # Safety
///
/// `number` must be valid for reads.
#[step_timed(ret)]
pub unsafe extern "C-unwind" fn foreign_with_unwinding(number: *const u32) -> u32 {
    // SAFETY: the caller guarantees that `number` is valid for reads.
    unsafe { number.read() }
}

// shape: target feature
/// # Safety
///
/// The processor must have the feature.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse4.2")]
#[step_timed]
unsafe fn target_feature(bytes: &[u8]) -> Answer<u32> {
    use std::arch::x86_64::_mm_crc32_u8;
    std::fs::read("none")?;
    Ok(bytes.iter().fold(0, |sum, byte| _mm_crc32_u8(sum, *byte)))
}

// shape: target feature in place
#[cfg(target_arch = "x86_64")]
#[step_timed]
#[target_feature(enable = "sse4.2")]
fn target_feature_in_place(byte: u8) -> u32 {
    std::arch::x86_64::_mm_crc32_u8(7, byte)
}

// shape: deprecated
#[deprecated(since = "1.2.0", note = "use `reserve`")]
#[step_timed]
pub fn deprecated_step(number: u32) -> Answer<u32> {
    std::fs::read("none")?;
    Ok(number)
}

// shape: attribute under a condition
#[cfg_attr(all(), step_timed)]
fn under_a_condition(number: u32) -> Answer<u32> {
    std::fs::read("none")?;
    Ok(number)
}

// shape: attribute with arguments under a condition
#[cfg_attr(not(any()), candor::step_timed("conditional", fields(number)))]
#[cfg_attr(all(), inline)]
async fn arguments_under_a_condition(number: u32) -> Answer<u32> {
    breathe().await;
    Ok(number)
}

// shape: attribute that is off
#[cfg_attr(any(), step_timed)]
fn that_is_off(number: u32) -> Answer<u32> {
    std::fs::read("none")?;
    Ok(number)
}

// shape: attribute by a path
#[::candor::step_timed]
async fn by_a_path(number: u32) -> Answer<u32> {
    breathe().await;
    Ok(number)
}

mod reexported {
    pub mod log {
        pub use ::candor as inner;
    }
}

// shape: root by a path
#[reexported::log::inner::step_timed(crate = crate::attributes::reexported::log::inner, fields(number), ret)]
fn root_by_a_path(number: u32) -> Answer<u32> {
    std::fs::read("none")?;
    Ok(number)
}

// shape: expected lints
#[expect(clippy::needless_pass_by_value, clippy::unnecessary_wraps, reason = "a callback")]
#[step_timed]
fn expected_lints(path: String) -> Answer<usize> {
    println!("{path}");
    Ok(path.len())
}

// shape: expected lints below
#[step_timed]
#[expect(clippy::unused_async)]
#[expect(unused_variables, unused_mut)]
async fn expected_lints_below(path: &str, mut number: u32) -> Answer<usize> {
    let unused = 7;
    std::fs::read("none").map(|read| read.len())
}

// shape: expected lints of futures
#[expect(clippy::future_not_send)]
#[step_timed]
async fn expected_of_a_future(number: Rc<u32>) -> Answer<u32> {
    breathe().await;
    Ok(*number)
}

// shape: expected lints of boxed values
#[expect(clippy::boxed_local, clippy::missing_const_for_fn)]
#[step_timed]
fn expected_of_a_box(number: Box<u32>) -> Answer<u32> {
    Ok(*number)
}

struct Desk {
    count: u32,
}

// shape: block with inner attributes
#[step_timed(level = "debug")]
#[expect(clippy::unused_self, reason = "as the others")]
impl Desk {
    #![allow(clippy::unused_async)]
    //! Methods that are timed.

    const NAMES: [&str; 2] = ["a", "b"];

    /// Reserves.
    fn reserve(&self, path: &str) -> Answer<usize> {
        std::fs::read(path)?;
        Ok(Self::NAMES.len())
    }

    #[inline]
    pub(crate) async unsafe fn reserve_later(&self) -> Answer<usize> {
        Ok(1)
    }

    #[cfg(any())]
    fn missing(&self) -> Missing {
        missing()
    }

    #[cfg(all())]
    pub(self) fn count(&mut self) -> &mut u32 {
        self.count += 1;
        &mut self.count
    }

    #[expect(clippy::unused_async)]
    async fn counted(self: Arc<Self>) -> u32 {
        self.count
    }

    const fn constant(&self) -> [u32; { 1 + 1 }] {
        [self.count, 1]
    }
}

// shape: block with inner expectations
#[step_timed]
impl Desk {
    #![expect(clippy::needless_pass_by_value)]

    fn take(&self, path: String) -> Answer<u32> {
        std::fs::read(&path)?;
        Ok(self.count)
    }
}

// shape: block of calls
#[dependency_call("stock", err = "error")]
impl Client<'_> {
    fn count(&self) -> Answer<u32> {
        std::fs::read(self.base)?;
        Ok(1)
    }

    #[step_timed]
    fn local(&self) -> Answer<u32> {
        std::fs::read(self.base)?;
        Ok(1)
    }

    #[dependency_call("other_stock", operation = "count", fields(number))]
    async fn other(&self, number: u32) -> Answer<u32> {
        breathe().await;
        Ok(number)
    }
}

#[async_trait(?Send)]
trait Serve {
    async fn serve(&self, number: Rc<u32>) -> Answer<u32>;

    // shape: async_trait on another thread
    #[step_timed(fields(number = *number))]
    async fn serve_twice(&mut self, number: Rc<u32>) -> Answer<u32>
    where
        Self: Sized,
    {
        Ok(self.serve(Rc::clone(&number)).await? + self.serve(number).await?)
    }
}

// shape: async_trait of a block
#[async_trait(?Send)]
#[step_timed]
impl Serve for Desk {
    async fn serve(&self, number: Rc<u32>) -> Answer<u32> {
        breathe().await;
        std::fs::read("none")?;
        Ok(*number + self.count)
    }
}

// shape: block of a trait with bodies
#[step_timed]
trait Deliver<T = u32>: Send + Sync
where
    T: Clone + Send + Sync,
{
    type Error: From<io::Error> + Send;
    const MOST: usize = { 4 };

    fn parcel(&self) -> Result<T, Self::Error>;

    fn deliver<'a>(&'a self, to: &'a [T]) -> Result<&'a T, Self::Error> {
        std::fs::read("none")?;
        Ok(&to[Self::MOST])
    }

    async fn deliver_later(&self, _: u32) -> Result<(T, u32), Self::Error>
    where
        Self: Sized,
    {
        breathe().await;
        Ok((self.parcel()?, 1))
    }

    fn promise(&self) -> impl Future<Output = Result<T, Self::Error>> + Send {
        async {
            breathe().await;
            self.parcel()
        }
    }

    fn boxed(self: Pin<Box<Self>>) -> Pin<Box<dyn Future<Output = Result<T, Self::Error>> + Send>>
    where
        Self: Sized + 'static,
    {
        Box::pin(async move { self.parcel() })
    }
}
