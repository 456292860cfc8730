//! The search for a secret in lines.

use candor::testing::{assert_no_leak, capture};

use super::failure;

const CANARY: &str = "Zq7\"xK/4w+Vt";

fn how(text: &str) -> String {
    let found = failure(|| assert_no_leak!(text, CANARY));
    assert!(!found.contains("xK/4"), "the message shows the canary: {found}");
    found
}

#[test]
fn every_encoding_is_known() {
    assert!(how("a: Zq7\"xK/4w+Vt.").contains("all of it is in line 1 in clear"));
    assert!(how("first\nb: zQ7\"Xk/4W+vT").contains("line 2 in clear"));
    assert!(how("c=xK/4w+").contains("a part of it is in line 1 in clear"));
    assert!(how(r#"{"a":"Zq7\"xK"}"#).contains("in escapes, after `…{\"a\":\"`"));
    assert!(how(r#"{"a":"\"Zq7\\\"xK\""}"#).contains("in escapes"));
    assert!(how(r"\u005aq7\u0022xK").contains("in escapes"));
    assert!(how("?a=Zq7%22xK%2F4w").contains("in percent-encoding"));
    assert!(how("?a=Zq7%2522xK").contains("in percent-encoding"));
    assert!(how("5a713722784b").contains("in hex"));
    assert!(how("5A713722784B").contains("in hex"));
    assert!(how("[90, 113, 55, 34, 120, 75]").contains("in a list of bytes"));
    assert!(how("[90,113,55,34,120,75]").contains("in a list of bytes"));
}

#[test]
fn base64_is_known_at_each_offset_and_in_both_alphabets() {
    // printf 'Zq7"xK/4w+Vt' | base64, with zero, one and two characters before it.
    for text in ["WnE3InhLLzR3K1Z0", "YVpxNyJ4Sy80dytWdA==", "YWFacTcieEsvNHcrVnQ="] {
        assert!(how(text).contains("in base64"), "{text}");
    }
    // Bytes whose base64 contains the two characters that differ.
    let canary = "\u{7ff}\u{7fe}\u{7ff}\u{7fb}";
    for text in ["37/fvt+/37s=", "37_fvt-_37s"] {
        failure(|| assert_no_leak!(text, canary));
    }
}

#[test]
fn what_is_no_part_of_six_bytes_is_no_leak() {
    assert_no_leak!("Zq7\"x and xK/4w, +Vt", CANARY);
    assert_no_leak!("WnE3In", CANARY);
}

#[test]
fn nothing_to_search_or_a_short_canary_is_a_failure() {
    let captured = capture();
    assert!(failure(|| assert_no_leak!(captured, CANARY)).contains("nothing was captured"));
    assert!(failure(|| assert_no_leak!("a line", "12345")).contains("at least 6 bytes"));
}
