//! The key rule: which names belong to secrets.
//!
//! It works on words, not on substrings, so that `token_count`, `passport` and `primary_key` stay
//! readable while `accessToken`, `db_pass` and `X-Stripe-Api-Key` do not. A name is percent-decoded,
//! freed of zero-width characters, folded from full-width and look-alike letters, split at everything
//! that is no letter or digit and at camel humps (acronyms stay whole), put in lower case, without
//! trailing digits, in the singular. Then:
//!
//! 1. *Strong* words hit anywhere: password, secret, credential, authorization, cookie, jwt, otp, …
//! 2. *Weak* words need company. `token`, `pass`, `pin`, `auth`, `session` and `sid` hit as the last word
//!    (not `prompt tokens` or `boarding pass`); pairs hit together: api + key, mfa + code, card + number,
//!    session + id, connection + string, seed + phrase, …
//! 3. Words written together count as the words they are made of: `userpassword`, `apikey`.
//! 4. A name *about* a secret is none: last word count, len, type, ttl, expires, policy, enabled,
//!    url, …, or first word is, has, min, max, ….
//!
//! ```
//! use candor::keys::is_sensitive;
//!
//! const HIDDEN: bool = is_sensitive("X-Stripe-Api-Key");
//! assert!(HIDDEN && is_sensitive("dbPassword") && is_sensitive("refresh_token"));
//! assert!(!is_sensitive("token_count") && !is_sensitive("has_password") && !is_sensitive("author"));
//! ```

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;

use crate::off;

/// Whether a value under this name is hidden, by the rule at the top of [this module](self).
///
/// It is a `const fn` so that macros can ask at compile time, and it does not allocate.
///
/// ```
/// # use candor::keys::is_sensitive;
/// for name in ["password1", "pass%77ord", "AWSSecretKey", "Set-Cookie", "cvc2", "user.session_id"] {
///     assert!(is_sensitive(name), "{name}");
/// }
/// for name in ["status_code", "max_tokens", "password_policy", "session_count", "monkey"] {
///     assert!(!is_sensitive(name), "{name}");
/// }
/// ```
pub const fn is_sensitive(name: &str) -> bool {
    let mut words = Words { bytes: name.as_bytes(), at: 0 };
    let mut hit = false;
    let mut asks = false;
    let mut alone = true;
    let mut before_last = 0;
    let mut last = 0;
    while let Some(word) = words.next() {
        let roles = roles(&word);
        if last == 0 {
            asks = roles & ASKS != 0;
        } else {
            alone = false;
        }
        hit |= roles & STRONG != 0 || pairs(last, roles);
        before_last = last;
        // Never 0, so that 0 can mean "no word yet".
        last = roles | PLAIN;
    }
    hit |= last & LAST != 0 && before_last & HARMLESS == 0 || alone && last & ALONE != 0;
    hit && !asks && last & ABOUT == 0
}

// What a word can do. The low bits say of which families it is the first word, the next ones of
// which it is the second; `pairs` needs one shift and one `and`.
const KEY: u32 = 1;
const TOKEN: u32 = 1 << 1;
const CODE: u32 = 1 << 2;
const NUMBER: u32 = 1 << 3;
const ID: u32 = 1 << 4;
const PHRASE: u32 = 1 << 5;
const MATERIAL: u32 = 1 << 6;
const ACCOUNT: u32 = 1 << 7;
const PROOF: u32 = 1 << 8;
const SESSION: u32 = 1 << 9;
const LINK: u32 = 1 << 10;
const SOCIAL: u32 = 1 << 11;
const SECOND: u32 = 12;
const STRONG: u32 = 1 << 24;
/// Hits as the last word, unless a `HARMLESS` one stands before it.
const LAST: u32 = 1 << 25;
/// Hits as the only word.
const ALONE: u32 = 1 << 26;
const HARMLESS: u32 = 1 << 27;
/// Takes back every hit as the last word.
const ABOUT: u32 = 1 << 28;
/// Takes back every hit as the first word.
const ASKS: u32 = 1 << 29;
/// Keeps its meaning at the end of a longer word: `userpassword`.
const JOINS: u32 = 1 << 30;
const PLAIN: u32 = 1 << 31;

const fn pairs(first: u32, second: u32) -> bool {
    first & (second >> SECOND) & 0xfff != 0
}

#[rustfmt::skip]
const LISTS: [(u32, &str); 33] = [
    (STRONG | JOINS, "password passwd pwd pswd passphrase passcode secret credential cookie apikey jwt \
        cvv cvc ssn sessionid sessid secretkey accesskey privatekey passwort"),
    (STRONG, "passkey cred authorization authorisation bearer csrf xsrf otp totp hotp otpauth seedphrase cvn nino itin \
        aadhaar aadhar cpf curp pesel mnemonic dsn iban psk kek dek puk privkey xprv ccnum ccn \
        dockerconfigjson kubeconfig contrasena kennwort senha motdepasse mdp wachtwoord haslo salasana \
        samlresponse"),
    (LAST | JOINS, "token pass"),
    (LAST, "pan pin auth sid session pw pword signature sig salt hmac keypair"),
    (ALONE, "oauth"),
    (PLAIN, "passwordless compass bypass trespass surpass encompass overpass underpass subpass multipass \
        renderpass lowpass highpass bandpass allpass lastpass keepass issn assn"),
    (HARMLESS, "page next previous prev continuation eos bos pad unk sep cls mask stop start end \
        cancellation cancel per unexpected first second third last final single boarding season bus ski \
        gpio led map drop tilt low high band render shadow compute depth function method type virus call sync \
        lock fencing special prompt completion chat checkout training game upload charging video workout \
        practice"),
    (KEY, "api app application private priv secret access signing sign signature encryption encrypt \
        encrypting decryption decrypt master ssh hmac auth oauth session shared preshared gpg pgp rsa aes \
        license licence activation account storage subscription function service role admin root client \
        server consumer integration webhook deploy tls ssl cert certificate pem symmetric write ingest \
        ingestion wallet vault bot security recovery backup live merchant partner stripe openai anthropic \
        sendgrid mailgun mailchimp twilio aws azure google gcp github gitlab datadog sentry algolia firebase \
        fcm vapid supabase cloudflare telegram discord slack heroku sdk insert unseal fernet ephemeral restricted"),
    (KEY << SECOND, "key pem jwk"),
    (TOKEN, "api access refresh auth oauth id session user client bot service device push fcm apns reset \
        registration login security vault root admin app deploy personal invite verification confirmation \
        github gitlab slack discord telegram npm remember magic webhook sas sso identity bearer"),
    (TOKEN << SECOND, "token"),
    (CODE, "otp mfa tfa 2fa totp verification verify recovery backup security sms auth oauth access login \
        pin pass activation unlock reset confirmation authentication authenticator device challenge card \
        sort scratch email time factor"),
    (CODE << SECOND, "code"),
    (NUMBER, "card account acct routing aba pin pan passport license licence security cc tax identity \
        identification national insurance"),
    (NUMBER << SECOND, "number num no nr"),
    (ID, "session sess tax taxpayer national government"),
    (ID << SECOND, "id identifier"),
    (PHRASE, "connection conn seed recovery backup wallet"),
    (PHRASE << SECOND, "string str phrase word seed"),
    (MATERIAL, "pass pin auth session token pan hmac"),
    (MATERIAL << SECOND, "word wd phrase code key hash header value data block string salt raw plain plaintext sha"),
    (ACCOUNT, "credit debit bank"),
    (ACCOUNT << SECOND, "card account"),
    (PROOF, "saml client oauth code pkce security"),
    (PROOF << SECOND, "assertion verifier answer"),
    (SESSION, "user php laravel login admin auth web express django rails connect asp flask j"),
    (SESSION << SECOND, "session sid"),
    (LINK, "saml magic"),
    (LINK << SECOND, "response link"),
    (SOCIAL, "social national driver"),
    (SOCIAL << SECOND, "security insurance license licence"),
    (ABOUT, "count len length size type kind ttl expiry expires expired expire expiration policy policies \
        enabled disabled url uri endpoint name path file filename dir directory folder location version at \
        on by in date time timestamp age timeout duration period interval second sec minute hour day week \
        month year ms status state valid invalid required optional present missing set exists changed \
        updated created modified rotated rotation revoked strength score complexity format algorithm alg \
        algo method mode scheme provider issuer audience scope domain region limit index idx position \
        offset level attempt retry retries failure failed error verified visible visibility samesite secure \
        httponly prefix suffix last four label description title purpose rule manager store backend \
        handler middleware class controller page screen form field view template event action flow consent \
        banner preference notice accepted usage used cost price rate budget total max min arn ref \
        reference supported threshold schema lifetime category channel configured country"),
    (ASKS, "is has had was are can could should will would did does need needs require requires use uses \
        using enable enables disable allow allows skip ignore show hide forgot min max num count total with \
        without no accept accepts support supports enforce"),
];

/// Words that make a hit at the end of an unlisted one, the longer before the shorter they end in.
const TAILS: [&str; 30] = [
    "password",
    "passwd",
    "pwd",
    "pswd",
    "passphrase",
    "passcode",
    "passwort",
    "secret",
    "credential",
    "cookie",
    "apikey",
    "secretkey",
    "accesskey",
    "privatekey",
    "key",
    "jwt",
    "cvv",
    "cvc",
    "ssn",
    "sessionid",
    "sessid",
    "token",
    "pass",
    "code",
    "number",
    "num",
    "no",
    "id",
    "string",
    "card",
];

/// Open addressing: two probes instead of nine steps of a binary search, and built in linear time, which
/// matters because every crate that asks at compile time evaluates the table anew.
struct Table {
    words: [u128; Table::SIZE],
    roles: [u32; Table::SIZE],
}

impl Table {
    const SIZE: usize = 1024;

    const fn new() -> Self {
        let mut table = Self { words: [0; Self::SIZE], roles: [0; Self::SIZE] };
        let mut list = 0;
        while list < LISTS.len() {
            let (role, text) = LISTS[list];
            let mut words = Words { bytes: text.as_bytes(), at: 0 };
            while let Some(word) = words.next() {
                let slot = table.slot(word.text);
                table.words[slot] = word.text;
                table.roles[slot] |= role;
            }
            list += 1;
        }
        table
    }

    /// Where the word is, or would be.
    const fn slot(&self, word: u128) -> usize {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "the halves of the word, then the top bits of a hash"
        )]
        let mut slot = {
            let folded = word as u64 ^ ((word >> 64) as u64).rotate_left(32);
            (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize
        };
        while self.words[slot] != word && self.words[slot] != 0 {
            slot = (slot + 1) % Self::SIZE;
        }
        slot
    }
}

static TABLE: Table = Table::new();

struct Tail {
    text: u128,
    bits: u32,
    roles: u32,
}

static TAIL_WORDS: [Tail; TAILS.len()] = {
    let mut tails = [const { Tail { text: 0, bits: 0, roles: 0 } }; TAILS.len()];
    let mut at = 0;
    while at < TAILS.len() {
        let mut words = Words { bytes: TAILS[at].as_bytes(), at: 0 };
        if let Some(word) = words.next() {
            tails[at] = Tail {
                text: word.text,
                bits: word.len * 8,
                roles: TABLE.roles[TABLE.slot(word.text)],
            };
        }
        at += 1;
    }
    tails
};

const fn roles(word: &Word) -> u32 {
    let slot = TABLE.slot(word.text);
    let roles = if TABLE.words[slot] == 0 { joined(word) } else { TABLE.roles[slot] };
    // `refresh_tokens` are secrets by their company, `new_tokens` and `sessions` a number.
    match (word.plural, roles & LAST != 0) {
        (true, true) if roles & SESSION << SECOND != 0 => roles & !LAST,
        (true, true) => roles & !LAST | ALONE,
        (true, false) => roles & !ALONE,
        (false, _) => roles,
    }
}

/// Which letters stand before which last one in the tails: most words are done with here.
static TAIL_ENDS: [u32; 32] = {
    let mut ends = [0; 32];
    let mut at = 0;
    while at < TAILS.len() {
        let tail = TAILS[at].as_bytes();
        ends[tail[tail.len() - 1] as usize & 31] |= 1 << (tail[tail.len() - 2] & 31);
        at += 1;
    }
    ends
};

const fn joined(word: &Word) -> u32 {
    if word.holds_password {
        return STRONG;
    }
    if TAIL_ENDS[word.letter(0) as usize & 31] & 1 << (word.letter(1) & 31) == 0 {
        return 0;
    }
    let mut at = 0;
    while at < TAIL_WORDS.len() {
        let tail = &TAIL_WORDS[at];
        let differs = word.text ^ tail.text;
        // The shift is the dear part, and most tails differ in their last two letters already.
        if differs.trailing_zeros() >= 16
            && word.len * 8 > tail.bits
            && differs << (128 - tail.bits) == 0
        {
            if tail.roles & JOINS != 0 {
                return tail.roles;
            }
            let head = TABLE.roles[TABLE.slot(word.text >> tail.bits)];
            return if pairs(head, tail.roles) { STRONG } else { 0 };
        }
        at += 1;
    }
    0
}

struct Word {
    /// The last 16 bytes, in lower case.
    text: u128,
    len: u32,
    plural: bool,
    holds_password: bool,
}

/// Iterates over the normalised words of a name.
struct Words<'a> {
    bytes: &'a [u8],
    at: usize,
}

const SEPARATOR: u8 = 0;
const LOWER: u8 = 1;
const UPPER: u8 = 2;
const DIGIT: u8 = 3;

static CLASS: [u8; 256] = {
    let mut class = [SEPARATOR; 256];
    let mut byte = 0;
    while byte < 256 {
        class[byte] = match byte {
            0x30..=0x39 => DIGIT,
            0x41..=0x5a => UPPER,
            0x61..=0x7a | 0x80..=0xff => LOWER,
            _ => SEPARATOR,
        };
        byte += 1;
    }
    class
};

impl Words<'_> {
    const fn next(&mut self) -> Option<Word> {
        let bytes = self.bytes;
        let mut word = Word { text: 0, len: 0, plural: false, holds_password: false };
        let mut before = SEPARATOR;
        while self.at < bytes.len() {
            let mut byte = bytes[self.at];
            let mut next = self.at + 1;
            if is_unusual(byte) {
                let (folded, end) = unusual(bytes, self.at);
                if folded == DROPPED {
                    self.at = end;
                    continue;
                }
                byte = folded;
                next = end;
            }
            let class = CLASS[byte as usize];
            if class == SEPARATOR {
                self.at = next;
                if word.finish() {
                    return Some(word);
                }
                before = SEPARATOR;
                continue;
            }
            if class == UPPER {
                let hump = before != SEPARATOR && (before != UPPER || begins_word(bytes, next));
                if hump && word.finish() {
                    return Some(word);
                }
                byte |= 0x20;
            }
            word.push(byte);
            before = class;
            self.at = next;
        }
        if word.finish() { Some(word) } else { None }
    }
}

impl Word {
    const fn push(&mut self, byte: u8) {
        const PASSWORD: u64 = u64::from_be_bytes(*b"password");
        self.text = self.text << 8 | byte as u128;
        self.len += 1;
        #[allow(clippy::cast_possible_truncation, reason = "the last eight bytes")]
        let tail = self.text as u64;
        self.holds_password |= tail == PASSWORD;
    }

    /// Drops trailing digits and the plural; whether anything is left. (`false` leaves it empty.)
    const fn finish(&mut self) -> bool {
        while self.len > 0 && CLASS[self.letter(0) as usize] == DIGIT {
            self.pop();
        }
        if self.len > 2 && self.letter(0) == b's' && !matches!(self.letter(1), b's' | b'u' | b'i') {
            self.pop();
            self.plural = true;
        }
        self.len > 0
    }

    /// One of the last letters, counted from the end.
    #[allow(clippy::cast_possible_truncation, reason = "one byte is asked for")]
    const fn letter(&self, from_end: u32) -> u8 {
        (self.text >> (8 * from_end)) as u8
    }

    const fn pop(&mut self) {
        self.text >>= 8;
        self.len -= 1;
    }
}

/// Whether the capital before `at` begins a word after an acronym: the `P` of `DBPassword`, not the `N`
/// of `userSSNs`.
const fn begins_word(bytes: &[u8], at: usize) -> bool {
    let (letter, next) = seen(bytes, at);
    letter.is_ascii_lowercase() && !(letter == b's' && !seen(bytes, next).0.is_ascii_lowercase())
}

/// The byte that stands for the next character to be seen, and where the one after it starts; 0 at the end.
const fn seen(bytes: &[u8], mut at: usize) -> (u8, usize) {
    while at < bytes.len() {
        let byte = bytes[at];
        if !is_unusual(byte) {
            return (byte, at + 1);
        }
        let (folded, end) = unusual(bytes, at);
        if folded != DROPPED {
            return (folded, end);
        }
        at = end;
    }
    (0, at)
}

/// What `unusual` answers for characters that are not seen.
const DROPPED: u8 = 1;

/// Whether the byte may be other than it stands there.
const fn is_unusual(byte: u8) -> bool {
    byte >= 0x7f || byte == b'%' || byte < 0x20
}

/// The ASCII byte that stands for the percent-encoded or non-ASCII character at `at`, and where the
/// next one starts. Letters of other scripts get a byte above 0x80, so that they count as letters.
const fn unusual(bytes: &[u8], at: usize) -> (u8, usize) {
    let (lead, mut at) = decoded(bytes, at);
    if lead < 0x80 {
        // Controls are not seen either, those between lines and columns apart.
        let dropped = (lead < 0x20 || lead == 0x7f) && !matches!(lead, b'\t' | b'\n' | b'\r');
        return (if dropped { DROPPED } else { lead }, at);
    }
    let (mut c, more) = match lead {
        0xc0..=0xdf => (lead as u32 & 0x1f, 1),
        0xe0..=0xef => (lead as u32 & 0x0f, 2),
        0xf0..=0xf7 => (lead as u32 & 0x07, 3),
        _ => return (b'?', at),
    };
    let mut left = more;
    while left > 0 && at < bytes.len() {
        let (byte, next) = decoded(bytes, at);
        if byte & 0xc0 != 0x80 {
            return (b'?', at);
        }
        c = c << 6 | byte as u32 & 0x3f;
        at = next;
        left -= 1;
    }
    (folded(c), at)
}

/// One byte, percent-decoded as often as it was encoded.
pub(crate) const fn decoded(bytes: &[u8], at: usize) -> (u8, usize) {
    let mut byte = bytes[at];
    let mut end = at + 1;
    while byte == b'%' && end + 1 < bytes.len() {
        let (Some(high), Some(low)) = (hex(bytes[end]), hex(bytes[end + 1])) else {
            break;
        };
        byte = high << 4 | low;
        end += 2;
    }
    (byte, end)
}

const fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[allow(clippy::cast_possible_truncation, reason = "each arm's range keeps it below 256")]
#[rustfmt::skip]
const fn folded(c: u32) -> u8 {
    match c {
        // Soft hyphen, combining marks, zero-width and bidirectional marks, variation selectors, tags.
        0xad | 0x300..=0x36f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
        | 0x202a..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xe0000..=0xe0fff => DROPPED,
        // Full-width, circled and mathematical letters.
        0xff01..=0xff5e => (c - 0xfee0) as u8,
        0x24b6..=0x24cf => (c - 0x24b6) as u8 + b'A',
        0x24d0..=0x24e9 => (c - 0x24d0) as u8 + b'a',
        0x1d400..=0x1d6a3 => {
            let letter = ((c - 0x1d400) % 52) as u8;
            if letter < 26 { b'A' + letter } else { b'a' + letter - 26 }
        }
        // Latin with a mark, Cyrillic, Greek, Armenian and phonetic letters that look like one of ours.
        0xe0..=0xe5 | 0x101 | 0x103 | 0x105 | 0x251 | 0x430 | 0x3b1 => b'a',
        0xc0..=0xc5 | 0x100 | 0x102 | 0x104 | 0x410 | 0x391 => b'A',
        0x412 | 0x392 => b'B', 0x432 => b'b',
        0xe7 | 0x107 | 0x10d | 0x441 | 0x3f2 => b'c', 0xc7 | 0x106 | 0x10c | 0x421 | 0x3f9 => b'C',
        0x111 | 0x501 => b'd',
        0xe8..=0xeb | 0x113 | 0x117 | 0x119 | 0x11b | 0x435 | 0x450 | 0x451 | 0x3b5 => b'e',
        0xc8..=0xcb | 0x112 | 0x118 | 0x415 | 0x401 | 0x395 => b'E',
        0x11f | 0x261 => b'g', 0x4bb => b'h', 0x41d | 0x397 => b'H',
        0xec..=0xef | 0x12b | 0x131 | 0x456 | 0x457 | 0x3b9 | 0x269 => b'i', 0xcc..=0xcf | 0x130 | 0x406 | 0x399 => b'I',
        0x458 | 0x3f3 => b'j', 0x408 => b'J', 0x43a | 0x3ba => b'k', 0x41a | 0x39a | 0x212a => b'K',
        0x142 | 0x4cf => b'l', 0x141 => b'L', 0x43c => b'm', 0x41c | 0x39c => b'M',
        0xf1 | 0x144 | 0x578 => b'n', 0xd1 | 0x143 | 0x39d => b'N',
        0xf2..=0xf6 | 0xf8 | 0x14d | 0x151 | 0x43e | 0x3bf | 0x3c3 | 0x585 => b'o',
        0xd2..=0xd6 | 0xd8 | 0x14c | 0x150 | 0x41e | 0x39f => b'O',
        0x440 | 0x3c1 => b'p', 0x420 | 0x3a1 => b'P', 0x51b => b'q', 0x433 => b'r',
        0x15b | 0x15f | 0x161 | 0x17f | 0x455 => b's', 0x15a | 0x15e | 0x160 | 0x405 => b'S',
        0x442 | 0x3c4 => b't', 0x422 | 0x3a4 => b'T',
        0xf9..=0xfc | 0x16b | 0x171 | 0x3c5 | 0x57d => b'u', 0xd9..=0xdc | 0x16a | 0x170 => b'U',
        0x3bd | 0x475 => b'v', 0x461 | 0x51d | 0x3c9 => b'w', 0x445 | 0x3c7 => b'x', 0x425 | 0x3a7 => b'X',
        0xfd | 0xff | 0x443 | 0x3b3 => b'y', 0xdd | 0x423 | 0x3a5 => b'Y',
        0x17a | 0x17c | 0x17e => b'z', 0x179 | 0x17b | 0x17d | 0x396 => b'Z',
        0x80..=0xbf | 0xd7 | 0xf7 | 0x2000..=0x2bff | 0x3000..=0x303f => b'_',
        _ => 0x80 | (c & 0x7f) as u8,
    }
}

/// What a deployment adds to the rule and takes from it.
#[derive(Debug)]
struct Deployment {
    /// By `fingerprint`, so that a look-up neither allocates nor cares for spelling.
    sensitive: HashSet<u64>,
    not_sensitive: HashSet<String>,
}

static DEPLOYMENT: ArcSwapOption<Deployment> = ArcSwapOption::const_empty();
/// Whether there is a `DEPLOYMENT`: one plain load for the many that have none.
static ADJUSTED: AtomicBool = AtomicBool::new(false);

/// Replaces the deployment's lists. `sensitive` names match however they are spelled (`internal-ref`,
/// `internalRef`), `not_sensitive` ones only exactly.
pub(crate) fn install(sensitive: &[String], not_sensitive: &[String]) {
    let adjusted = !sensitive.is_empty() || !not_sensitive.is_empty();
    DEPLOYMENT.store(adjusted.then(|| {
        std::sync::Arc::new(Deployment {
            sensitive: sensitive.iter().map(|name| fingerprint(name)).collect(),
            not_sensitive: not_sensitive.iter().cloned().collect(),
        })
    }));
    ADJUSTED.store(adjusted, Ordering::Release);
}

/// [`is_sensitive`] as the deployment adjusted it.
pub(crate) fn hides(name: &str) -> bool {
    if off::is_off() {
        return false;
    }
    if !ADJUSTED.load(Ordering::Acquire) {
        return is_sensitive(name);
    }
    added_by_deployment(name)
        || is_sensitive(name)
            && !DEPLOYMENT.load().as_ref().is_some_and(|lists| lists.not_sensitive.contains(name))
}

/// Whether the name needs the words before it to be judged, as the key in "API key: …" does.
pub(crate) fn completes_a_pair(name: &str) -> bool {
    let mut words = Words { bytes: name.as_bytes(), at: 0 };
    let mut last = 0;
    while let Some(word) = words.next() {
        last = roles(&word);
    }
    last >> SECOND & 0xfff != 0
}

/// Whether the deployment named it as sensitive: this hides also where the code says `clear`.
pub(crate) fn added_by_deployment(name: &str) -> bool {
    ADJUSTED.load(Ordering::Acquire)
        && DEPLOYMENT
            .load()
            .as_ref()
            .is_some_and(|lists| lists.sensitive.contains(&fingerprint(name)))
}

/// The same number for the same letters, wherever the words are split.
fn fingerprint(name: &str) -> u64 {
    let mut words = Words { bytes: name.as_bytes(), at: 0 };
    let mut print = 0_u64;
    while let Some(word) = words.next() {
        let bytes = word.text.to_be_bytes();
        for &byte in &bytes[16 - word.len.min(16) as usize..] {
            print = (print ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(5);
        }
    }
    print
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_in_the_table_and_it_stays_sparse() {
        let used = TABLE.words.iter().filter(|&&word| word != 0).count();
        assert!(used > 300 && used < Table::SIZE * 2 / 3, "{used}");
        assert!(TAIL_WORDS.iter().all(|tail| tail.roles != 0));
    }

    #[test]
    fn a_deployment_adds_names_in_any_spelling_and_takes_exact_ones_out() {
        let names = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        install(&names(&["internal-ref", "badge_secret"]), &names(&["zz_token", "badge_secret"]));
        assert!(
            hides("internalRef")
                && hides("INTERNAL_REFS")
                && hides("internalref")
                && hides("internal-ref")
        );
        assert!(!hides("internal") && !hides("reference"));
        assert!(!hides("zz_token") && hides("zzToken"));
        assert!(hides("badge_secret"), "what is added wins over what is taken out");
        assert!(added_by_deployment("internal.ref") && !added_by_deployment("password"));
        assert!(hides("password"));
        install(&[], &[]);
        assert!(!hides("internal-ref") && hides("zz_token"));
    }
}
