//! Formats of tokens and keys: a prefix chosen by the issuer for secret scanners, and the characters after it.
//!
//! The table is data: a line for each kind of text after the prefix, with the least number of characters by which a
//! token differs from a word. `docs/redaction.md` gives the share of documented formats that it knows.

use super::range::run;
use super::trigger::FIRST_SOLID;
use super::word::begins_word;

/// The characters after a prefix.
#[derive(Clone, Copy)]
enum Charset {
    /// Upper-case letters, digits and `-`.
    Upper,
    /// Hex digits and `-`, as in a UUID.
    Hex,
    Alphanumeric,
    /// As in URL-safe Base64: also `_` and `-`.
    Word,
    /// As in three parts of Base64: also `.`.
    Dotted,
    /// As in Base64: also `+`, `/` and `=`; and `%`, `:` and `$`, with which some tokens are divided.
    Base64,
}

impl Charset {
    const fn has(self, byte: u8) -> bool {
        match self {
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-',
            Self::Hex => byte.is_ascii_hexdigit() || byte == b'-',
            Self::Alphanumeric => byte.is_ascii_alphanumeric(),
            Self::Word => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Dotted => Self::Word.has(byte) || byte == b'.',
            Self::Base64 => {
                Self::Dotted.has(byte) || matches!(byte, b'+' | b'/' | b'=' | b'%' | b':' | b'$')
            }
        }
    }
}

use Charset::{Alphanumeric, Base64, Dotted, Hex, Upper, Word};

/// How random a key must look to be told apart from a name (`ghp_pages_branch`) or prose (`sk-learn-pipeline`).
#[derive(Clone, Copy)]
enum Looks {
    Any,
    /// It has a digit, or a long word that is not a name in camel case.
    NoWords,
    /// It begins with 16 letters or digits.
    Solid,
    /// It alternates between digits, lower-case and upper-case letters.
    Random,
}

use Looks::{Any, NoWords, Random, Solid};

impl Looks {
    fn has(self, key: &[u8]) -> bool {
        let class = |byte: u8| match byte {
            b'0'..=b'9' => 1,
            b'a'..=b'z' => 2,
            b'A'..=b'Z' => 3,
            _ => 0,
        };
        let is_digit = |byte: &&u8| byte.is_ascii_digit();
        let changes =
            |pair: &&[u8]| class(pair[0]) != class(pair[1]) && class(pair[0]) * class(pair[1]) > 0;
        match self {
            Self::Any => true,
            Self::NoWords => {
                let words = || key.split(|byte| !byte.is_ascii_alphabetic());
                let is_mixed = |word: &[u8]| word.windows(2).filter(changes).count() >= 3;
                // `STS.GetCallerIdentity`: upper-case letters with at least two others in between.
                let is_name = |word: &[u8]| {
                    let is_upper = |byte: &&u8| byte.is_ascii_uppercase();
                    word.iter().any(|byte| is_upper(&byte))
                        && !word.windows(3).any(|three| three.iter().filter(is_upper).count() > 1)
                };
                key.iter().any(|byte| is_digit(&byte))
                    || words().any(|word| (word.len() >= 20 || is_mixed(word)) && !is_name(word))
            }
            Self::Solid => key.iter().take(16).all(u8::is_ascii_alphanumeric),
            Self::Random => {
                let changes = key.windows(2).filter(changes).count();
                changes >= 4 && key.iter().any(|byte| is_digit(&byte)) || changes >= 8
            }
        }
    }
}

/// The characters after the prefix, their minimum number, how random they must look, and the prefixes.
#[rustfmt::skip]
const FORMATS: [(Charset, usize, Looks, &str); 25] = [
    (Word, 8, NoWords, "Mid-server- dvc_server_ b10_ xoxa- xoxr- xoxb- xoxp- xoxs- xoxc-  xoxe- xoxo- xapp-"),
    (Word, 12, NoWords, "rzp_live_ rzp_test_ LTAI ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ sk_live_ sk_test_ rk_live_ rk_test_ dop_v1_ doo_v1_ dor_v1_ \
        shpat_ shpss_ shpca_ shppa_ shptka_ shltm_ whsec_ dckr_pat_ dckr_oat_ lin_api_ lin_oauth_ figd_ \
        figo_ glsa_ sntryu_ bkua_ bkaa_ bkct_ bkaj_ bkpt_ bkpat_ bkps_ bkar_ sb_secret_ pscale_tkn_ \
        pscale_pw_ pscale_oauth_ CCIPAT_ CCIPRJ_ rubygems_ AIK_SECRET_ AIK_CI_ apify_api_ aact_prod_ \
        aact_hmlg_ CCDB1_ duffel_live_ duffel_test_ lsv2_pt_ lsv2_sk_ mdb_sa_sk_ nyk_v0_ os_v2_app_ \
        os_v2_org_ packagist_ort_ packagist_out_ packagist_uut_ packagist_ack_ packagist_acs_ packagist_cut_ \
        pdl_live_apikey_ pdl_sdbx_apikey_ pcsk_ polar_oat_ polar_pat_ polar_rst_ polar_at_u_ pylf_v1_ \
        ramp_sec_ ramp_tok_ shippo_live_ shippo_test_ sm_pat_ sm_aat_ sm_sat_ tgp_v1_ tr_pat_ tr_prod_ \
        tr_dev_ tr_stg_ vercel_blob_rw_ wandb_v1_ zpka_ cfat_ cfut_ sgp_local_ xoxe.xoxp- xoxe.xoxb- glpat- \
        gldt- glrt- glrtr- glft- glptt- glcbt- glimt- glagent- glsoat- glffct- gloas- glwt- pypi- sq0csp- \
        sq0atp- sandbox-sq0c cal_live_ sk_org_live_ sk_org_test_ signkey-branch- signkey-staging- ory_rt_ uk_live_ PMAK- PMAT- NRAK- NRII- NRIQ- NRRA- NRAA- GOCSPX- CFPAT- HRKU- FLWSECK- \
        FLWSECK_TEST- RGAPI- AGE-SECRET-KEY- 1PRK- dnkey- nvapi- tskey- tvly- xai- pplx- xkeysib- xsmtpsib- \
        SWMTKN-1-  fio-u- tk-us- s-s4t2ud- s-s4t2af- signkey-prod- signkey-test- bb_pr_ bb_ma_ \
        bb_live_ px-api- px-dep- pat-na1- pat-na2- pat-eu1- GR1348941 phx_ phs_ nfp_ nfc_ nfo_ gsk_ ntn_ \
        nrt_ sbp_ r8_ jina_ sk-ant- sk-proj- sk-admin- sk-svcacct- sk-or- sk-lf- sk-helicone- p8e- uak_ oak_ \
        ory_st_ ory_at_ ory_pat_  cog_ csa_ flb_live_ mercury_production_ \
        mergify_application_key_  persona_production_ persona_sandbox_ pgar_ pgaw_ pina_  \
        salad_cloud_ samsara_api_ live_auth_ test_auth_ slk_ spu- tss_ thog-secret- BBFF- ucat_ vtwn_ \
        gcntfy- PRD- SBX- lip_ apk_user_ scauth_ authress_  configcat-sdk-1/ bce-v3/ALTAK- sgs_ pri_ \
        ATCTT3x ATATT3x amzn1.oa2-cs.v1. EAACEdEose0cBA"),
    (Dotted, 12, NoWords, "SG. ya29. hvs. hvb. hvr. dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit. dt0c01. dt0s01. dt0s02. \
        dt0s03. dt0s06. dt0s08. dt0s16. amzn.mws. WPL_AP1. VF.DM. VF.WS. hawk. AQ.Ab8 api_live. api_live_ca. \
        api_live_us. api_live_eu. api_sandbox. tkn.v1_ STS."),
    (Dotted, 17, Any, "eyJ"),
    (Base64, 20, NoWords, "xoxd- SWMKEY-1- ptr_ QUl6YVN sntrys_ ops_eyJ fm1r_ fm1a_ fm2_ fo1_ access_token$production$ access_token$sandbox$ AstraCS: BBDC- \
        ATATT3xFf ATCTT3xFf bedrock-api-key- sk_live_a2V5Xz"),
    (Alphanumeric, 20, NoWords, "npm_ hf_ api_org_"),
    (Word, 24, Random, "pul- odt_ CLOJARS_ ico- napi_ pnu_ pnb_ ddp_ ddo_ ddw_ rnd_ rpa_ xau_ xao_ ion_ aio_ da2- cfk_ \
        tgp_ sqp_ squ_ sqa_ sqco_ sgp_ dtn_ e2b_ rdme_ rootly_ secret_ ATBB AKCp EZAK EZTK cio NF- csk- \
        live_ key_ unkey_ mlsn. BSA pa- fc- vck_ vca_ vci_ vcp_ vcr_ cnvca AQVN nsec1 mfa. re_ eas_ db- flp_ \
        IGQVJ waka_ cr- ck_ cs_"),
    (Word, 12, Random, "sk- dsk- syt_   sk_pr_ endr+"),
    (Word, 20, Random, "fw_ ak_ key- sk_prod_ sk_dev_ sk_sandbox_ api_key_ access_token_ refresh_token_ auth_token_ bot_token_ \
        y0_AgA y0__ \
       "),
    (Word, 30, NoWords, "AIza "),
    (Upper, 12, NoWords, "AKIA ASIA ABIA ACCA"),
    (Upper, 16, Solid, "AKIA ASIA ABIA ACCA"),
    (Upper, 20, Random, "API- A3- GOOG"),
    (Alphanumeric, 12, Random, " EXO"),
    (Alphanumeric, 32, Random, "cmVmd oy2 4b1d AKID"),
    (Hex, 31, Any, "SK0 SK1 SK2 SK3 SK4 SK5 SK6 SK7 SK8 SK9 SKa SKb SKc SKd SKe SKf"),
    (Word, 36, NoWords, "sha256~"),
    (Word, 40, Random, "EAAM EAAB EAAC EAAG EAAJ EAAK EAAD EAAI EAAH EAAE EAAF KEY"),
    (Word, 36, Random, "YC sk_0 sk_1 sk_2 sk_3 sk_4 sk_5 sk_6 sk_7 sk_8 sk_9 pk_"),
    (Hex, 24, Any, "v1.0- sk_ pk_ 1000. st. xaat- xapt- whsk-"),
    (Hex, 32, Any, "apikey_ dapi dose key- api- sdk- access-production- access-sandbox- access-development- test_ ATTA 0."),
    (Base64, 30, Random, "apk_ figp_ EAAA tfp_ glc_ essu_ cflt ABSK t1. sl. 1//0 ewogICJ0eXBlIjog LS0tLS1CRUdJTi eyJrIjoi CAIS na1. \
        eu1."),
    (Base64, 80, Random, "AAAA xprv"),
    (Dotted, 40, Random, "pat sat. pat. s. api_ VF. 5Aep861"),
    (Alphanumeric, 24, Random, "s."),
];

/// Formats with a marker inside the token: its offset, the marker, and the minimum number of characters after it.
#[rustfmt::skip]
const MARKED: [(usize, &str, usize); 8] = [
    // HCP Terraform, Microsoft Entra.
    (14, ".atlasv1.", 40), (4, "Q~", 28),
    // MaxMind, New Relic, Mailchimp, Tableau.
    (36, "_mmk", 0), (36, "NRAL", 0), (32, "FFFFNRAL", 0), (32, "-us", 1), (22, "==:", 30),
    // Azure DevOps and OpenAI in Azure.
    (52, "JQQJ99", 12),
];

/// Marks among the last characters of the keys of Azure services, which are Base64.
#[rustfmt::skip]
const AZURE: [&str; 15] = [
    "APIM", "AzCa", "AzSe", "AzFu", "ACDb", "+ASt", "+ABa", "+AMC", "+AEh", "+ASb", "+ARm", "AIoT", "AZEG", "+ACR", "AZDO",
];

/// A run is this long at least: the shortest token with its prefix.
pub(super) const SHORTEST_RUN: usize = 15;

const COUNT: usize = {
    let (mut count, mut format) = (0, 0);
    while format < FORMATS.len() {
        let text = FORMATS[format].3.as_bytes();
        let mut at = 0;
        while at < text.len() {
            if text[at] != b' ' && (at == 0 || text[at - 1] == b' ') {
                count += 1;
            }
            at += 1;
        }
        format += 1;
    }
    count
};

#[derive(Clone, Copy)]
struct Prefix {
    /// The first bytes, at most four, and which they are.
    head: u32,
    mask: u32,
    format: u8,
    start: u16,
    length: u8,
    /// The number of the next prefix with the same slot, and 1 more.
    next: u16,
}

/// The prefixes by their first two bytes.
struct Index {
    prefixes: [Prefix; COUNT],
    /// The number of the first prefix with two bytes, and 1 more; 0 if there is none.
    pairs: [u16; 1024],
}

/// The prefixes of all formats.
#[cfg(test)]
pub(super) fn prefixes() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().flat_map(|(_, _, _, prefixes)| prefixes.split_whitespace())
}

/// The slot of two bytes. Others may have the same.
#[inline]
const fn slot(first: u8, second: u8) -> usize {
    ((first as usize * 37) ^ second as usize) & 1023
}

static INDEX: Index = {
    let empty = Prefix { head: 0, mask: 0, format: 0, start: 0, length: 0, next: 0 };
    let mut index = Index { prefixes: [empty; COUNT], pairs: [0; 1024] };
    let (mut count, mut format) = (0, 0);
    while format < FORMATS.len() {
        let text = FORMATS[format].3.as_bytes();
        let mut at = 0;
        while at < text.len() {
            let start = at;
            while at < text.len() && text[at] != b' ' {
                at += 1;
            }
            if at > start {
                let slot = slot(text[start], text[start + 1]);
                let (mut head, mut mask, mut byte) = (0, 0, 0);
                while byte < 4 && start + byte < at {
                    head |= (text[start + byte] as u32) << (8 * byte);
                    mask |= 0xff << (8 * byte);
                    byte += 1;
                }
                #[allow(clippy::cast_possible_truncation, reason = "the table is small")]
                {
                    index.prefixes[count] = Prefix {
                        head,
                        mask,
                        format: format as u8,
                        start: start as u16,
                        length: (at - start) as u8,
                        next: index.pairs[slot],
                    };
                    count += 1;
                    index.pairs[slot] = count as u16;
                }
            }
            at += 1;
        }
        format += 1;
    }
    index
};

/// Returns the run of characters without a blank or quote around `at`, if a token fits into it.
#[inline]
pub(super) fn run_around(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    /// The start is searched for no farther, which keeps the scan linear.
    const FARTHEST: usize = 256;
    let is_solid = |byte: &u8| *byte >= FIRST_SOLID;
    let start = at
        - bytes[at.saturating_sub(FARTHEST)..at]
            .iter()
            .rev()
            .take_while(|byte| is_solid(byte))
            .count();
    let end = run(bytes, at, |byte| is_solid(&byte));
    (end - start >= SHORTEST_RUN).then_some((start, end))
}

/// Returns the first token of a run, from `at` on.
pub(super) fn next_token(bytes: &[u8], at: usize, run_end: usize) -> Option<(usize, usize)> {
    let bytes = &bytes[..run_end];
    let mut start = at;
    loop {
        // Each word begins after a character that is not a letter or digit.
        while start < run_end && !IN_WORD[usize::from(bytes[start])] {
            start += 1;
        }
        if start + SHORTEST_RUN > run_end {
            return None;
        }
        let mut end = start;
        while end < run_end && IN_WORD[usize::from(bytes[end])] {
            end += 1;
        }
        if let Some(token) = token(bytes, start, end) {
            return Some((start, token));
        }
        start = end;
    }
}

static IN_WORD: [bool; 256] = {
    let mut in_word = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        in_word[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    in_word
};

/// Returns the end of the token that begins at `at` with the word that ends at `word`.
#[inline]
fn token(bytes: &[u8], at: usize, word: usize) -> Option<usize> {
    let (first, second) = (bytes[at], bytes[at + 1]);
    let candidate = INDEX.pairs[slot(first, second)];
    if candidate != 0
        && begins_word(bytes, at)
        && let Some(end) = prefixed(bytes, at, candidate)
    {
        return Some(end);
    }
    // Fast reject of most words.
    let behind = bytes.get(word).copied().unwrap_or_default();
    let may_be_marked = match word - at {
        20.. => behind == b'-' || bytes[at..word].iter().any(u8::is_ascii_uppercase),
        14 => behind == b'.',
        _ => {
            matches!(behind, b':' | b'_' | b'+')
                || second == b'/'
                || bytes[at + 4] == b'Q'
                || behind == b'/' && is_base64(bytes, at)
                || matches!(first, b'M' | b'N' | b'O') && matches!(behind, b'-' | b'.')
        }
    };
    may_be_marked.then(|| unprefixed(bytes, at)).flatten()
}

/// Whether the 40 bytes at `at` look like Base64, and not like a path.
fn is_base64(bytes: &[u8], at: usize) -> bool {
    let is_one = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    bytes.get(at..at + 40).is_some_and(|key| key.iter().all(is_one) && Random.has(key))
}

fn prefixed(bytes: &[u8], at: usize, mut candidate: u16) -> Option<usize> {
    let head = u32::from_le_bytes(*bytes[at..].first_chunk()?);
    while let Some(number) = candidate.checked_sub(1) {
        let prefix = &INDEX.prefixes[usize::from(number)];
        candidate = prefix.next;
        if head & prefix.mask == prefix.head
            && let Some(end) = with_prefix(bytes, at, prefix)
        {
            return Some(end);
        }
    }
    None
}

#[inline(never)]
fn with_prefix(bytes: &[u8], at: usize, prefix: &Prefix) -> Option<usize> {
    let (charset, least, looks, texts) = FORMATS[usize::from(prefix.format)];
    let start = usize::from(prefix.start);
    let length = usize::from(prefix.length);
    let rest = bytes[at..].strip_prefix(&texts.as_bytes()[start..start + length])?;
    let is_long = rest.get(..least)?.iter().all(|&byte| charset.has(byte));
    let near = rest.iter().take(64).take_while(|&&byte| charset.has(byte)).count();
    // `pk_live_…` is a public key.
    if rest.starts_with(b"live_") || rest.starts_with(b"test_") {
        return None;
    }
    let is_part = matches!(looks, Random) && at > 0 && matches!(bytes[at - 1], b'_' | b'-');
    (is_long && !is_part && looks.has(&rest[..near])).then(|| end(bytes, at + length))
}

/// Returns the end of a token that is not known by its prefix.
#[inline(never)]
fn unprefixed(bytes: &[u8], at: usize) -> Option<usize> {
    /// Longer than each of these tokens. Reading no farther keeps the scan linear.
    const FARTHEST: usize = 256;
    let rest = &bytes[at..bytes.len().min(at + FARTHEST)];
    // Each of them has a digit, and most words do not.
    if !rest.iter().any(u8::is_ascii_digit) {
        return None;
    }
    // The `n` of `\nghp_…` is part of an escape, and not of a name.
    let generic = if at > 0 && bytes[at - 1] == b'\\' { |_: &[u8]| None } else { generic };
    [marked, azure, bot, discord, asana, authress, honeycomb, generic]
        .iter()
        .find_map(|format| format(rest))
        .map(|length| end(bytes, at + length))
}

/// A mark inside.
fn marked(rest: &[u8]) -> Option<usize> {
    let is_key = |key: &[u8]| {
        key.iter().all(|&byte| Base64.has(byte) || byte == b'~')
            && key.iter().any(u8::is_ascii_digit)
    };
    let is_found = |&&(before, mark, after): &&(usize, &str, usize)| {
        let behind = before + mark.len();
        rest.get(before..).is_some_and(|rest| rest.starts_with(mark.as_bytes()))
            && rest.get(..behind + after).is_some_and(is_key)
    };
    MARKED.iter().find(is_found).map(|&(before, mark, _)| before + mark.len())
}

/// The key of an Azure service.
fn azure(rest: &[u8]) -> Option<usize> {
    let end = run(rest, 0, |byte| byte.is_ascii_alphanumeric() || b"+/_-".contains(&byte));
    let tail = rest.get(end.checked_sub(20).filter(|_| end >= 40)?..end)?;
    AZURE
        .iter()
        .any(|mark| tail.windows(mark.len()).any(|part| part == mark.as_bytes()))
        .then_some(end)
}

/// A name, an account and a key: `sc_….….acc_….…`.
fn authress(rest: &[u8]) -> Option<usize> {
    let near = &rest[..rest.len().min(48)];
    let account = near.windows(5).position(|part| part == b".acc_")?;
    let end = run(rest, account + 5, |byte| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
    });
    (rest.get(end) == Some(&b'.') && rest.len() > end + 30).then_some(end + 1)
}

/// A number and a key, as Telegram's bots have them: `123456789:AA…`.
fn bot(rest: &[u8]) -> Option<usize> {
    let digits = rest.iter().take(11).take_while(|byte| byte.is_ascii_digit()).count();
    let key = rest.get(digits..)?.strip_prefix(b":AA")?;
    let length = run(key, 0, |byte| Word.has(byte));
    ((8..=10).contains(&digits) && length >= 30).then_some(digits + 3 + length)
}

/// Three parts of Base64, of which the first is the number of Discord's bot.
fn discord(rest: &[u8]) -> Option<usize> {
    let part = |from: usize| run(rest, from, |byte| Word.has(byte));
    let first = matches!(rest[0], b'M' | b'N' | b'O')
        .then(|| part(0))
        .filter(|end| (24..=26).contains(end))?;
    let second = part(first + 1);
    let third = part(rest.len().min(second + 1));
    let is_divided =
        rest.get(first) == Some(&b'.') && second == first + 7 && rest.get(second) == Some(&b'.');
    (is_divided && third >= second + 28).then_some(third)
}

/// `1/1234567890123456:…`, with two numbers in the second version.
fn asana(rest: &[u8]) -> Option<usize> {
    let number = |rest: &[u8]| rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let [b'1' | b'2', b'/', ..] = rest else { return None };
    let mut at = 2 + number(&rest[2..]);
    if at < 14 {
        return None;
    }
    if rest.get(at) == Some(&b'/') {
        at += 1 + number(&rest[at + 1..]);
    }
    let key = rest.get(at..)?.strip_prefix(b":")?;
    key.get(..24).is_some_and(|key| key.iter().all(|&byte| Hex.has(byte))).then_some(at + 25)
}

/// `hcaik_…`, with any letter for the region.
fn honeycomb(rest: &[u8]) -> Option<usize> {
    let is_key = rest.starts_with(b"hc")
        && rest[2].is_ascii_lowercase()
        && matches!(&rest[3..6], b"ik_" | b"ic_");
    (is_key && rest.get(6..46)?.iter().all(|&byte| Alphanumeric.has(byte))).then_some(46)
}

/// A name, `_`, and a long run of digits and of letters of both cases: the usual form of the keys of newer services.
fn generic(rest: &[u8]) -> Option<usize> {
    const LEAST: usize = 30;
    // Public keys, of Stripe and PostHog.
    if [&b"pk_"[..], b"phc_"].iter().any(|public| rest.starts_with(public)) {
        return None;
    }
    let name = run(&rest[..rest.len().min(32)], 0, |byte| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'
    });
    if name < 3 || rest[name - 1] != b'_' || !rest[0].is_ascii_lowercase() {
        // The key itself may begin with a small letter or digit.
        let last = rest[..name].iter().rposition(|&byte| byte == b'_')?;
        return key(rest, last + 1, LEAST);
    }
    key(rest, name, LEAST)
}

fn key(rest: &[u8], start: usize, least: usize) -> Option<usize> {
    let end = run(rest, start, |byte| Alphanumeric.has(byte));
    let key = &rest[start..end];
    let count = |holds: fn(&u8) -> bool| key.iter().filter(|&byte| holds(byte)).count();
    let is_mixed = [u8::is_ascii_digit, u8::is_ascii_lowercase, u8::is_ascii_uppercase]
        .into_iter()
        .all(|holds| count(holds) >= 3);
    (start > 2 && key.len() >= least && is_mixed && Random.has(key)).then_some(end)
}

/// Returns the end of the token whose key begins at `at`: it goes on past `+`, `/`, `=` and the like as long as more
/// of it follows.
fn end(bytes: &[u8], at: usize) -> usize {
    run(bytes, at, |byte| Base64.has(byte) || byte == b'~')
}
