//! The vocabulary of the key rule, and the roles of its words.

use super::words::{Word, Words};

// A role is a bit. The lowest twelve are families whose first word a word can be, the next twelve those whose second
// word it can be, so that `pairs` needs one shift and one `and`.
pub(super) const KEY: u32 = 1;
const TOKEN: u32 = 1 << 1;
pub(super) const CODE: u32 = 1 << 2;
const NUMBER: u32 = 1 << 3;
pub(super) const ID: u32 = 1 << 4;
const PHRASE: u32 = 1 << 5;
const MATERIAL: u32 = 1 << 6;
const ACCOUNT: u32 = 1 << 7;
const PROOF: u32 = 1 << 8;
const SESSION: u32 = 1 << 9;
const LINK: u32 = 1 << 10;
const SOCIAL: u32 = 1 << 11;
pub(super) const SECOND: u32 = 12;
pub(super) const STRONG: u32 = 1 << 24;
/// Makes a name sensitive as its last word, unless a `HARMLESS` word precedes it.
pub(super) const LAST: u32 = 1 << 25;
/// Makes a name sensitive as its only word.
pub(super) const ALONE: u32 = 1 << 26;
pub(super) const HARMLESS: u32 = 1 << 27;
/// Makes a name harmless as its last word.
pub(super) const METADATA: u32 = 1 << 28;
/// Makes a name harmless as its first word.
pub(super) const PREDICATE: u32 = 1 << 29;
/// Keeps its role at the end of a longer word: `userpassword`.
const JOINS: u32 = 1 << 30;
pub(super) const PLAIN: u32 = 1 << 31;
/// The roles of which a sensitive name needs one: a word that is enough by itself, or the second word of a pair.
pub(super) const DECISIVE: u32 = STRONG | LAST | ALONE | 0xfff << SECOND;

pub(super) const fn pairs(first: u32, second: u32) -> bool {
    first & (second >> SECOND) & 0xfff != 0
}

#[rustfmt::skip]
pub(super) const LISTS: [(u32, &str); 33] = [
    (STRONG | JOINS, "password passwd pwd pswd passphrase passcode secret credential cookie apikey jwt \
        cvv cvc ssn sessionid sessid secretkey accesskey privatekey passwort"),
    (STRONG, "passkey dpop cred authorization authorisation bearer csrf xsrf otp totp hotp otpauth seedphrase cvn nino itin \
        aadhaar aadhar cpf curp pesel mnemonic dsn iban psk kek dek puk privkey xprv ccnum ccn \
        magstripe masterauth requirepass jaas dockerconfigjson kubeconfig onetimecode rootpw adminpw dbpw userpw pwdhash contrasena kennwort senha motdepasse mdp wachtwoord haslo salasana \
        samlresponse"),
    (LAST | JOINS, "token pass"),
    (LAST, "pan pin auth sid session pw pword signature sig salt pepper hmac keypair"),
    (ALONE, "oauth csc psw tgt"),
    (PLAIN, "passwordless compass bypass trespass surpass encompass overpass underpass subpass multipass \
        renderpass onepass lowpass highpass bandpass allpass lastpass keepass issn assn"),
    (HARMLESS, "page next previous prev continuation eos bos pad unk sep cls mask stop start end \
        cancellation cancel per unexpected first second third last final single boarding season bus ski \
        gpio led map drop tilt low high band render shadow compute depth function method type virus call sync \
        lock fencing special prompt completion chat checkout training game upload charging video workout \
        practice park unpark collect force one interest parse parser lexer semi comma colon dot paren brace bracket \
        arrow gt lt ge le ne eq plus minus star slash and or not bang question pound underscore ampersand caret \
        tilde if else for while loop impl fn return let match where use pub mod struct enum union trait const \
        static async await unsafe extern crate dyn move mut self super as break macro keyword ident literal operator \
        punct whitespace newline indent dedent current peek pull allow lookahead group insert delete query implicit backtrace filter display opening closing module wake cs spi sda scl mosi miso suffix prefix crate"),
    (KEY, "api app application private priv secret access signing sign signature encryption encrypt \
        encrypting decryption decrypt master ssh hmac auth oauth session shared preshared gpg pgp rsa aes \
        license licence activation account storage subscription function service role admin root client \
        server consumer integration webhook deploy tls ssl cert certificate pem symmetric write ingest \
        ingestion wallet vault bot security recovery backup live merchant partner stripe openai anthropic \
        sendgrid mailgun mailchimp twilio aws azure google gcp github gitlab datadog sentry algolia firebase \
        fcm vapid supabase cloudflare telegram discord slack heroku sdk insert rapidapi unseal fernet ephemeral restricted \
        wrapping wrapped unwrap derived keystore truststore kms signer enc dec crypto cipher customer installation \
        insights instrumentation link transport opad ipad pragma wifi wep wpa network radius stream enrollment product \
        tenant dsa ecdsa hkdf mac cmac zwave nwk elevenlabs cohere mistral pinecone openrouter groq xai export sqlcipher tcpm"),
    (KEY << SECOND, "key pem jwk rekey exponent scalar"),
    (TOKEN, "api access refresh auth oauth id session user client bot service device push fcm apns reset \
        registration login security vault root admin app deploy personal invite verification confirmation \
        github gitlab slack discord telegram npm remember magic webhook sas sso identity bearer"),
    (TOKEN << SECOND, "token pat"),
    (CODE, "otp mfa tfa 2fa totp verification verify recovery backup security sms auth oauth access login \
        pin pass activation unlock reset confirmation authentication authenticator device challenge card \
        sort scratch email time factor pairing grant oob"),
    (CODE << SECOND, "code"),
    (NUMBER, "card account acct routing aba pin pan passport license licence security cc tax identity \
        identification national insurance medicare medicaid nhs"),
    (NUMBER << SECOND, "number num no nr"),
    (ID, "session sess tax taxpayer national government"),
    (ID << SECOND, "id identifier"),
    (PHRASE, "connection conn seed recovery backup wallet bip oprf"),
    (PHRASE << SECOND, "string str phrase word seed"),
    (MATERIAL, "pass pin pw auth session token pan hmac ntlm signature"),
    (MATERIAL << SECOND, "word wd phrase code key hash header value data block string salt raw plain plaintext sha ticket str"),
    (ACCOUNT, "credit debit bank"),
    (ACCOUNT << SECOND, "card account"),
    (PROOF, "saml client oauth code pkce security key question"),
    (PROOF << SECOND, "assertion verifier answer material"),
    (SESSION, "user php laravel login admin auth web express django rails connect asp flask j"),
    (SESSION << SECOND, "session sid"),
    (LINK, "saml magic"),
    (LINK << SECOND, "response link"),
    (SOCIAL, "social national driver"),
    (SOCIAL << SECOND, "security insurance license licence"),
    (METADATA, "count len length size type kind ttl expiry expires expired expire expiration policy policies \
        enabled disabled url uri endpoint name path file filename dir directory folder location version at \
        on by in date time timestamp age timeout duration period interval second sec minute hour day week \
        month year ms status state valid invalid required optional present missing set exists changed \
        updated created modified rotated rotation revoked strength score complexity format algorithm alg \
        algo method mode scheme provider issuer audience scope domain region limit index idx position \
        offset level attempt retry retries failure failed error verified visible visibility samesite secure \
        httponly prefix suffix last four label description title purpose rule manager store backend \
        handler middleware class controller page screen form field view template event action flow consent \
        banner preference notice accepted usage used cost price rate budget total max min arn ref \
        reference supported threshold schema lifetime category channel configured country exception encoder decoder \
        history remaining left validator reset authentication given engine namespace protection helper prompt \
        detail exp aud iat nbf iss allowed cache service factory interceptor filter listener parser scanner util \
        callback from source stdin alias bit iteration hasher origin prevention encryption only scanning check checked within param handle"),
    (PREDICATE, "is has had was are can could should will would did does need needs require requires use uses \
        using enable enables disable allow allows skip ignore show hide forgot min max num count total with \
        without no accept accepts support supports enforce must force pull manage automount maybe validate such"),
];

/// Words that can be the end of a longer unlisted word. A word precedes the shorter words that it ends in.
#[rustfmt::skip]
pub(super) const TAILS: [&str; 30] = [
    "password", "passwd", "pwd", "pswd", "passphrase", "passcode", "passwort", "secret", "credential", "cookie",
    "apikey", "secretkey", "accesskey", "privatekey", "key", "jwt", "cvv", "cvc", "ssn", "sessionid", "sessid",
    "token", "pass", "code", "number", "num", "no", "id", "string", "card",
];

/// A hash table with open addressing: it takes two probes instead of the nine steps of a binary search. It is built in
/// linear time, because every crate that calls the rule at compile time evaluates the table again.
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
            let mut words = Words::of(text);
            while let Some(word) = words.next() {
                let slot = table.slot(word.text);
                table.words[slot] = word.text;
                table.roles[slot] |= role;
            }
            list += 1;
        }
        table
    }

    /// Returns the slot of a word, or the slot where it would be inserted.
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
        let mut words = Words::of(TAILS[at]);
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

pub(super) const fn roles(word: &Word) -> u32 {
    let slot = TABLE.slot(word.text);
    let roles = if TABLE.words[slot] == 0 { joined(word) } else { TABLE.roles[slot] };
    // A plural is sensitive next to another word (`refresh_tokens`), but `new_tokens` and `sessions` are counts.
    match (word.plural, roles & LAST != 0) {
        (true, true) if roles & SESSION << SECOND != 0 => roles & !LAST,
        (true, true) => roles & !LAST | ALONE,
        (true, false) => roles & !ALONE,
        (false, _) => roles,
    }
}

/// Indexed by the last letter of a tail; a bit for each letter before it. It rejects most words.
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
        // Most tails differ in the last two letters, and comparing them is cheaper than the 128-bit shift.
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

/// All words of the rule.
#[cfg(test)]
pub(crate) fn words_of_the_rule() -> impl Iterator<Item = &'static str> {
    LISTS.iter().flat_map(|(_, words)| words.split_whitespace()).chain(TAILS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_in_the_table_and_it_stays_sparse() {
        let used = TABLE.words.iter().filter(|&&word| word != 0).count();
        assert!(used > 300 && used < Table::SIZE * 3 / 4, "{used}");
        assert!(TAIL_WORDS.iter().all(|tail| tail.roles != 0));
    }
}
