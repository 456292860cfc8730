//! The command-line option that all subcommands share.

use crate::output::Failure;
use crate::read::Keys;

/// Names of renamed keys.
#[derive(Debug, clap::Args)]
pub(crate) struct KeyArgs {
    /// Renamed keys, in `LOG_KEYS` syntax. Common names (timestamp, severity, message…) are detected
    #[arg(long, value_name = "ts=timestamp,…")]
    keys: Option<String>,
}

impl KeyArgs {
    pub(crate) fn keys(&self) -> Result<Keys, Failure> {
        let keys = self.keys.as_deref().map(Keys::parse).transpose();
        keys.map(Option::unwrap_or_default).map_err(|why| {
            Failure::usage(format!("--keys takes renames such as ts=timestamp: {why}"))
        })
    }
}
