//! The source of the crates that are compiled: the same 500 functions, plain, as steps and as spans.

use std::fmt::Write as _;

/// The attribute of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attribute {
    None,
    StepTimed,
    Instrument,
}

impl Attribute {
    pub(super) const ALL: [Attribute; 3] =
        [Attribute::None, Attribute::StepTimed, Attribute::Instrument];

    pub(super) const fn package(self) -> &'static str {
        match self {
            Attribute::None => "bare",
            Attribute::StepTimed => "steps",
            Attribute::Instrument => "spans",
        }
    }

    /// The crate that the attribute comes from.
    pub(super) fn dependency(self, candor: &str) -> String {
        match self {
            Attribute::None => String::new(),
            Attribute::StepTimed => format!("candor = {{ path = {candor:?} }}\n"),
            Attribute::Instrument => "tracing = { version = \"0.1\", default-features = false, \
                 features = [\"std\", \"attributes\"] }\n"
                .to_owned(),
        }
    }

    fn write(self, function: &Kind) -> String {
        let Kind { numbers, text, fails, .. } = *function;
        let mut fields: Vec<String> = numbers.iter().map(|field| (*field).to_owned()).collect();
        match self {
            Attribute::None => String::new(),
            Attribute::StepTimed => {
                // Strings need a policy.
                fields.extend(text.iter().map(|field| format!("{field} = clear({field})")));
                if fields.is_empty() {
                    "#[candor::step_timed]\n".to_owned()
                } else {
                    format!("#[candor::step_timed(fields({}))]\n", fields.join(", "))
                }
            }
            Attribute::Instrument => {
                fields.extend(text.iter().map(|field| (*field).to_owned()));
                let mut arguments = vec!["skip_all".to_owned()];
                if !fields.is_empty() {
                    arguments.push(format!("fields({})", fields.join(", ")));
                }
                // A step logs its error by default.
                if fails {
                    arguments.push("err".to_owned());
                }
                format!("#[tracing::instrument({})]\n", arguments.join(", "))
            }
        }
    }
}

/// One shape of function.
#[derive(Debug)]
struct Kind {
    /// `NAME` is replaced.
    source: &'static str,
    call: &'static str,
    numbers: &'static [&'static str],
    text: &'static [&'static str],
    fails: bool,
}

/// Used in turn; every other one is asynchronous.
const KINDS: [Kind; 8] = [
    Kind {
        source: "pub fn NAME(order: u64, quantity: u32) -> u64 {
    let each = if quantity > 10 { 90 } else { 100 };
    order.wrapping_mul(u64::from(quantity)) + each
}",
        call: "NAME(seed, 3)",
        numbers: &["order", "quantity"],
        text: &[],
        fails: false,
    },
    Kind {
        source: "pub async fn NAME(customer: u64, sku: &str) -> Result<u64, Failed> {
    let length = stock(sku).await?;
    if customer == 0 {
        return Err(Failed(\"nobody\"));
    }
    Ok(length + customer)
}",
        call: "NAME(seed, \"tea\").await.unwrap_or_default()",
        numbers: &["customer"],
        text: &["sku"],
        fails: true,
    },
    Kind {
        source: "pub fn NAME(name: &str, items: &[u32]) -> Result<String, Failed> {
    let sum: u32 = items.iter().sum();
    if sum == 0 {
        return Err(Failed(\"nothing to do\"));
    }
    Ok(format!(\"{name}: {sum}\"))
}",
        call: "NAME(\"sum\", &[1, 2, 3]).map_or(0, |text| text.len() as u64)",
        numbers: &[],
        text: &[],
        fails: true,
    },
    Kind {
        source: "pub async fn NAME(basket: Basket, retries: u32) -> Option<u32> {
    let mut left = retries;
    while left > 0 {
        ready().await;
        left -= 1;
    }
    basket.items.first().copied()
}",
        call: "NAME(Basket { items: vec![1, 2] }, 2).await.map_or(0, u64::from)",
        numbers: &["retries"],
        text: &[],
        fails: false,
    },
    Kind {
        source: "pub fn NAME(basket: &mut Basket, item: u32) {
    if !basket.items.contains(&item) {
        basket.items.push(item);
    }
}",
        call: "{ let mut basket = Basket { items: vec![] }; NAME(&mut basket, 7); 1 }",
        numbers: &[],
        text: &[],
        fails: false,
    },
    Kind {
        source: "pub async fn NAME(order: u64) -> Result<(), Box<dyn std::error::Error>> {
    ready().await;
    let text = order.to_string();
    let back: u64 = text.parse()?;
    assert_eq!(back, order);
    Ok(())
}",
        call: "NAME(seed).await.map_or(0, |()| 1)",
        numbers: &["order"],
        text: &[],
        fails: true,
    },
    Kind {
        source: "pub fn NAME(left: Option<i64>, right: Option<i64>) -> Result<i64, Failed> {
    let (Some(left), Some(right)) = (left, right) else {
        return Err(Failed(\"one is missing\"));
    };
    left.checked_mul(right).ok_or(Failed(\"too much\"))
}",
        call: "NAME(Some(2), Some(3)).map_or(0, |product| product as u64)",
        numbers: &[],
        text: &[],
        fails: true,
    },
    Kind {
        source: "pub async fn NAME(name: String, basket: &Basket) -> String {
    ready().await;
    let items: Vec<String> = basket.items.iter().map(u32::to_string).collect();
    format!(\"{name} {}\", items.join(\" \"))
}",
        call: "NAME(\"list\".to_owned(), &Basket { items: vec![4] }).await.len() as u64",
        numbers: &[],
        text: &[],
        fails: false,
    },
];

const FUNCTIONS: usize = 500;
const A_MODULE: usize = 20;

/// Items that all functions use.
const COMMON: &str = "//! Generated.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

pub struct Basket {
    pub items: Vec<u32>,
}

#[derive(Debug)]
pub struct Failed(&'static str);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Failed {}

struct Ready(bool);

impl Future for Ready {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        context.waker().wake_by_ref();
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

async fn ready() {
    Ready(false).await;
}

async fn stock(sku: &str) -> Result<u64, Failed> {
    ready().await;
    if sku.is_empty() { Err(Failed(\"no such thing\")) } else { Ok(sku.len() as u64) }
}

fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}
";

/// The library: modules of functions, and a call of each, without which an asynchronous function is not
/// fully compiled.
pub(super) fn library(attribute: Attribute) -> String {
    let mut out = COMMON.to_owned();
    let modules = FUNCTIONS / A_MODULE;
    // Writing into a `String` does not fail, here and below.
    let _ = writeln!(out, "\npub fn run(seed: u64) -> u64 {{\n    let mut sum = 0;");
    for module in 0..modules {
        let _ = writeln!(out, "    sum += finish(m{module}::run(seed));");
    }
    let _ = writeln!(out, "    sum\n}}");
    for module in 0..modules {
        let _ = writeln!(out, "\npub mod m{module} {{\nuse super::*;\n");
        let mut calls = String::new();
        for number in (0..FUNCTIONS).skip(module * A_MODULE).take(A_MODULE) {
            let kind = &KINDS[number % KINDS.len()];
            let name = format!("work_{number}");
            out += &attribute.write(kind);
            let _ = writeln!(out, "{}\n", kind.source.replace("NAME", &name));
            let _ = writeln!(calls, "    sum += {};", kind.call.replace("NAME", &name));
        }
        let _ = writeln!(
            out,
            "pub async fn run(seed: u64) -> u64 {{\n    let mut sum = 0;\n{calls}    sum\n}}\n}}"
        );
    }
    out
}

/// The program whose size is measured.
pub(super) fn program(attribute: Attribute) -> String {
    format!(
        "fn main() {{\n    let seed = std::env::args().count() as u64;\n    \
         println!(\"{{}}\", {}::run(seed));\n}}\n",
        attribute.package()
    )
}
