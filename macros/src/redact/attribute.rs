//! The `#[redact(…)]` attributes of one field.

use syn::{Attribute, Ident, Meta};

use crate::errors::{Errors, listed};
use crate::policy::{MetaArg, Policy, PolicyKind, reason_text};

/// Reads all `#[redact(…)]` of one field. `None` is a field without one, or one with mistakes.
pub(super) fn policy(attributes: &[Attribute], errors: &mut Errors) -> Option<Policy> {
    let mut found: Option<(Ident, Option<Policy>)> = None;
    let mut reason: Option<(Ident, String)> = None;
    for attribute in attributes {
        for arg in args(attribute, errors) {
            let name = &arg.name;
            if name == "reason" {
                // A reason with a mistake counts as one, so that there is no second error.
                let text = reason_text(&arg, errors).unwrap_or_default();
                if reason.replace((name.clone(), text)).is_some() {
                    errors.add(name, "duplicate argument `reason`");
                }
                continue;
            }
            let policy = Policy::parse(&arg, true, errors);
            match &found {
                Some((first, _)) if first == name => {
                    errors.add(name, format_args!("duplicate policy `{first}`"));
                }
                Some((first, _)) if Policy::is_name(name) => {
                    let message = format!("`{name}` contradicts `{first}`; a field has one policy");
                    errors.add(name, message);
                }
                Some(_) => {}
                None => found = Some((arg.name, policy)),
            }
        }
    }
    let Some((at, reason)) = reason else { return found.and_then(|(_, policy)| policy) };
    match found {
        Some((name, Some(Policy { kind: PolicyKind::Clear { .. }, .. }))) => {
            return Some(Policy { name, kind: PolicyKind::Clear { reason: Some(reason) } });
        }
        Some((name, Some(_))) => {
            errors.add(&at, format_args!("`reason` only applies to `clear`; `{name}` needs none"));
        }
        Some((_, None)) => {}
        None => errors.add(&at, "`reason` only applies to `clear`: `clear, reason = \"…\"`"),
    }
    None
}

fn args(attribute: &Attribute, errors: &mut Errors) -> Vec<MetaArg> {
    match &attribute.meta {
        Meta::List(list) if !list.tokens.is_empty() => {
            let args = errors.take(MetaArg::parse_all(list.tokens.clone()));
            args.map(|args| args.into_iter().collect()).unwrap_or_default()
        }
        meta => {
            let known = listed(&Policy::known(true));
            errors.add(meta, format_args!("expected a policy in parentheses, one of {known}"));
            Vec::new()
        }
    }
}
