//! The key rule, measured against lists of real-world names.

use candor::keys::is_sensitive;

fn missed(list: &str, expected: bool) -> (Vec<&str>, usize) {
    let names: Vec<&str> = list.lines().collect();
    (names.iter().copied().filter(|name| is_sensitive(name) != expected).collect(), names.len())
}

#[test]
fn every_listed_sensitive_name_is_hidden() {
    assert_eq!(missed(include_str!("../data/names_sensitive.txt"), true).0, Vec::<&str>::new());
}

#[test]
fn every_listed_harmless_name_is_shown() {
    assert_eq!(missed(include_str!("../data/names_harmless.txt"), false).0, Vec::<&str>::new());
}

#[allow(clippy::cast_precision_loss, reason = "a few hundred names")]
fn assert_nearly_all_are_judged_right(sensitive: &str, harmless: &str, least: f64) {
    let (leaked, of) = missed(sensitive, true);
    let caught = 100.0 - 100.0 * leaked.len() as f64 / of as f64;
    println!("caught {caught:.1}% of {of}, not {leaked:?}");
    let (alarms, of) = missed(harmless, false);
    let alarm = 100.0 * alarms.len() as f64 / of as f64;
    println!("false alarms {alarm:.1}% of {of}: {alarms:?}");
    assert!(caught >= least, "{leaked:?}");
    assert!(alarm <= 3.0, "{alarms:?}");
}

/// The rule was not tuned on these lists, so they measure it on unseen names.
#[test]
fn held_out_names_are_classified_with_few_errors() {
    assert_nearly_all_are_judged_right(
        include_str!("../data/names_sensitive_heldout.txt"),
        include_str!("../data/names_harmless_heldout.txt"),
        95.0,
    );
}

/// Names from other codebases, collected before reading the rule's words. On the first run the rule hid
/// 222 of 233 (95.3%) and raised 4 false alarms among 285 (1.4%). One half then went to the lists above, which
/// the rule is tuned on; this is the other one (94.0%, 2.8%).
#[test]
fn a_second_pair_of_held_out_lists_is_classified_with_few_errors() {
    assert_nearly_all_are_judged_right(
        include_str!("../data/names_sensitive_second.txt"),
        include_str!("../data/names_harmless_second.txt"),
        93.0,
    );
}

/// Regression test: a zero-width character after an acronym hid the start of the next word.
#[test]
fn invisible_characters_do_not_affect_the_key_rule() {
    for name in ["AApiKey", "userSSNs", "DBPassword", "JWTToken", "AWSSecretKey"] {
        let wide: String = name.chars().flat_map(|c| [c, '\u{200b}']).collect();
        assert!(is_sensitive(name) && is_sensitive(&wide), "{name}");
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        assert!(is_sensitive(&encoded), "{encoded}");
        for control in ["\0", "\u{1}", "\u{7f}", "%01", "%00"] {
            let torn = format!("{}{control}{}", &name[..6], &name[6..]);
            assert!(is_sensitive(&torn), "{torn:?}");
        }
    }
}

#[test]
fn a_qualified_session_is_sensitive_and_a_session_count_is_not() {
    for name in ["x_session", "my_sid", "session", "appSession", "X-Session", "user.sid"] {
        assert!(is_sensitive(name), "{name}");
    }
    for name in ["sessions", "checkout_session", "session_count", "has_session", "obsession"] {
        assert!(!is_sensitive(name), "{name}");
    }
}
