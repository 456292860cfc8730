//! Found by attacks on the profiles: names that become the same, and lines that have to be cut.

use candor::scrub::json;
use candor::testing::capture_with;
use candor::{Config, Profile, RequestContext, context};
use serde_json::json;

use super::PROFILES;

/// The last line of a profile, in a context with these fields.
fn written(profile: Profile, config: Config, fields: &[(String, u32)]) -> String {
    let captured = capture_with(config.profile(profile)).expect("a configuration");
    RequestContext::with_id("r-7").enter_with(|| {
        for (name, value) in fields {
            context::set(name, *value);
        }
        candor::warn!("last");
    });
    captured.output().lines().last().expect("a line").to_owned()
}

/// The keys of a line: pairs for logfmt, and members for JSON. The fields of ECS begin with `candor.`.
fn keys(profile: Profile, line: &str) -> Vec<String> {
    if profile == Profile::Logfmt {
        return line
            .split(' ')
            .filter_map(|pair| Some(pair.split_once('=')?.0.to_owned()))
            .collect();
    }
    candor_tests::keys(line)
}

/// With one underscore at a time, this took seconds for a line.
#[test]
fn many_names_that_become_the_same_stay_different() {
    for profile in [Profile::Logfmt, Profile::Ecs] {
        // Each becomes `_…_`: a blank is not a name in logfmt, and an empty part is none in ECS.
        let odd = if profile == Profile::Logfmt { [' ', '='] } else { ['.', '_'] };
        let fields: Vec<(String, u32)> = (0..300_u32)
            .map(|n| ((0..9).map(|bit| odd[usize::from(n >> bit & 1 == 1)]).collect(), n))
            .collect();
        let line = written(profile, Config::new(), &fields);
        let mut keys = keys(profile, &line);
        let count = keys.len();
        assert!(count >= 300, "{count} keys in {line}");
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count, "{line}");
    }
}

#[test]
fn an_object_does_not_repeat_the_key_of_an_altered_name() {
    let captured = capture_with(Config::new().profile(Profile::Logfmt)).expect("a configuration");
    RequestContext::with_id("r-7").enter_with(|| {
        context::set(" o.a", 1);
        context::set("_o", json(&json!({ "a": 2 })));
        candor::warn!("last");
    });
    let line = captured.output();
    assert_eq!(line.matches(" _o.a=").count(), 1, "{line}");
}

#[test]
fn a_long_attribute_of_the_service_leaves_the_fields_on_the_line() {
    for profile in PROFILES {
        let config = Config::new().resource("service.version", "v".repeat(20_000));
        let line = written(profile, config, &[("kept".to_owned(), 7711)]);
        assert!(line.len() < 3000 && line.contains("7711"), "{profile:?}: {} bytes", line.len());
    }
}

#[test]
fn a_line_is_cut_no_more_than_its_form_needs() {
    let fields: Vec<(String, u32)> = (0..900).map(|n| (format!("n{n}"), n)).collect();
    for profile in PROFILES {
        let line = written(profile, Config::new(), &fields);
        assert!((7_000..16_000).contains(&line.len()), "{profile:?}: {} bytes", line.len());
        // Short values are not made longer, and a missing user does not become one.
        assert!(line.contains("last") && !line.contains("user"), "{profile:?}: {line}");
    }
}
