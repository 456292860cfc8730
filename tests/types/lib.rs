//! Types of an imaginary shop's interface, as a client and its server would share them.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use candor::loggable::to_json;
use candor::policy::{Decided, clear, email, hash, mask, scrub, secret, shape, url};
use candor::redact;

/// A new account, with a field for each policy.
#[redact]
#[derive(Clone)]
pub struct SignUp {
    /// Shown by its type.
    pub plan: u32,
    /// Hidden by its name.
    pub password: String,
    /// Under `clear`.
    #[redact(clear)]
    pub country: String,
    /// Under `hash`.
    #[redact(hash)]
    pub email: String,
    /// Under `mask`.
    #[redact(mask(last = 4))]
    pub card: String,
    /// Under `url`.
    #[redact(url)]
    pub referrer: String,
    /// Under `email`.
    #[redact(email)]
    pub contact: String,
    /// Under `scrub`.
    #[redact(scrub)]
    pub note: String,
    /// Under `shape`.
    #[redact(shape)]
    pub tags: Vec<String>,
    /// Under `secret`.
    #[redact(secret)]
    pub birthday: u32,
    /// Under a custom function.
    #[redact(with = host)]
    pub origin: String,
    /// Left out.
    #[redact(skip)]
    pub photo: Vec<u8>,
}

fn host(origin: &String) -> Decided<'_, String> {
    url(origin)
}

impl SignUp {
    /// An account of Ada, whose secrets all contain `canary`.
    pub fn of_ada() -> Self {
        SignUp {
            plan: 2,
            password: "canary-1".to_owned(),
            country: "GB".to_owned(),
            email: "ada@example.com".to_owned(),
            card: "4242424242424242".to_owned(),
            referrer: "https://u:canary-2@example.com/a?token=canary-3".to_owned(),
            contact: "canary@example.com".to_owned(),
            note: "call me: password=canary-4".to_owned(),
            tags: vec!["canary-5".to_owned(); 3],
            birthday: 18_151_210,
            origin: "https://example.com/?q=canary-6".to_owned(),
            photo: b"canary-7".to_vec(),
        }
    }
}

/// A response, with the forms of enums and generic parameters.
#[redact]
pub enum Answer<T> {
    /// Without fields.
    Pending,
    /// With a loggable field.
    Created(T),
    /// With named fields.
    Refused {
        /// An error and its sources, scrubbed.
        #[redact(scrub)]
        reason: Refusal,
        /// Loggable by its type.
        retry_after: Duration,
    },
}

/// A type-level default for fields without a policy.
#[redact(default = shape)]
pub struct Address {
    /// Shown as its shape.
    pub street: String,
    /// Shown as it is.
    #[redact(clear)]
    pub city: String,
}

/// An error whose message quotes its input.
#[derive(Debug)]
pub struct Refusal(pub String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused: {}", self.0)
    }
}

impl Error for Refusal {}

/// The JSON of values, each with the expected text. The JSON is the same with and without the feature `subscriber`, as
/// long as the process has no hash key.
pub fn examples() -> Vec<(String, &'static str)> {
    let address = Address { street: "1 Main Street".to_owned(), city: "London".to_owned() };
    let refusal = Refusal("token=canary-1".to_owned());
    let refused: Answer<u64> =
        Answer::Refused { reason: refusal, retry_after: Duration::from_micros(1_234_567) };
    let ip = IpAddr::from([10, 0, 0, 7]);
    vec![
        (
            to_json(&SignUp::of_ada()),
            concat!(
                r#"{"plan":2,"password":"[REDACTED]","country":"GB","email":"[REDACTED]","card":"****4242","#,
                r#""referrer":"https://example.com/a","contact":"c***@example.com","#,
                r#""note":"call me: password=[REDACTED]","tags":"<list 3-4>","birthday":"[REDACTED]","#,
                r#""origin":"https://example.com/"}"#,
            ),
        ),
        (to_json(&Answer::<u64>::Pending), r#""Pending""#),
        (to_json(&Answer::Created(7)), r#"{"Created":7}"#),
        (
            to_json(&refused),
            r#"{"Refused":{"reason":"refused: token=[REDACTED]","retry_after":1234.567}}"#,
        ),
        (to_json(&shape(&address)), r#"{"city":"<text 5-8>","street":"<text 9-16>"}"#),
        (to_json(&address), r#"{"street":"<text 9-16>","city":"London"}"#),
        (
            to_json(&BTreeMap::from([(1, address)])),
            r#"{"1":{"street":"<text 9-16>","city":"London"}}"#,
        ),
        (to_json(&[u64::MAX, 1_000_000_000, 7]), "[18446744073709551615,1000000000,7]"),
        (to_json(&[i64::MIN, -7]), "[-9223372036854775808,-7]"),
        (to_json(&u128::MAX), r#""340282366920938463463374607431768211455""#),
        (
            to_json(&[0.1, -1.5, 1e15, 1e16, 1e-5, 1.5e-7, 0.1 + 0.2, f64::INFINITY]),
            r#"[0.1,-1.5,1000000000000000.0,1e+16,0.00001,1.5e-7,0.30000000000000004,"inf"]"#,
        ),
        (to_json(&[0.1_f32, 16_777_216.0, 1e13, 1e-6]), "[0.1,16777216.0,1e+13,0.000001]"),
        (to_json(&Some(clear(&ip))), r#""10.0.0.7""#),
        (to_json(&clear("a \"line\"\n")), r#""a \"line\"\n""#),
        (to_json(&mask("4111 1111 1111 1111").last(4)), r#""****1111""#),
        (to_json(&email("ada@example.com")), r#""a***@example.com""#),
        (to_json(&hash("ada@example.com")), r#""[REDACTED]""#),
        (to_json(&secret("canary")), r#""[REDACTED]""#),
        (to_json(&shape("canary")), r#""<text 5-8>""#),
        (to_json(&url("https://u:canary@example.com/a?b=canary")), r#""https://example.com/a""#),
        (to_json(&scrub("password: canary")), r#""password: [REDACTED]""#),
    ]
}
