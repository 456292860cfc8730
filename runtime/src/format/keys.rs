//! The keys a line has of its own, their renames, and what is reserved for them.

use std::fmt::Write as _;

use crate::json::escape;

/// The fixed keys, in the order of the line.
pub(crate) const FIXED: [&str; 12] = [
    "ts",
    "level",
    "logger",
    "msg",
    "request_id",
    "user_id",
    "method",
    "path",
    "service",
    "trace_id",
    "span_id",
    "seq",
];

/// Keys that candor puts on lines beside the fixed ones, wherever they come from.
const OWN: [&str; 3] = ["event", "exc", "truncated"];

/// Bytes of a field's name, which stands in every line beside its value.
const NAME_LIMIT: usize = 128;

/// The fixed keys as one layer writes them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    renamed: Vec<(usize, String)>,
}

impl Keys {
    /// Reads `ts=timestamp,level=severity`; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty()).map(|pair| {
            let (from, to) = pair
                .split_once('=')
                .ok_or_else(|| format!("`{pair}` has no `=` between the key and its new name"))?;
            Ok((from.trim(), to.trim()))
        });
        let mut keys = Keys::default();
        keys.rename(&pairs.collect::<Result<Vec<_>, String>>()?)?;
        Ok(keys)
    }

    /// Renames keys together, so that one may get the name that another gives up, in whatever order.
    pub(crate) fn rename(&mut self, pairs: &[(&str, &str)]) -> Result<(), String> {
        for (from, to) in pairs {
            self.note(from, to)?;
        }
        for (index, name) in &self.renamed {
            let taken = OWN.contains(&name.as_str())
                || (0..FIXED.len()).any(|other| other != *index && self.name(other) == name);
            if taken {
                return Err(format!("`{name}` is the name of another key"));
            }
        }
        Ok(())
    }

    fn note(&mut self, from: &str, to: &str) -> Result<(), String> {
        let Some(index) = FIXED.iter().position(|key| *key == from) else {
            return Err(format!("`{from}` is no fixed key; they are {}", FIXED.join(", ")));
        };
        if to.is_empty() {
            return Err(format!("the new name of `{from}` is empty"));
        }
        if self.renamed.iter().any(|(known, _)| *known == index) {
            return Err(format!("`{from}` is renamed twice"));
        }
        self.renamed.push((index, to.to_owned()));
        Ok(())
    }

    pub(crate) fn are_renamed(&self) -> bool {
        !self.renamed.is_empty()
    }

    /// The name of the fixed key at this place of the line.
    pub(crate) fn name(&self, index: usize) -> &str {
        self.renamed
            .iter()
            .find(|(known, _)| *known == index)
            .map_or(FIXED[index], |(_, name)| name.as_str())
    }

    /// Whether a fixed key was given this name (escaped, as it is written).
    pub(crate) fn is_renamed_to(&self, escaped: &str) -> bool {
        self.renamed.iter().any(|(_, name)| {
            let mut known = String::new();
            escape::json_text(name, &mut known);
            known == escaped
        })
    }

    /// `"key":` of a fixed key, ready to be written.
    pub(crate) fn quoted(&self, index: usize) -> String {
        let mut out = String::new();
        escape::json_string(self.name(index), &mut out);
        out.push(':');
        out
    }

    /// Whether a field of this name would stand beside one of candor's own.
    pub(crate) fn is_reserved(&self, name: &str) -> bool {
        FIXED.contains(&name)
            || OWN.contains(&name)
            || self.renamed.iter().any(|(_, renamed)| renamed == name)
    }

    /// The name under which a field is kept: a reserved one gets a trailing underscore.
    pub(crate) fn field_name(&self, name: &str) -> String {
        let mut kept = name[..name.floor_char_boundary(NAME_LIMIT.min(name.len()))].to_owned();
        while self.is_reserved(&kept) {
            let _ = kept.write_char('_');
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rename_onto_another_key_is_refused() {
        assert!(Keys::parse("ts=level").is_err());
        assert!(Keys::parse("ts=timestamp,level=timestamp").is_err());
        assert!(Keys::parse("ts=timestamp,level=severity").is_ok());
    }

    #[test]
    fn keys_swap_their_names_in_whatever_order() {
        for renames in
            ["level=msg,msg=level", "msg=level,level=severity", "level=severity,msg=level"]
        {
            assert_eq!(Keys::parse(renames).expect(renames).name(3), "level");
        }
    }
}
