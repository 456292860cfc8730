//! A binary with tracing-subscriber's JSON.

use tracing_subscriber::EnvFilter;

/// Never called: it installs for the whole process.
pub(in super::super) fn install() {
    tracing_subscriber::fmt().json().with_env_filter(EnvFilter::from_default_env()).init();
}
