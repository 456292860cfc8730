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
fn every_listed_harmless_name_stays_readable() {
    assert_eq!(missed(include_str!("../data/names_harmless.txt"), false).0, Vec::<&str>::new());
}

/// The rule was not tuned on these lists, so they say how it does on names nobody thought of.
#[test]
#[allow(clippy::cast_precision_loss, reason = "a few hundred names")]
fn held_out_names_are_nearly_all_judged_right() {
    let (leaked, sensitive) = missed(include_str!("../data/names_sensitive_heldout.txt"), true);
    let (alarms, harmless) = missed(include_str!("../data/names_harmless_heldout.txt"), false);
    let caught = 100.0 - 100.0 * leaked.len() as f64 / sensitive as f64;
    let alarm = 100.0 * alarms.len() as f64 / harmless as f64;
    println!(
        "caught {caught:.1}% of {sensitive}, not {leaked:?}\nfalse alarms {alarm:.1}% of {harmless}: {alarms:?}"
    );
    assert!(caught >= 95.0, "{leaked:?}");
    assert!(alarm <= 3.0, "{alarms:?}");
}
