//! How much larger an annotated async function's future is.

use std::mem::size_of_val;

/// The same ten functions, with or without an attribute.
macro_rules! functions {
    ($module:ident $(, #[$attribute:meta])?) => {
        mod $module {
            use std::future::ready;

            $(#[$attribute])?
            pub(super) async fn nothing() {}

            $(#[$attribute])?
            pub(super) async fn number(order: u64) -> u64 {
                ready(()).await;
                order
            }

            $(#[$attribute])?
            pub(super) async fn text(name: &str) -> usize {
                ready(()).await;
                name.len()
            }

            $(#[$attribute])?
            pub(super) async fn owned(name: String) -> String {
                ready(()).await;
                name
            }

            $(#[$attribute])?
            pub(super) async fn block(block: [u8; 1024]) -> u8 {
                ready(()).await;
                block[0]
            }

            $(#[$attribute])?
            pub(super) async fn fails(order: u64) -> Result<u64, std::io::Error> {
                ready(()).await;
                if order == 0 { Err(std::io::ErrorKind::NotFound.into()) } else { Ok(order) }
            }

            $(#[$attribute])?
            pub(super) async fn several(a: u64, b: String, c: Option<Vec<u8>>) -> usize {
                ready(()).await;
                ready(b.len()).await + c.map_or(0, |c| c.len()) + usize::from(a == 0)
            }

            $(#[$attribute])?
            pub(super) async fn awaits_another(order: u64) -> u64 {
                ready(order).await + self::plain(order).await
            }

            $(#[$attribute])?
            pub(super) async fn keeps_a_buffer(order: u64) -> u8 {
                let mut buffer = [0_u8; 512];
                buffer[0] = u8::from(order == 0);
                ready(()).await;
                buffer[0]
            }

            $(#[$attribute])?
            pub(super) async fn boxed_error(name: &str) -> Result<u64, Box<dyn std::error::Error>> {
                Ok(ready(name.parse::<u64>()).await?)
            }

            async fn plain(order: u64) -> u64 {
                ready(order).await
            }
        }
    };
}

functions!(plain);
functions!(steps, #[candor::step_timed]);
functions!(spans, #[tracing::instrument(skip_all)]);

/// Bytes of one function's future.
#[derive(Debug)]
pub(crate) struct Sizes {
    pub(crate) function: &'static str,
    pub(crate) plain: usize,
    pub(crate) step: usize,
    pub(crate) span: usize,
}

impl Sizes {
    /// Bytes more than the plain future; zero if it is smaller.
    pub(crate) fn extra(&self) -> usize {
        self.step.saturating_sub(self.plain)
    }
}

macro_rules! sizes {
    ($($name:ident($($argument:expr),*),)*) => {
        vec![$(Sizes {
            function: stringify!($name),
            plain: size_of_val(&plain::$name($($argument),*)),
            step: size_of_val(&steps::$name($($argument),*)),
            span: size_of_val(&spans::$name($($argument),*)),
        },)*]
    };
}

pub(crate) fn sizes() -> Vec<Sizes> {
    sizes![
        nothing(),
        number(1),
        text("tea"),
        owned(String::new()),
        block([0; 1024]),
        fails(1),
        several(1, String::new(), None),
        awaits_another(1),
        keeps_a_buffer(1),
        boxed_error("1"),
    ]
}
