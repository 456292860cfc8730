//! Secrets in text, in the forms that messages, errors and fields of real services have.

use super::{CANARY, KEPT};

/// A text with a secret and harmless text.
#[derive(Clone)]
pub(super) struct Secret {
    pub(super) name: &'static str,
    pub(super) text: String,
    pub(super) canary: String,
}

pub(super) fn all() -> Vec<Secret> {
    const C: &str = CANARY;
    let plain: [(&str, String); 41] = [
        ("key=value", format!("{KEPT} password={C}")),
        ("key: value", format!("{KEPT}, password: {C}")),
        ("key => value", format!("{KEPT} api_key => {C}")),
        ("logfmt in quotes", format!("a=\"{KEPT}\" secret=\"{C} {C}\" b=1")),
        ("JSON", format!("{{\"a\":\"{KEPT}\",\"accessToken\":\"{C}\"}}")),
        ("JSON subtree", format!("{{\"a\":\"{KEPT}\",\"credentials\":{{\"x\":[\"{C}\"]}}}}")),
        (
            "JSON pair",
            format!("{{\"a\":\"{KEPT}\",\"b\":[{{\"name\":\"password\",\"value\":\"{C}\"}}]}}"),
        ),
        ("JSON in JSON", format!("{{\"a\":\"{KEPT}\",\"raw\":\"{{\\\"pin\\\":\\\"{C}\\\"}}\"}}")),
        ("escaped JSON key", format!("{{\"a\":\"{KEPT}\",\"pass\\u0077ord\":\"{C}\"}}")),
        ("database URL", format!("postgres://app:{C}@db/{KEPT}")),
        ("user of a URL", format!("https://{C}@example.com/{KEPT}")),
        ("query", format!("https://example.com/{KEPT}?api_key={C}&page=2")),
        ("encoded name in a query", format!("/{KEPT}?pass%77ord={C}")),
        ("nested URL", format!("/{KEPT}?next=%2Fa%3Ftoken%3D{C}%26b%3D1")),
        ("fragment", format!("/{KEPT}#access_token={C}&expires=1")),
        ("OAuth code", format!("GET /{KEPT}?code={C}")),
        ("OAuth state", format!("GET /{KEPT}?state={C}")),
        ("Bearer", format!("{KEPT} sent Bearer {C}")),
        ("bearer, lower case", format!("{KEPT} sent bearer {C}")),
        ("Basic", format!("{KEPT} sent Basic {C}==")),
        (
            "a header line",
            format!("{KEPT}\nauthorization: Digest username=\"a\", response=\"{C}\""),
        ),
        ("a cookie line", format!("{KEPT}\nCookie: theme=dark; sid={C}")),
        ("a look-alike letter", format!("{KEPT} p\u{430}ssword={C}")),
        ("a zero-width character", format!("{KEPT} pass\u{200b}word={C}")),
        ("full width", format!("{KEPT} \u{ff50}assword={C}")),
        ("percent-encoded", format!("{KEPT} password%3D{C}%26z%3D1")),
        ("a flag", format!("{KEPT} --db-password {C} --verbose")),
        ("XML", format!("<a>{KEPT}</a><password>{C}</password>")),
        ("a pair of Debug", format!("[(\"a\", \"{KEPT}\"), (\"api_key\", \"{C}\")]")),
        ("a type of Debug", format!("[A(\"{KEPT}\"), Password(\"{C}\")]")),
        ("a struct of Debug", format!("[A(\"{KEPT}\"), Some(Token {{ value: \"{C}\" }})]")),
        ("a field of Debug", format!("Login {{ a: \"{KEPT}\", password: Some(\"{C}\") }}")),
        ("a webhook", format!("{KEPT} https://hooks.slack.com/services/T0/B0/{C}")),
        ("a connection string", format!("AccountName={KEPT};AccountKey={C};Suffix=x")),
        ("an environment", format!("A={KEPT} AWS_SECRET_ACCESS_KEY={C}")),
        ("two words", format!("{KEPT}; API key: {C}")),
        ("a session", format!("{KEPT} x_session={C}")),
        ("PostgreSQL", format!("{KEPT} Key (api_key)=({C}) already exists")),
        ("serde's echo", format!("{KEPT} invalid type: string \"{C}\", expected u64 at line 1")),
        ("serde's variant", format!("{KEPT} unknown variant `{C}`, expected `a` or `b`")),
        ("a validator", format!("{KEPT}, password: length {{ min: 8, value: \"{C}\" }}")),
    ];
    let own = [
        ("JWT", "eyJhbGciOiJub25lIn0.eyJzdWIiOiI0MSJ9.Zq7xKw9VtPm3"),
        ("AWS key id", "AKIAZQ7XKW9VTPM3Q2RS"),
        ("GitHub token", "ghp_Zq7xKw9VtPm3Zq7xKw9VtPm3Zq7xKw9VtPm3"),
        ("Stripe key", "sk_live_Zq7xKw9VtPm3Zq7xKw9V"),
        ("Slack token", "xoxb-9172635441-Zq7xKw9VtPm3"),
        ("GitLab token", "glpat-Zq7xKw9VtPm3Zq7xKw9V"),
        ("Google key", "AIzaZq7xKw9VtPm3Zq7xKw9VtPm3Zq7xKw9VtP"),
        ("card", "5555341244441115"),
        ("card in groups", "5555 3412 4444 1115"),
        (
            "PEM",
            "-----BEGIN RSA PRIVATE KEY-----\nZq7xKw9VtPm3\nZq7xKw9VtPm3\n-----END RSA PRIVATE KEY-----",
        ),
    ];
    let secret = |name, text, canary: &str| Secret { name, text, canary: canary.to_owned() };
    let mut all: Vec<Secret> =
        plain.into_iter().map(|(name, text)| secret(name, text, C)).collect();
    all.extend(own.into_iter().map(|(name, canary)| {
        let body = canary.split('\n').nth(1).unwrap_or(canary);
        secret(name, format!("{KEPT}, {canary}"), body)
    }));
    all
}
