//! The tree of a story on the terminal and on the page: kinds of rows, symbols, the axis, folded rows.

use super::*;

const REPEATED: &str = "db select was called 49 times, one after another, 98.0 ms in all: one call for all of them may be faster (N+1)";

/// A request of 200 ms with 50 equal queries of 1 to 3 ms, of which the last one fails if `fails`.
fn repeating(fails: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for index in 0..50_u64 {
        let error = (fails && index == 49).then_some("timeout");
        let ms = if error.is_some() {
            1.0
        } else {
            [1.0, 2.0, 3.0][usize::try_from(index % 3).expect("small")]
        };
        let ms = if index == 48 { 2.0 } else { ms };
        let offset = 10.0 + 3.0 * index as f64;
        let level = if error.is_some() { "ERROR" } else { "INFO" };
        let query = call("db", "select", ms, error, index + 2, 1, offset);
        lines.push(line("r-7", 20_000 + 3_000 * index, level, index + 1, &query));
    }
    lines.push(line("r-7", 190_000, "INFO", 51, &step("list", 185.0, "ok", 1, 0, 5.0)));
    lines.push(line("r-7", 200_000, "INFO", 52, &completed(200.0, 200, "ok", "")));
    lines
}

fn story(lines: &[String], more: &[&str]) -> String {
    let said = candor_at("160", &[&["story", "r-7", "-"], more].concat(), &joined(lines));
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    said.out
}

fn page_of(lines: &[String]) -> String {
    story(lines, &["--html", "-"])
}

/// The lines of `shop`, `payments` and `bank`: each calls the next one, and the last one fails.
fn three_services() -> Vec<String> {
    let at = |service: &str, span: &str, line: String| {
        line.replace("\"s1\"", &format!("\"{span}\""))
            .replace("\"trace_id\"", &format!("\"service\":\"{service}\",\"trace_id\""))
    };
    let bank = |line| at("bank", "s3", line).replace("/orders", "/debits");
    let payments = |line| at("payments", "s2", line).replace("/orders", "/charges");
    let shop = |line| at("shop", "s1", line);
    let lock = call("ledger", "lock", 20.0, Some("timeout"), 1, 0, 5.0);
    let debit = call("bank", "debit", 40.0, Some("connect"), 1, 0, 10.0);
    let charge = call("payments", "charge", 60.0, Some("status"), 2, 1, 20.0);
    vec![
        bank(line("r-7", 60_000, "ERROR", 1, &lock)),
        bank(line("r-7", 65_000, "ERROR", 2, &completed(30.0, 500, "error", ""))),
        payments(line("r-7", 72_000, "ERROR", 1, &debit)),
        payments(line("r-7", 75_000, "ERROR", 2, &completed(53.0, 502, "error", ""))),
        shop(line("r-7", 80_000, "ERROR", 1, &charge)),
        shop(line("r-7", 99_000, "WARN", 2, &step("place_order", 98.0, "error", 1, 0, 1.0))),
        shop(line("r-7", 100_000, "ERROR", 3, &completed(100.0, 502, "error", ""))),
    ]
}

/// The rows with a bar, each with the branch to it and its name.
fn names(shown: &str) -> Vec<String> {
    let tree = shown.split("start      took").nth(1).expect("an axis");
    let rows = tree.lines().filter(|row| row.contains(|c| ('▀'..='▟').contains(&c)));
    let name = |row: &str| {
        let parts = row.split("  ").map(str::trim);
        let mut names = parts.filter(|part| part.chars().any(char::is_alphabetic));
        names.next().unwrap_or_default().trim_start_matches(['│', ' ']).to_owned()
    };
    rows.map(name).collect()
}

#[test]
fn equal_siblings_are_one_row_with_their_number_range_and_sum() {
    let shown = story(&repeating(false), &[]);
    assert!(shown.contains("└ 50 × → db select"), "{shown}");
    assert!(shown.contains("1.00–3.00 ms each, 100 ms in all"), "{shown}");
    assert_eq!(shown.matches("→ db select").count(), 1, "{shown}");
    // `--all` shows each member.
    let shown = story(&repeating(false), &["--all"]);
    assert!(!shown.contains("50 ×"), "{shown}");
    assert_eq!(shown.matches("→ db select").count(), 50, "{shown}");
}

#[test]
fn the_fields_of_every_equal_sibling_are_shown_on_request() {
    let lines: Vec<String> = (1..=4_u64)
        .map(|index| {
            let load = step("load", 5.0, "ok", index, 0, 20.0 * index as f64);
            line("r-7", 20_000 * index, "INFO", index, &format!("{load},\"order\":\"o-{index}\""))
        })
        .chain([line("r-7", 100_000, "INFO", 5, &completed(100.0, 200, "ok", ""))])
        .collect();
    assert!(story(&lines, &[]).contains("4 × load"));
    let shown = story(&lines, &["--fields"]);
    let mut tail = command(&["tail", "-", "--expand", "--fields"]);
    tail.env("TZ", "UTC");
    let drawn = run(tail, &joined(&lines)).out;
    for shown in [shown, drawn] {
        assert!(!shown.contains('×'), "{shown}");
        for index in 1..=4 {
            assert!(shown.contains(&format!("order=o-{index}\n")), "{shown}");
        }
    }
}

#[test]
fn a_failed_sibling_has_a_row_of_its_own() {
    let shown = story(&repeating(true), &[]);
    assert!(shown.contains("├ 49 × → db select"), "{shown}");
    assert!(shown.contains("└ → db select"), "{shown}");
    assert!(shown.contains("! first problem: error · timeout"), "{shown}");
    // So has a retried call. Two equal calls are not folded.
    let mut lines = repeating(false);
    lines[7] = lines[7].replace("\"retries\":0", "\"retries\":2");
    lines.truncate(9);
    lines.push(line("r-7", 200_000, "INFO", 52, &completed(200.0, 200, "ok", "")));
    let shown = story(&lines, &[]);
    assert!(shown.contains("8 × → db select") && shown.contains("! 2 retries"), "{shown}");
    lines.drain(..7);
    assert!(!story(&lines, &[]).contains('×'), "{}", story(&lines, &[]));
}

#[test]
fn many_equal_calls_one_after_another_are_reported() {
    let shown = story(&repeating(true), &[]);
    assert!(shown.contains(&format!("repeated      {REPEATED}\n")), "{shown}");
    assert!(story(&repeating(true), &["--all"]).contains(REPEATED));
    assert!(page_of(&repeating(true)).contains(REPEATED));
    // Concurrent calls are not reported.
    let together = repeating(false).into_iter().map(|line| {
        let (before, after) = line.split_once("\"offset_ms\":").unwrap_or((&line, ""));
        if after.is_empty() { line } else { format!("{before}\"offset_ms\":10.000}}") }
    });
    let shown = story(&together.collect::<Vec<_>>(), &[]);
    assert!(shown.contains("50 × → db select") && !shown.contains("N+1"), "{shown}");
    // Nine calls are not reported.
    let mut lines = repeating(false);
    lines.drain(9..50);
    assert!(!story(&lines, &[]).contains("N+1"), "{}", story(&lines, &[]));
}

#[test]
fn equal_steps_with_calls_in_them_are_folded_with_these() {
    let mut lines = Vec::new();
    for index in 0..12_u64 {
        let (outer, inner) = (2 * index + 2, 2 * index + 3);
        let offset = 10.0 * index as f64;
        let load = step("load", 6.0, "ok", outer, 0, offset);
        let select = call("db", "select", 4.0, None, inner, outer, offset + 1.0);
        lines.push(line("r-7", 20_000 + index, "INFO", outer, &select));
        lines.push(line("r-7", 20_000 + index, "INFO", inner, &load));
    }
    lines.push(line("r-7", 150_000, "INFO", 1, &completed(150.0, 200, "ok", "")));
    let rows = names(&story(&lines, &[]));
    assert_eq!(rows, ["12 × load", "└ 12 × → db select"]);
    assert!(story(&lines, &[]).contains("db select was called 12 times"));
}

#[test]
fn called_services_are_below_their_call_on_one_axis() {
    let shown = story(&three_services(), &[]);
    assert_eq!(
        names(&shown),
        [
            "shop POST /orders",
            "└ place_order",
            "└ → payments charge",
            "└ payments POST /charges",
            "└ → bank debit",
            "└ bank POST /debits",
            "└ → ledger lock",
        ],
        "{shown}"
    );
    assert_eq!(shown.matches("start      took").count(), 1, "{shown}");
    assert!(shown.contains("↳ 502 error") && shown.contains("↳ 500 error"), "{shown}");
    assert!(shown.contains("likely cause  ledger lock: timeout after 20.0 ms, at bank"), "{shown}");

    let page = page_of(&three_services());
    assert_eq!(page.matches("class=\"axis\"").count(), 1);
    let inner = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is not in {page}"));
    let charge = inner("<span class=\"kind\">→ payments</span>");
    let request = inner("<span class=\"kind\">payments</span> POST /charges");
    assert!(charge < request && page[charge..request].contains("<ul role=\"list\">"), "{page}");
    // The lists are nested as deep as the rows.
    let (mut depth, mut deepest) = (0_i32, 0_i32);
    for tag in page.match_indices("ul").map(|(at, _)| &page[at - 2..at]) {
        depth += i32::from(tag.ends_with('<')) - i32::from(tag == "</");
        deepest = deepest.max(depth);
    }
    assert_eq!((depth, deepest), (0, 7), "{page}");
}

/// Calls of `shop` to `stock`, with the request that each makes. The end of the third has more fields.
fn callees(count: u64, rest: &str) -> Vec<String> {
    let at = |service: &str, span: &str, line: String| {
        line.replace("\"s1\"", &format!("\"{span}\""))
            .replace("\"trace_id\"", &format!("\"service\":\"{service}\",\"trace_id\""))
    };
    let mut lines = Vec::new();
    for index in 0..count {
        let start = 20 * index;
        let reserve = call("stock", "reserve", 10.0, None, index + 1, 0, start as f64);
        let rest = if index == 2 { rest } else { "" };
        let end = completed(8.0, 200, "ok", rest);
        lines.push(at(
            "shop",
            "s1",
            line("r-7", (start + 10) * 1_000, "INFO", index + 1, &reserve),
        ));
        let end = line("r-7", (start + 9) * 1_000, "INFO", 1, &end);
        lines.push(at("stock", &format!("s2{index}"), end));
    }
    let end = completed(20.0 * count as f64, 200, "ok", "");
    lines.push(at("shop", "s1", line("r-7", 20_000 * count, "INFO", count + 1, &end)));
    lines
}

#[test]
fn a_request_with_notes_has_a_row_of_its_own() {
    let shown = story(&callees(4, ""), &[]);
    assert!(shown.contains("4 × → stock reserve"), "{shown}");
    for (field, note) in [
        ("lines_suppressed", "! 40 lines were suppressed by the limit of lines per request"),
        ("lines_sampled_away", "! 40 lines were left out by sampling"),
    ] {
        let shown = story(&callees(4, &format!(",\"{field}\":40")), &[]);
        assert!(shown.contains("3 × → stock reserve") && shown.contains(note), "{shown}");
    }
}

#[test]
fn each_of_many_requests_is_below_its_own_call() {
    // With and without a service that is named like the dependency, and with a call around all others.
    let named = callees(300, "");
    let renamed: Vec<String> = named
        .iter()
        .map(|line| line.replace("\"service\":\"stock\"", "\"service\":\"store\""))
        .collect();
    let outer = line("r-7", 6_100_000, "INFO", 1, &call("shop", "buy", 6_190.0, None, 1, 0, 0.0))
        .replace("\"s1\"", "\"s0\"")
        .replace("\"trace_id\"", "\"service\":\"gateway\",\"trace_id\"");
    for (lines, service) in [(named, "stock"), (renamed, "store")] {
        let lines = [vec![outer.clone()], lines].concat();
        let rows = names(&story(&lines, &["--all"]));
        let is_callee = |row: &str| row.ends_with(&format!("{service} POST /orders"));
        assert_eq!(rows.iter().filter(|row| is_callee(row)).count(), 300, "{rows:?}");
        for pair in rows.windows(2).filter(|pair| is_callee(&pair[1])) {
            assert!(pair[0].ends_with("→ stock reserve"), "{pair:?}");
        }
    }
}

#[test]
fn a_request_with_several_possible_calls_is_not_below_one() {
    let mut lines = three_services();
    // A second call at the same time.
    let other = call("stock", "reserve", 60.0, None, 9, 1, 20.0);
    let other = line("r-7", 80_000, "INFO", 4, &other);
    lines.push(other.replace("\"trace_id\"", "\"service\":\"shop\",\"trace_id\""));
    let named = names(&story(&lines, &[]));
    assert!(named.contains(&"└ payments POST /charges".to_owned()), "the name decides: {named:?}");
    let renamed: Vec<String> =
        lines.iter().map(|line| line.replace("\"payments\"", "\"pay\"")).collect();
    let renamed: Vec<String> = renamed
        .iter()
        .map(|line| line.replace("\"dependency\":\"pay\"", "\"dependency\":\"p\""))
        .collect();
    let rows = names(&story(&renamed, &[]));
    assert!(rows.contains(&"pay POST /charges".to_owned()), "{rows:?}");
}

#[test]
fn the_bar_of_a_folded_row_shows_when_and_how_densely_its_members_ran() {
    // A request of one second with `count` calls of 0.005 ms, one in each `every` microseconds.
    let bar = |count: u64, every: u64| {
        let mut lines: Vec<String> = (0..count)
            .map(|index| {
                let offset = (every * index) as f64 / 1e3;
                let get = call("cache", "get", 0.005, None, index + 1, 0, offset);
                line("r-7", every * index + 5, "INFO", index + 1, &get)
            })
            .collect();
        lines.push(line("r-7", 1_000_000, "INFO", count + 1, &completed(1000.0, 200, "ok", "")));
        let shown = story(&lines, &[]);
        let row = shown.lines().find(|row| row.contains("× → cache get")).expect("a folded row");
        let bar: Vec<char> = row.chars().filter(|c| "░▒▓█".contains(*c)).collect();
        (bar.len(), bar.first().copied(), bar.last().copied())
    };
    // All in the first 12 ms, which are one or two cells of about 110, with a call open in 42 % of the time.
    let (cells, first, _) = bar(1_000, 12);
    assert!((1..=2).contains(&cells) && first == Some('▒'), "{cells} cells, {first:?}");
    // Over the whole second, with a call open in a twentieth of the time.
    let (cells, first, last) = bar(9_000, 111);
    assert!(cells > 80 && (first, last) == (Some('░'), Some('░')), "{cells} cells, {first:?}");
}

#[test]
fn ticks_are_at_round_times() {
    let shown = story(&failing("r-7"), &[]);
    let axis = shown.lines().find(|row| row.contains("took")).expect("an axis");
    let words: Vec<&str> = axis.split_whitespace().collect();
    assert_eq!(
        words.join(" "),
        "start took 0 10 ms 20 ms 30 ms 40 ms 50 ms 60 ms 70 ms 80 ms 90 ms"
    );
    // A bar that begins at 40 ms is below the label.
    let label = axis.find("40 ms").expect("a label");
    let bar = shown.lines().find(|row| row.contains("→ payments charge")).expect("a call");
    let bar = bar.chars().position(|c| c == '█').expect("a bar");
    assert!(label.abs_diff(bar) <= 1, "{shown}");
    let page = page_of(&failing("r-7"));
    assert!(
        page.contains("<i style=\"--at:20.000%\">20 ms</i><i style=\"--at:40.000%\">40 ms</i>"),
        "{page}"
    );
}

#[test]
fn colours_show_the_kind_and_symbols_the_role() {
    let mut command = command(&["story", "r-7", "-"]);
    command.env("CLICOLOR_FORCE", "1");
    let shown = run(command, &joined(&three_services())).out;
    let row = |name: &str| {
        let found = shown.lines().find(|row| row.contains(name) && row.contains('█'));
        found.unwrap_or_else(|| panic!("{name} is not in {shown}")).to_owned()
    };
    let (request, step, call) =
        (row("payments\u{1b}[0m POST"), row("place_order"), row("→ ledger"));
    assert!(request.contains("\u{1b}[35mpayments") && request.contains("\u{1b}[35m█"), "{request}");
    assert!(step.contains("\u{1b}[34m█"), "{step}");
    assert!(call.contains("\u{1b}[36m→ ledger") && call.contains("\u{1b}[36m█"), "{call}");
    // The symbols do not depend on colours.
    let plain = story(&three_services(), &[]);
    let row = |name: &str| {
        plain.lines().find(|row| row.contains(name) && row.contains('█')).expect("a row")
    };
    assert!(row("→ ledger lock").contains("ms ✗ "), "{plain}");
    assert!(row("place_order").contains("ms ↳ "), "{plain}");
    assert!(plain.contains("✗ likely cause: error · timeout"), "{plain}");
    assert!(plain.contains("↳ consequence of ledger lock: error"), "{plain}");
    // The same on the page: the class of a row has its kind and its role.
    let page = page_of(&three_services());
    for class in ["row call cause error", "row step follows warning", "row request follows"] {
        assert!(page.contains(&format!("class=\"{class}\"")), "{class} is not in {page}");
    }
}

#[test]
fn the_text_of_an_error_is_shown_once() {
    const TEXT: &str = "payments did not answer: operation timed out";
    let charge = call("payments", "charge", 55.0, Some("timeout"), 3, 1, 40.0);
    let text = |text: &str| format!(",\"error_detail\":\"{text}\"");
    let outer = step("place_order", 97.0, "error", 1, 0, 1.0);
    let lines = [
        line("r-7", 95_000, "ERROR", 1, &(charge + &text(TEXT))),
        line("r-7", 98_000, "WARN", 2, &(step("pay", 60.0, "error", 4, 1, 36.0) + &text(TEXT))),
        line("r-7", 98_000, "WARN", 3, &(outer + &text(&format!("order 7: {TEXT}")))),
        line("r-7", 99_000, "ERROR", 4, &text(TEXT)[1..]),
        line("r-7", 100_000, "ERROR", 5, &completed(100.0, 504, "error", "")),
    ];
    let shown = story(&lines, &[]);
    assert_eq!(shown.matches(TEXT).count(), 1, "{shown}");
    assert!(shown.contains("order 7: (error of payments charge)"), "{shown}");
    assert!(shown.contains("error_detail=(error of payments charge)"), "{shown}");
    // All values are in the rows of fields, and in the tables of the page.
    assert!(story(&lines, &["--fields"]).contains(&format!("error_detail={TEXT}")));
    let page = page_of(&lines);
    let outside_tables: Vec<&str> =
        page.split("<table>").map(|part| part.rsplit("</table>").next().expect("a part")).collect();
    assert_eq!(outside_tables.concat().matches(TEXT).count(), 1, "{page}");
    assert!(
        page.contains(&format!("<th scope=\"row\">error_detail</th><td>{TEXT}</td>")),
        "{page}"
    );
}

#[test]
fn names_stay_readable_on_any_screen() {
    let long = "recalculate_the_outstanding_balance_of_every_open_subscription";
    let mut lines: Vec<String> = (1..=40_u64)
        .map(|id| {
            line("r-7", id, "INFO", id, &step(&format!("level_{id}"), 99.0, "ok", id, id - 1, 0.0))
        })
        .collect();
    lines.push(line("r-7", 41, "INFO", 41, &step(long, 99.0, "ok", 41, 0, 0.0)));
    lines.push(line("r-7", 42, "INFO", 42, &step("注文を確定する_größe", 99.0, "ok", 42, 0, 0.0)));
    lines.push(line("r-7", 100_000, "INFO", 43, &completed(100.0, 200, "ok", "")));
    for width in ["80", "120", "200"] {
        let shown = candor_at(width, &["story", "r-7", "-"], &joined(&lines)).out;
        for name in ["level_40", long, "注文を確定する_größe"] {
            assert!(shown.contains(name), "{name} is not in {shown}");
        }
        let columns =
            |row: &str| row.chars().map(|c| if c > '\u{2fff}' { 2 } else { 1 }).sum::<usize>();
        let widest = shown.lines().map(columns).max().expect("rows");
        assert!(widest <= width.parse().expect("a number"), "{widest} columns:\n{shown}");
    }
    // The page breaks a name after its separators.
    let page = page_of(&lines);
    assert!(page.contains("recalculate_<wbr>the_<wbr>outstanding_<wbr>balance"), "{page}");
}

#[test]
fn a_narrow_screen_shows_bars_only_if_they_have_room() {
    let is_bar = |c: char| ('▀'..='▟').contains(&c);
    for width in 40..80 {
        let shown =
            candor_at(&width.to_string(), &["story", "r-7", "-"], &joined(&failing("r-7"))).out;
        let has_bar = |row: &&str| row.contains("ms") && row.contains(is_bar);
        let bars: Vec<usize> =
            shown.lines().filter(has_bar).map(|row| row.matches(is_bar).count()).collect();
        // The bars of 97, 10 and 55 ms are in proportion.
        match bars[..] {
            [] => assert!(width < 60 && shown.contains("55.0 ms"), "{shown}"),
            [outer, price, charge] => assert!(outer > charge && charge > price, "{shown}"),
            _ => panic!("{shown}"),
        }
    }
}

#[test]
fn a_title_that_is_wider_than_the_screen_does_not_hide_how_the_request_ended() {
    let path = "/tenants/0f8fad5b-d9cb-469f-a165-70867728950e/subscriptions/renewals/of/this/month";
    let lines: Vec<String> = failing("r-7")
        .iter()
        .map(|line| line.replace("\"/orders\"", &format!("\"{path}\"")))
        .collect();
    let shown = candor_at("80", &["story", "r-7", "-"], &joined(&lines)).out;
    assert!(shown.contains("\n504 error  100 ms\n"), "{shown}");
    assert!(shown.replace('\n', "").contains(path), "{shown}");
}

#[test]
fn the_page_can_be_used_without_sight_pointer_and_scripts() {
    let page = page_of(&repeating(true));
    // Styles open and close all rows, so no script is needed.
    for control in ["opened\" checked> as opened", "all\"> expand all", "none\"> collapse all"] {
        assert!(
            page.contains(&format!("<input type=\"radio\" name=\"view\" value=\"{control}")),
            "{control}"
        );
    }
    assert!(page.contains("<ul class=\"legend\" role=\"list\" aria-label=\"legend\">"));
    assert!(page.contains("<ul role=\"list\" aria-label=\"steps, calls and other lines\">"));
    // Screen readers skip the bars and read the numbers.
    assert!(page.contains("<span class=\"heard\">starts at </span>"));
    assert_eq!(
        page.matches("<span class=\"bar\"").count(),
        page.matches("<span class=\"bar\" aria-hidden=\"true\">").count()
    );
    for style in ["position: sticky", "@media print", "prefers-color-scheme: dark", "focus-visible"]
    {
        assert!(page.contains(style), "{style}");
    }
    for outside in ["<script", "<link", "<img", "url(", "@import", "http-equiv=\"refresh\""] {
        assert!(!page.contains(outside), "{outside}");
    }
    // The members of a folded row are on the page.
    assert!(page.contains("49 × <span class=\"kind\">→ db</span> select"), "{page}");
    assert_eq!(page.matches("<span class=\"kind\">→ db</span> select").count(), 51);
}

#[test]
fn requests_below_each_other_have_a_maximum_depth_in_any_order() {
    // A request makes three equal chains of 100 calls. All requests of a chain have the same time, and the ids of
    // their spans put each callee before its caller.
    let mut lines = Vec::new();
    for chain in 0..3_u64 {
        let at = 30_000 * (chain + 1);
        for index in 0..100 {
            let in_service = |line: String| {
                line.replace("\"s1\"", &format!("\"{chain}-{index:03}\"")).replace(
                    "\"trace_id\"",
                    &format!("\"service\":\"service_{index}\",\"trace_id\""),
                )
            };
            if index > 0 {
                let callee = format!("service_{}", index - 1);
                let call = call(&callee, "get", 20.0, None, 1, 0, 0.0);
                lines.push(in_service(line("r-7", at, "INFO", 1, &call)));
            }
            lines.push(in_service(line("r-7", at, "INFO", 2, &completed(20.0, 200, "ok", ""))));
        }
        let offset = (at / 1_000 - 20) as f64;
        let call = call("service_99", "get", 20.0, None, chain + 1, 0, offset);
        lines.push(line("r-7", at, "INFO", chain + 1, &call));
    }
    lines.push(line("r-7", 120_000, "INFO", 4, &completed(120.0, 200, "ok", "")));
    let page = page_of(&lines);
    let depths = page.match_indices("--depth:").map(|(at, text)| {
        let digits = page[at + text.len()..].chars().take_while(char::is_ascii_digit);
        digits.collect::<String>().parse::<usize>().expect("a depth")
    });
    // Each request has a row for itself and one for its call; a folded row and its members have one each.
    let deepest = depths.max().expect("rows");
    assert!((60..=130).contains(&deepest), "{deepest}");
    let shown = story(&lines, &[]);
    assert!(shown.contains("3 × → service_99 get"), "{shown}");
}

#[test]
fn hundreds_of_services_that_call_each_other_are_shown() {
    let lines: Vec<String> = (0..300_u64)
        .flat_map(|index| {
            let inner = call("next", "do", 900.0 - 2.0 * index as f64, None, 1, 0, 1.0);
            let at = |line: String| line.replace("\"s1\"", &format!("\"s{index}\""));
            let end = 950_000 - 1_000 * index;
            [
                at(line("r-7", end - 1_000, "INFO", 1, &inner)),
                at(line(
                    "r-7",
                    end,
                    "INFO",
                    2,
                    &completed(902.0 - 2.0 * index as f64, 200, "ok", ""),
                )),
            ]
        })
        .collect();
    let shown = story(&lines, &["--all"]);
    assert_eq!(shown.matches("→ next do").count(), 300);
    let page = page_of(&lines);
    assert_eq!(page.matches("<details").count(), page.matches("</details>").count());
}
