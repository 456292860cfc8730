//! Access to environment variables. An empty one counts as unset.

use std::ffi::OsString;

use super::error::{ConfigErrorKind, ConfigMistake};

pub(super) fn os(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The value of a variable that is not a secret: the mistake repeats the value.
pub(super) fn text(name: &'static str) -> Result<Option<String>, ConfigMistake> {
    let text = os(name).map(OsString::into_string).transpose();
    text.map_err(|value| {
        let value = value.to_string_lossy();
        let message = format!("invalid {name} \"{value}\": expected valid UTF-8");
        ConfigMistake::new(ConfigErrorKind::InvalidValue, message).variable_is(name).value_is(value)
    })
}
