//! Paths of key files in messages: a setting for a path may hold the key itself by mistake.

use std::path::Path;

/// Returns a path as a message may show it; `None` if the text may be a key, a password or the content of a file.
///
/// The path of a file that exists is shown, and an absolute path if it does not look like a key. Relative paths of
/// missing files are not shown, because any password looks like one.
pub(super) fn shown(path: &Path) -> Option<String> {
    let text = path.to_string_lossy();
    let is_shown = path.exists() || path.is_absolute() && !is_like_key(&text);
    is_shown.then(|| text.into_owned())
}

/// Whether the text may be a key in hex or Base64, which may begin with `/`, or the content of a file.
fn is_like_key(text: &str) -> bool {
    /// Shorter than the keys of any cipher in use.
    const SHORTEST: usize = 20;
    let is_one = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte);
    let count = |holds: fn(&u8) -> bool| text.bytes().filter(holds).count();
    let digits = count(u8::is_ascii_digit);
    let is_mixed = [digits, count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase)]
        .iter()
        .all(|&count| count > 0);
    let is_key = text.len() >= SHORTEST
        && text.bytes().all(is_one)
        && (is_mixed || digits * 8 >= text.len());
    is_key || text.contains(char::is_control) || text.contains("-----BEGIN")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_the_content_of_files_are_not_shown() {
        for text in [
            "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----\n",
            "/\n",
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde",
            "k3RkZ0x5cXdlcnR5dWlvcGFzZGZnaGprbHp4Y3Zibm0=",
            "/3RkZ0x5cXdlcnR5dW/vcGFzZGZnaGprbHp4Y3Zibm0=",
            "hunter2",
            "correct horse battery staple",
        ] {
            assert_eq!(shown(Path::new(text)), None, "{text}");
        }
    }

    #[test]
    fn absolute_paths_and_existing_files_are_shown() {
        for path in [
            "/nowhere/log-hash-key",
            "/run/secrets/orders/log-hash-key-2",
            "/nowhere/K1.pem",
            "Cargo.toml",
        ] {
            assert_eq!(shown(Path::new(path)).as_deref(), Some(path));
        }
    }
}
