//! candor
