//! Renders the bill as an HTML page, with treemaps of lines and keys.

use std::fmt::Write as _;

use super::report::{
    Bill, Charge, Dimension, Section, Share, ShareKind, format_bytes, format_share,
};
use super::treemap::{Area, squarify};
use crate::markup::{page, text};
use crate::screen::grouped;

const STYLE: &str = include_str!("page.css");

/// Width and height of a map. Only their ratio and the relative size of labels matter.
const MAP: Area = Area { x: 0.0, y: 0.0, width: 1000.0, height: 420.0 };
/// Height of the label of a group.
const LABEL_HEIGHT: f64 = 20.0;
/// Smaller tiles of a group are combined into one.
const MIN_TILE_SHARE: f64 = 0.002;
/// Smaller tiles have no label; their name is shown on hover.
const MIN_LABEL: (f64, f64) = (44.0, 18.0);
/// Smaller tiles have no figure below their label.
const MIN_FIGURE_HEIGHT: f64 = 36.0;

/// Tiles that belong together.
struct Group {
    name: &'static str,
    class: &'static str,
    tiles: Vec<Tile>,
}

struct Tile {
    name: String,
    bytes: u64,
}

impl Group {
    fn bytes(&self) -> u64 {
        self.tiles.iter().map(|tile| tile.bytes).sum()
    }
}

pub(super) fn render(bill: &Bill, charge: &Charge<'_>, top: usize) -> String {
    let mut out = String::new();
    out.push_str("<article>\n");
    head(bill, charge, &mut out);
    settings(bill, charge, &mut out);
    out.push_str("<h2>What the lines are</h2>\n");
    map(&line_groups(bill), bill, charge, &mut out);
    out.push_str("<h2>What the lines hold</h2>\n");
    map(&key_groups(bill), bill, charge, &mut out);
    out.push_str("<div class=\"shares\">\n");
    for section in &bill.sections {
        let section = section.top(top);
        if section.shares.iter().any(|share| share.kind == ShareKind::Named) {
            table(&section, bill, charge, &mut out);
        }
    }
    out.push_str("</div>\n</article>\n");
    page(&format!("{} of log lines", format_bytes(bill.total.bytes as f64)), STYLE, &out)
}

fn head(bill: &Bill, charge: &Charge<'_>, out: &mut String) {
    let bytes = bill.total.bytes;
    let per_month = charge.months.is_some();
    let price = charge.price(bytes).unwrap_or_default();
    let title = if per_month {
        format!("{} in 30 days", format_bytes(charge.bytes(bytes)))
    } else {
        format_bytes(bytes as f64)
    };
    let _ = write!(
        out,
        "<header>\n<h1>{title} <span class=\"took\">{}</span></h1>\n<ul class=\"facts\">",
        text(&price)
    );
    let mut facts = vec![
        ("bytes", grouped(&bytes.to_string())),
        ("lines", grouped(&bill.total.lines.to_string())),
        ("requests", grouped(&bill.requests.to_string())),
    ];
    if let Some((first, last)) = bill.times {
        for (name, at) in [("from", first), ("to", last)] {
            facts.push((name, format!("{} {}", bill.zone.date_time(at), bill.zone.name(at))));
        }
    }
    for (name, value) in facts {
        let _ = write!(out, "<li><span>{name}</span> {value}</li>");
    }
    out.push_str("</ul>\n</header>\n");
}

fn settings(bill: &Bill, charge: &Charge<'_>, out: &mut String) {
    let after = if charge.months.is_some() { "per month" } else { "bytes after" };
    let price = if charge.price.is_some() { "<th scope=\"col\">price</th>" } else { "" };
    let _ = write!(
        out,
        "<table class=\"settings\">\n<tr><th scope=\"col\">setting</th><th scope=\"col\">{after}</th>\
         <th scope=\"col\">saved</th>{price}<th scope=\"col\"><span class=\"hidden\">bar</span></th></tr>\n"
    );
    for setting in &bill.settings {
        let width = setting.after.bytes as f64 / bill.total.bytes.max(1) as f64 * 100.0;
        let price = charge.price(setting.after.bytes);
        let price = price.map(|price| format!("<td>{}</td>", text(&price))).unwrap_or_default();
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\"><code>{}</code> <small>{}</small></th><td>{}</td><td>{}</td>{price}\
             <td class=\"bar\"><i style=\"--width:{:.2}%\"></i></td></tr>",
            text(&setting.text),
            text(&setting.explanation()),
            format_bytes(charge.bytes(setting.after.bytes)),
            setting.saved_share(bill.total),
            width.min(100.0),
        );
    }
    out.push_str("</table>\n");
}

/// Groups the lines: steps and calls by name, all others by event. Each line is in one group.
fn line_groups(bill: &Bill) -> Vec<Group> {
    const STEP: [&str; 1] = ["step_timing"];
    const CALLS: [&str; 2] = ["dependency_call", "dependency_attempt"];
    let shares = |dimension| {
        bill.section(dimension).map(|section| section.shares.as_slice()).unwrap_or_default()
    };
    let events = shares(Dimension::Event);
    let tiles = |shares: &[Share], keep: &dyn Fn(&Share) -> bool| {
        let kept = shares.iter().filter(|share| keep(share));
        kept.map(|share| Tile { name: share.name.clone(), bytes: share.volume.bytes }).collect()
    };
    let by_name = |dimension, events_of: &[&str]| -> Vec<Tile> {
        let is_named = |share: &Share| matches!(share.kind, ShareKind::Named | ShareKind::Others);
        let mut tiles: Vec<Tile> = tiles(shares(dimension), &is_named);
        let named: u64 = tiles.iter().map(|tile| tile.bytes).sum();
        let is_of = |share: &&Share| events_of.contains(&share.name.as_str());
        let all: u64 = events.iter().filter(is_of).map(|share| share.volume.bytes).sum();
        // Lines of the event that have no name.
        if all > named {
            tiles.push(Tile { name: "without a name".to_owned(), bytes: all - named });
        }
        tiles
    };
    let is_other_event = |share: &Share| {
        let name = share.name.as_str();
        share.kind != ShareKind::NotCandor && !STEP.contains(&name) && !CALLS.contains(&name)
    };
    vec![
        Group { name: "steps", class: "steps", tiles: by_name(Dimension::Step, &STEP) },
        Group {
            name: "dependency calls",
            class: "calls",
            tiles: by_name(Dimension::Dependency, &CALLS),
        },
        Group { name: "other events", class: "events", tiles: tiles(events, &is_other_event) },
        Group {
            name: "not candor's",
            class: "foreign",
            tiles: tiles(events, &|share| share.kind == ShareKind::NotCandor),
        },
    ]
}

/// Groups the keys: those of the request's context, the other keys of every line, and all others.
fn key_groups(bill: &Bill) -> Vec<Group> {
    const CONTEXT: [&str; 8] =
        ["request_id", "user_id", "method", "path", "service", "trace_id", "span_id", "seq"];
    const FIXED: [&str; 5] = ["ts", "level", "logger", "msg", "event"];
    let mut groups = vec![
        Group { name: "context of the request", class: "steps", tiles: Vec::new() },
        Group { name: "on every line", class: "calls", tiles: Vec::new() },
        Group { name: "fields", class: "events", tiles: Vec::new() },
        Group { name: "around them", class: "foreign", tiles: Vec::new() },
    ];
    let keys = bill.section(Dimension::Key);
    for share in keys.map(|section| section.shares.as_slice()).unwrap_or_default() {
        let name = share.name.as_str();
        let group = match share.kind {
            ShareKind::Named if CONTEXT.contains(&name) => 0,
            ShareKind::Named if FIXED.contains(&name) => 1,
            ShareKind::Named | ShareKind::Others => 2,
            ShareKind::Without | ShareKind::NotCandor => 3,
        };
        groups[group].tiles.push(Tile { name: share.name.clone(), bytes: share.volume.bytes });
    }
    groups
}

/// Appends a treemap of groups, with the tiles in them.
fn map(groups: &[Group], bill: &Bill, charge: &Charge<'_>, out: &mut String) {
    let mut groups: Vec<&Group> = groups.iter().filter(|group| group.bytes() > 0).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.bytes()));
    let sizes: Vec<f64> = groups.iter().map(|group| group.bytes() as f64).collect();
    out.push_str("<div class=\"map\">\n");
    for (group, area) in groups.iter().zip(squarify(&sizes, MAP)) {
        let (class, name) = (group.class, group.name);
        let _ = write!(out, "<section class=\"group {class}\"{}>", placed(area, MAP));
        let has_label = area.height > 2.0 * LABEL_HEIGHT && area.width > MIN_LABEL.0;
        let label = if has_label { LABEL_HEIGHT } else { 0.0 };
        if has_label {
            let share = format_share(group.bytes(), bill.total.bytes);
            let height = label / area.height * 100.0;
            let _ =
                write!(out, "<h3 style=\"height:{height:.3}%\">{name} <span>{share}</span></h3>");
        }
        let inner = Area { x: 0.0, y: label, width: area.width, height: area.height - label };
        let tiles = shown_tiles(group, bill);
        let sizes: Vec<f64> = tiles.iter().map(|tile| tile.bytes as f64).collect();
        for (tile, place) in tiles.iter().zip(squarify(&sizes, inner)) {
            draw_tile(tile, place, area, bill, charge, out);
        }
        out.push_str("</section>\n");
    }
    out.push_str("</div>\n");
}

/// Returns the tiles of a group by size, with the small ones combined into one.
fn shown_tiles(group: &Group, bill: &Bill) -> Vec<Tile> {
    let least = (bill.total.bytes as f64 * MIN_TILE_SHARE) as u64;
    let is_shown = |tile: &&Tile| tile.bytes >= least;
    let mut tiles: Vec<Tile> = group
        .tiles
        .iter()
        .filter(is_shown)
        .map(|tile| Tile { name: tile.name.clone(), bytes: tile.bytes })
        .collect();
    let small: Vec<&Tile> = group.tiles.iter().filter(|tile| !is_shown(tile)).collect();
    match small.as_slice() {
        [] => {}
        [one] => tiles.push(Tile { name: one.name.clone(), bytes: one.bytes }),
        many => tiles.push(Tile {
            name: format!("{} others", many.len()),
            bytes: many.iter().map(|tile| tile.bytes).sum(),
        }),
    }
    tiles.retain(|tile| tile.bytes > 0);
    tiles.sort_by_key(|tile| std::cmp::Reverse(tile.bytes));
    tiles
}

fn draw_tile(
    tile: &Tile,
    place: Area,
    group: Area,
    bill: &Bill,
    charge: &Charge<'_>,
    out: &mut String,
) {
    let name = text(&tile.name);
    let share = format_share(tile.bytes, bill.total.bytes);
    let bytes = format_bytes(charge.bytes(tile.bytes));
    let price = charge.price(tile.bytes).map(|price| format!(", {}", text(&price)));
    let price = price.unwrap_or_default();
    let _ = write!(
        out,
        "<div class=\"tile\"{} title=\"{name}: {bytes}, {share}{price}\">",
        placed(place, group)
    );
    if place.width >= MIN_LABEL.0 && place.height >= MIN_LABEL.1 {
        // A long name may break after an underscore.
        let _ = write!(out, "<b>{}</b>", name.replace('_', "_<wbr>"));
        if place.height >= MIN_FIGURE_HEIGHT {
            let _ = write!(out, "<span>{share}</span>");
        }
    }
    out.push_str("</div>");
}

/// Returns the position of an area within another one, as a style.
fn placed(area: Area, within: Area) -> String {
    let percent = |part: f64, whole: f64| if whole > 0.0 { part / whole * 100.0 } else { 0.0 };
    format!(
        " style=\"left:{:.3}%;top:{:.3}%;width:{:.3}%;height:{:.3}%\"",
        percent(area.x, within.width),
        percent(area.y, within.height),
        percent(area.width, within.width),
        percent(area.height, within.height)
    )
}

fn table(section: &Section, bill: &Bill, charge: &Charge<'_>, out: &mut String) {
    let price = if charge.price.is_some() { "<th scope=\"col\">price</th>" } else { "" };
    let _ = write!(
        out,
        "<table>\n<tr><th scope=\"col\">{}</th><th scope=\"col\">lines</th><th scope=\"col\">{}</th>\
         <th scope=\"col\">share</th>{price}</tr>\n",
        section.dimension.name(),
        if charge.months.is_some() { "per month" } else { "bytes" },
    );
    for share in &section.shares {
        let class = if share.kind == ShareKind::Named { "" } else { " class=\"rest\"" };
        let price = charge.price(share.volume.bytes);
        let price = price.map(|price| format!("<td>{}</td>", text(&price))).unwrap_or_default();
        let _ = writeln!(
            out,
            "<tr{class} style=\"--width:{:.2}%\"><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td>{price}</tr>",
            share.volume.bytes as f64 / bill.total.bytes.max(1) as f64 * 100.0,
            text(&share.name),
            grouped(&share.volume.lines.to_string()),
            format_bytes(charge.bytes(share.volume.bytes)),
            format_share(share.volume.bytes, bill.total.bytes),
        );
    }
    out.push_str("</table>\n");
}
