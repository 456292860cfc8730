//! Secrets that the scrubber once showed, each with the reason.

use super::shows;

/// A tag or an anchor of YAML was taken for something before the value.
#[test]
fn a_value_that_begins_like_a_tag_of_yaml_is_hidden() {
    shows("password=!letmein", "password=[REDACTED]");
    shows("password=&hunter", "password=[REDACTED]");
    shows("password: !Summer, user=7", "password: [REDACTED], user=7");
    shows("secret=a,!letmein x", "secret=[REDACTED] x");
    shows("password: !Secret9\n  at src/main.rs", "password: [REDACTED]");
    shows("password: !vault |\n  one\n  two\nuser: x", "password: !vault |\n  [REDACTED]\nuser: x");
    shows("password: !!str x7", "password: [REDACTED]");
}
