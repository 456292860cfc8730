//! A binary with the JSON output of tracing-subscriber.

use tracing_subscriber::EnvFilter;

/// Never called, since it installs a global subscriber.
pub(in super::super) fn install() {
    tracing_subscriber::fmt().json().with_env_filter(EnvFilter::from_default_env()).init();
}
