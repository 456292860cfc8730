//! Writes the member `sites` of a line: `,"sites":[{"site":"src/cart.rs:41 shop::cart","lines":12,"bytes":3250}]`.

use crate::format::sites::SiteId;
use crate::json::{escape, members};
use crate::redact::loggable::{DEFAULT_VALUE_LIMIT, Encoder};
use crate::redact::shown;

pub(super) struct SiteList<'a> {
    out: &'a mut String,
    is_first: bool,
}

impl<'a> SiteList<'a> {
    pub(super) fn begin(out: &'a mut String) -> Self {
        members::open(out, "sites");
        out.push('[');
        SiteList { out, is_first: true }
    }

    pub(super) fn add(&mut self, site: SiteId, lines: u64, bytes: u64, share: Option<f64>) {
        self.out.push_str(if self.is_first { "{\"site\":" } else { ",{\"site\":" });
        self.is_first = false;
        escape::json_string(shown::text(&site.key().to_string()).shown(), self.out);
        for (key, count) in [("lines", lines), ("bytes", bytes)] {
            members::open(self.out, key);
            Encoder::json(self.out, DEFAULT_VALUE_LIMIT).u64(count);
        }
        if let Some(share) = share {
            members::open(self.out, "share");
            Encoder::json(self.out, DEFAULT_VALUE_LIMIT).f64(share);
        }
        self.out.push('}');
    }

    pub(super) fn end(self) {
        self.out.push(']');
    }
}
