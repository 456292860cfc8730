//! `candor migrate`: sources that use `tracing` and `log` are rewritten to candor's macros.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

const MANIFEST: &str = "[package]\nname = \"shop\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\ntracing = \"0.1\"\nuuid = \"1\"\n";

/// A package with these files.
fn package(name: &str, files: &[(&str, &str)]) -> Folder {
    let folder = Folder::new(&format!("migrate-{name}"));
    folder.file("Cargo.toml", MANIFEST.as_bytes());
    for (path, text) in files {
        let path = folder.0.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
        fs::write(path, text).expect("it can be written");
    }
    folder
}

fn migrate(folder: &Folder, args: &[&str]) -> Said {
    let path = folder.0.to_str().expect("UTF-8");
    candor(&[&["migrate", path], args].concat(), b"")
}

fn write(folder: &Folder) -> Said {
    let said = migrate(folder, &["--write", "--allow-no-vcs"]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{}", said.err);
    said
}

fn read(folder: &Folder, path: &str) -> String {
    fs::read_to_string(folder.0.join(path)).expect("a file")
}

/// The source after the migration, and the decisions without their totals.
fn migrated(name: &str, source: &str) -> (String, Vec<String>) {
    let folder = package(name, &[("src/lib.rs", source)]);
    let said = write(&folder);
    let mut decisions: Vec<_> = said.err.lines().map(str::to_owned).collect();
    decisions.pop();
    (read(&folder, "src/lib.rs"), decisions)
}

/// The body of a function after the migration, and the decisions.
fn body(name: &str, parameters: &str, statements: &str) -> (String, Vec<String>) {
    let source = format!("fn f({parameters}) {{\n    {statements}\n}}\n");
    let (new, decisions) = migrated(name, &source);
    let (_, new) = new.split_once("{\n    ").expect("a function");
    (new.trim_end_matches("\n}\n").to_owned(), decisions)
}

#[test]
fn an_event_of_loggable_values_is_rewritten() {
    let cases = [
        ("", r#"tracing::info!("started");"#),
        ("", r#"tracing::error!(kind = "import", rows = 3, ratio = -0.5, ok = true, "skipped");"#),
        ("rows: usize, id: &u64", r#"tracing::debug!(rows, id = %id, "read {rows} of {id:>8}");"#),
        (
            "names: &[String]",
            r#"tracing::warn!(count = names.len(), is_empty = names.is_empty(), "read");"#,
        ),
        ("at: std::time::Instant", r#"tracing::info!(elapsed = ?at.elapsed(), "done");"#),
        ("id: Option<uuid::Uuid>", r#"tracing::info!(?id, "new");"#),
        ("e: &std::io::Error", r#"tracing::error!(error = %e, "not saved: {e}");"#),
        ("e: &dyn std::error::Error", r#"tracing::error!(?e);"#),
        (
            "a: u32, b: u64",
            r#"tracing::info!(sum = a + 1, more = a > 3 && b == 0, wide = a as u64);"#,
        ),
        (
            "a: u32",
            r#"tracing::info!(target: "shop", name: "sold", { sold.count = a, "a name" = a }, "sold {}", a);"#,
        ),
        (
            "lists: Vec<u32>, map: std::collections::HashMap<u64, bool>",
            r#"tracing::info!(?lists, ?map);"#,
        ),
        ("a: u32", r#"let b = a; tracing::info!(b);"#),
        ("a: u32", r#"for b in 0..a { tracing::info!(b); }"#),
    ];
    for (at, (parameters, event)) in cases.into_iter().enumerate() {
        let (new, decisions) = body(&format!("loggable-{at}"), parameters, event);
        assert_eq!((new, decisions), (event.replace("tracing::", "candor::"), vec![]));
    }
}

#[test]
fn an_event_stays_if_the_type_of_a_value_does_not_decide_what_is_shown() {
    let cases = [
        ("name: &str", "tracing::info!(%name);", "`name` is text"),
        ("name: String", "tracing::info!(\"hello {name}\");", "`name` is text"),
        ("order: Order", "tracing::info!(?order);", "the type of `order` is not known"),
        ("bytes: Vec<u8>", "tracing::info!(?bytes);", "the type of `bytes` is not known"),
        ("", "tracing::info!(a = make());", "the type of `a` is not known"),
        ("", "if let Err(e) = make() { tracing::info!(%e); }", "the type of `e` is not known"),
        ("id: u64", "let id = make(id); tracing::info!(id);", "the type of `id` is not known"),
        ("id: u64", "let f = |id| tracing::info!(id);", "the type of `id` is not known"),
        ("id: u64", "for id in make() { tracing::info!(id); }", "the type of `id` is not known"),
        ("level: u32", "tracing::info!(level);", "`level` is one of candor's own keys"),
        ("a: u32", "tracing::info!(a, b = tracing::field::Empty);", "`b` gets its value later"),
        ("a: u32", "tracing::info!(parent: None, a);", "`parent:` needs a span"),
        ("", "tracing::info!();", "an event needs a message or a field"),
        ("", "tracing::info!(concat!(\"a\", \"b\"));", "do not have this syntax"),
        ("a: u32", "tracing::info!(\"{a:p}\");", "the format of the message is not understood"),
        ("a: u32", "tracing::info!(\"done\", a = a);", "put fields before the message"),
        ("a: u32", "log::info!(a:? = a; \"done\");", "write the fields of `log` as `key = value`"),
        ("a: E", "log::info!(a:err = a; \"done\");", "write the fields of `log` as `key = value`"),
        ("a: &str", "log::info!(a = a; \"done\");", "`a` is text"),
        ("", "log::info!(a = Mode::debug(); \"set\");", "the type of `a` is not known"),
        ("a: u32", "tracing::event!(make(), a);", "the level is not a constant"),
    ];
    for (at, (parameters, event, reason)) in cases.into_iter().enumerate() {
        let (new, decisions) = body(&format!("unknown-{at}"), parameters, event);
        assert_eq!(new, event);
        assert!(decisions.len() == 1 && decisions[0].contains(reason), "{event}: {decisions:?}");
        assert!(decisions[0].starts_with("src/lib.rs:2:"), "{decisions:?}");
    }
}

#[test]
fn fields_of_structs_and_aliases_of_the_file_are_known() {
    let source = "struct Order { id: Id, cents: Option<u32>, buyer: String }\ntype Id = u64;\nconst LIMIT: usize = 3;\n\
                  #[candor::redact]\nstruct Card { id: u64 }\n\
                  impl Order {\n    fn f(&self, card: &Card) {\n        \
                  tracing::info!(self.id, cents = ?self.cents, LIMIT, ?card, \"{}\", self.id);\n        \
                  tracing::info!(buyer = %self.buyer);\n    }\n}\n";
    let (new, decisions) = migrated("structs", source);
    assert_eq!(new, source.replacen("tracing::info!(self", "candor::info!(self", 1));
    assert!(decisions.len() == 1 && decisions[0].contains("`buyer` is text"), "{decisions:?}");
}

const ORDERS: &str = "pub mod model;\npub use model::Item;\nuse model::*;\n\
    pub fn f(order: &Order, item: Item) { tracing::info!(order.id, item.count, \"read\"); }\n";
const MODEL: &str = "pub type Id = u64;\npub struct Order { pub id: Id, pub buyer: String, pub item: Item }\n\
    pub struct Item { pub count: usize }\n#[candor::redact]\npub struct Card { pub id: u64 }\n\
    pub enum State { New }\npub struct Shown;\nimpl candor::Loggable for Shown {}\n";

#[test]
fn types_of_other_files_of_the_package_are_known() {
    let cases = [
        ("use crate::orders::model::Order;", "a: Order", "a.id", None),
        ("use crate::orders::model;", "a: &model::Order", "n = a.item.count", None),
        ("use super::orders::*;", "a: &Item", "?a.count", None),
        ("use self::orders::model::{Order as Cart};\nmod orders;", "a: Cart", "a.id", None),
        ("", "a: crate::orders::model::Id", "a", None),
        ("use crate::orders::model::Card;", "a: Option<Card>", "?a", None),
        ("use crate::orders::model::Shown;", "a: &Shown", "?a", None),
        ("use crate::orders::model::Order;", "a: &Order", "a.buyer", Some("`a.buyer` is text")),
        (
            "use crate::orders::model::Order;",
            "a: &Order",
            "?a",
            Some("`a` needs `#[redact]` on the type `Order` (src/orders/model.rs:2)"),
        ),
        (
            "use crate::orders::Item;",
            "a: &Item",
            "?a",
            Some("`a` needs `#[redact]` on the type `Item` (src/orders/model.rs:3)"),
        ),
        (
            "use crate::orders::model::State;",
            "a: State",
            "?a",
            Some("`a` needs `#[redact]` on the type `State` (src/orders/model.rs:6)"),
        ),
        ("use crate::gone::Order;", "a: &Order", "a.id", Some("is not known here")),
        ("use other::orders::model::Order;", "a: &Order", "a.id", Some("is not known here")),
    ];
    for (at, (import, parameter, field, reason)) in cases.into_iter().enumerate() {
        let source =
            format!("{import}\nfn f({parameter}) {{ tracing::info!({field}, \"read\"); }}\n");
        let module = if import.starts_with("use self") { "src/lib.rs" } else { "src/read.rs" };
        let files = [
            ("src/lib.rs", "mod orders;\nmod read;\n"),
            ("src/orders/mod.rs", ORDERS),
            ("src/orders/model.rs", MODEL),
            (module, source.as_str()),
        ];
        let folder = package(&format!("files-{at}"), &files);
        let said = write(&folder);
        let new = read(&folder, module);
        let listed = said.err.lines().find(|line| line.starts_with(module));
        match reason {
            None => assert_eq!(
                (new, listed),
                (source.replace("tracing::info", "candor::info"), None),
                "{import} {parameter}"
            ),
            Some(reason) => {
                assert_eq!(new, source);
                assert!(listed.is_some_and(|line| line.contains(reason)), "{import}: {}", said.err);
            }
        }
        assert!(read(&folder, "src/orders/mod.rs").contains("candor::info!(order.id, item.count"));
    }
}

#[test]
fn a_type_of_another_module_with_the_same_name_is_not_taken() {
    let orders = "pub use crate::ids::Id;\npub struct State { pub rows: usize }\n\
        #[candor::redact]\npub struct Card { pub id: u64 }\npub struct Shown;\n\
        pub mod inner {\n    pub type Id = u64;\n    pub struct Row { pub id: Id }\n}\n\
        mod other {\n    use super::Shown;\n    pub struct State;\n    impl candor::Loggable for State {}\n    \
        impl candor::Loggable for Shown {}\n    pub struct Card;\n    \
        fn stays(card: Card) {\n        tracing::info!(?card);\n    }\n    \
        fn goes(state: State, shown: Shown) {\n        tracing::info!(?state, ?shown);\n    }\n}\n\
        fn stays(id: Id, state: State) {\n    type Count = u64;\n    tracing::info!(%id);\n    tracing::info!(?state);\n}\n\
        #[cfg(test)]\nmod tests {\n    use super::*;\n    type Id = u64;\n    const LIMIT: usize = 3;\n    \
        fn goes(id: Id, state: State, card: Card) {\n        tracing::info!(id, state.rows, ?card, LIMIT);\n    }\n}\n";
    let main = "mod ids;\nmod orders;\nuse ids::LIMIT;\nuse orders::{Count, Id, State};\n\
        fn stays(id: Id, state: State, count: Count) {\n    tracing::info!(id = %id, \"read\");\n    \
        tracing::info!(?state);\n    tracing::info!(count);\n    tracing::info!(LIMIT);\n}\n\
        mod limits {\n    const LIMIT: usize = 3;\n}\n\
        fn goes(row: orders::inner::Row) {\n    tracing::info!(row.id);\n}\nfn main() {}\n";
    let ids = "pub struct Id(pub String);\npub const LIMIT: &str = \"none\";\n";
    let files = [("src/main.rs", main), ("src/orders.rs", orders), ("src/ids.rs", ids)];
    let folder = package("same-names", &files);
    write(&folder);
    for (path, source) in &files[..2] {
        // Every event of a function `goes` is rewritten, and no other.
        let mut goes = false;
        let expected = source.split_inclusive('\n').map(|line| {
            goes = line.contains("fn goes") || goes && !line.contains("fn ");
            if goes { line.replace("tracing::", "candor::") } else { line.to_owned() }
        });
        assert_eq!(read(&folder, path), expected.collect::<String>(), "{path}");
    }
}

#[test]
fn a_test_finds_the_types_of_the_library() {
    let test = "use shop::Order;\nfn f(order: &Order) { tracing::info!(order.id, \"read\"); }\n";
    let lib = "pub struct Order { pub id: u64 }\n";
    let folder = package("library", &[("src/lib.rs", lib), ("tests/orders.rs", test)]);
    write(&folder);
    assert!(read(&folder, "tests/orders.rs").contains("candor::info!(order.id"));
}

#[test]
fn modules_that_export_each_other_are_read_once() {
    let files = [
        ("src/lib.rs", "pub mod a;\npub mod b;\n"),
        ("src/a.rs", "pub use crate::b::*;\n"),
        ("src/b.rs", "pub use crate::a::*;\nfn f(order: Order) { tracing::info!(?order); }\n"),
    ];
    let folder = package("circle", &files);
    assert!(write(&folder).err.contains("the type of `order` is not known here"));
}

#[test]
fn many_modules_that_export_everything_are_read_once() {
    const MODULES: usize = 40;
    let root: String = (0..MODULES).map(|at| format!("mod m{at};\npub use m{at}::*;\n")).collect();
    let folder =
        package("globs", &[("src/lib.rs", "pub mod all;\n"), ("src/all/mod.rs", root.as_str())]);
    for at in 0..MODULES {
        let text = format!(
            "use super::*;\npub type Id{at} = u64;\npub fn f{at}(id: Id{}, names: Vec<String>) {{\n    \
             tracing::info!(id, \"read\");\n    tracing::info!(?names);\n}}\n",
            (at + 1) % MODULES
        );
        fs::write(folder.0.join(format!("src/all/m{at}.rs")), text).expect("a file");
    }
    let start = std::time::Instant::now();
    let said = write(&folder);
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
    assert_eq!(said.err.matches("the type of `names` is not known").count(), MODULES);
    for at in 0..MODULES {
        assert!(read(&folder, &format!("src/all/m{at}.rs")).contains("candor::info!(id, "));
    }
}

#[test]
fn fields_of_log_become_fields() {
    let cases = [
        ("a: u32", "log::warn!(a = a; \"done {}\", 3);", "candor::warn!(a = a, \"done {}\", 3);"),
        (
            "a: u32",
            "log::info!(target: \"shop\", a = a, b = true ; \"done\");",
            "candor::info!(target: \"shop\", a = a, b = true , \"done\");",
        ),
        (
            "",
            "log::info!(mode = Mode::debug() as u32; \"set\");",
            "candor::info!(mode = Mode::debug() as u32, \"set\");",
        ),
    ];
    for (at, (parameters, event, expected)) in cases.into_iter().enumerate() {
        let (new, decisions) = body(&format!("log-fields-{at}"), parameters, event);
        assert_eq!((new, decisions), (expected.to_owned(), vec![]));
    }
}

#[test]
fn an_attribute_stays_if_a_field_leaves_the_function() {
    let cases = [
        "fields(rows = load()?)",
        "fields(a = 1, b = f(load()?.rows))",
        "fields(rows = load().await)",
    ];
    for (at, arguments) in cases.into_iter().enumerate() {
        let source =
            format!("#[tracing::instrument({arguments})]\nfn f() -> Option<u32> {{ None }}\n");
        let (new, decisions) = migrated(&format!("leaves-{at}"), &source);
        assert_eq!(new, source);
        assert!(
            decisions[0].contains("`#[instrument]` stays, because candor evaluates"),
            "{decisions:?}"
        );
    }
}

#[test]
fn an_attribute_becomes_a_step_with_the_fields_that_are_loggable() {
    let cases = [
        ("", "fn f()", "candor::step_timed"),
        ("()", "fn f()", "candor::step_timed"),
        ("(skip_all)", "fn f(name: &str)", "candor::step_timed"),
        ("(skip(name))", "fn f(name: &str, id: u64)", "candor::step_timed(fields(id))"),
        (
            "(skip(self))",
            "fn f(&self, a: bool, b: Option<u32>)",
            "candor::step_timed(fields(a, b))",
        ),
        (
            "(\"charge card\")",
            "fn f(mut id: u64)",
            "candor::step_timed(name = \"charge card\", fields(id))",
        ),
        (
            "(name = \"x\", target = \"shop\", level = \"debug\")",
            "fn f()",
            "candor::step_timed(name = \"x\", target = \"shop\", level = \"debug\")",
        ),
        (
            "(level = tracing::Level::DEBUG)",
            "fn f()",
            "candor::step_timed(level = tracing::Level::DEBUG)",
        ),
        ("(err)", "fn f() -> Result<(), Error>", "candor::step_timed(err = \"error\")"),
        (
            "(err(Debug), ret)",
            "fn f() -> Result<u32, Error>",
            "candor::step_timed(ret, err = \"error\")",
        ),
        ("(fields(?id))", "fn f(id: u64)", "candor::step_timed(fields(?id))"),
        (
            "(err(level = \"info\"))",
            "fn f() -> Result<(), Error>",
            "candor::step_timed(err = \"info\")",
        ),
        ("(ret(Display))", "fn f() -> u64", "candor::step_timed(ret)"),
        (
            "(skip_all, fields(kind = \"guest\", ?id, total.cents = %cents))",
            "fn f(id: u64, cents: i64)",
            "candor::step_timed(fields(kind = \"guest\", ?id, total.cents = %cents))",
        ),
        ("(fields(id = id + 1))", "fn f(id: u64)", "candor::step_timed(fields(id = id + 1))"),
        (
            "",
            "async fn f(Path((a, b)): Path<(u32, bool)>, State(_): State<u64>)",
            "candor::step_timed(fields(a, b))",
        ),
    ];
    for (at, (arguments, signature, expected)) in cases.into_iter().enumerate() {
        let source = |attribute: &str| format!("#[{attribute}]\n{signature} {{ todo() }}\n");
        let (new, decisions) =
            migrated(&format!("step-{at}"), &source(&format!("tracing::instrument{arguments}")));
        assert_eq!((new, decisions), (source(expected), vec![]));
    }
}

#[test]
fn an_attribute_keeps_its_arguments_if_a_step_would_lose_or_show_more() {
    let cases = [
        ("", "fn f(name: &str)", "`name` is text"),
        ("", "fn f(order: Order)", "the type of `order` is not known"),
        ("", "fn f(&self)", "`self` is recorded"),
        ("(skip_all, fields(rows = Empty))", "fn f()", "`rows` gets its value later"),
        ("(skip_all, fields(rows))", "fn f(rows: u64)", "the field `rows` has no value here"),
        ("(parent = None)", "fn f()", "`parent` is not an argument"),
        ("(follows_from = causes)", "fn f(causes: u64)", "`follows_from` is not an argument"),
        ("(ret)", "fn f() -> String", "the type of the returned value"),
        ("(ret(level = \"debug\"))", "fn f() -> u64", "`ret(level = …)`"),
        ("", "fn f(step: u64)", "`step` is one of candor's own keys"),
        ("(skip_all, fields(error = 3))", "fn f()", "`error` is one of candor's own keys"),
        ("(skip(name) /* secret */)", "fn f(name: u64)", "there is a comment"),
        ("(level = level)", "fn f()", "the level is not understood"),
    ];
    for (at, (arguments, signature, reason)) in cases.into_iter().enumerate() {
        let source = |path: &str| format!("#[{path}{arguments}]\n{signature} {{ todo() }}\n");
        let (new, decisions) = migrated(&format!("lenient-{at}"), &source("tracing::instrument"));
        assert_eq!(new, source("candor::instrument"));
        assert!(decisions.len() == 1 && decisions[0].contains(reason), "{decisions:?}");
    }
}

#[test]
fn an_attribute_with_unknown_arguments_stays() {
    let source = "#[tracing::instrument(unheard = 3)]\nfn f() {}\n";
    let (new, decisions) = migrated("unheard", source);
    assert_eq!(new, source);
    assert!(decisions[0].contains("its arguments are not understood"), "{decisions:?}");
}

#[test]
fn a_function_that_uses_the_current_span_keeps_a_span() {
    let source = "#[tracing::instrument]\nfn f() {\n    let span = tracing::Span::current();\n}\n";
    let (new, decisions) = migrated("current-span", source);
    assert_eq!(new, source.replacen("tracing::", "candor::", 1));
    assert!(decisions[0].contains("the function uses the current span"), "{decisions:?}");
    assert!(decisions[1].contains("`Span::current()` is not a step"), "{decisions:?}");
}

#[test]
fn imports_follow() {
    let cases = [
        (
            "use tracing::info;\n\nfn f() { info!(\"a\"); }\n",
            "\nfn f() { candor::info!(\"a\"); }\n",
        ),
        (
            "use tracing::{debug, info, instrument};\n#[instrument]\nfn f(a: A) { info!(\"a\"); debug!(?a); }\n",
            "use tracing::debug;\n#[candor::instrument]\nfn f(a: A) { candor::info!(\"a\"); debug!(?a); }\n",
        ),
        (
            "use tracing::{Instrument, info};\nfn f(a: A) { info!(\"a\"); a.instrument(b); }\n",
            "use tracing::Instrument;\nfn f(a: A) { candor::info!(\"a\"); a.instrument(b); }\n",
        ),
        (
            "use {std::fmt, tracing::{info, warn}};\nfn f() { info!(\"a\"); warn!(\"b\"); }\n",
            "use std::fmt;\nfn f() { candor::info!(\"a\"); candor::warn!(\"b\"); }\n",
        ),
        (
            "pub use tracing::info;\nfn f() { info!(\"a\"); }\n",
            "pub use tracing::info;\nfn f() { candor::info!(\"a\"); }\n",
        ),
        ("use tracing as t;\nfn f() { t::info!(\"a\"); }\n", "fn f() { candor::info!(\"a\"); }\n"),
        (
            "use tracing as t;\nfn f(a: t::Level) { t::info!(\"a\"); }\n",
            "use tracing as t;\nfn f(a: t::Level) { candor::info!(\"a\"); }\n",
        ),
        (
            "use tracing::info as note;\nfn f() { note!(\"a\"); }\n",
            "fn f() { candor::info!(\"a\"); }\n",
        ),
        (
            "use tracing::*;\nfn f() { info!(\"a\"); }\n",
            "use tracing::*;\nfn f() { candor::info!(\"a\"); }\n",
        ),
        (
            "fn f() {\n    use tracing::info;\n    info!(\"a\");\n}\n",
            "fn f() {\n    candor::info!(\"a\");\n}\n",
        ),
        (
            "use tracing::{self, info};\nfn f() { info!(\"a\"); tracing::warn!(\"b\"); }\n",
            "fn f() { candor::info!(\"a\"); candor::warn!(\"b\"); }\n",
        ),
        (
            "use tracing::{\n    info, // the usual one\n    warn,\n};\nfn f(a: A) { info!(\"a\"); warn!(?a); }\n",
            "use tracing::{\n    info, // the usual one\n    warn,\n};\nfn f(a: A) { candor::info!(\"a\"); warn!(?a); }\n",
        ),
        (
            "use tracing::info;\nmod tests {\n    use super::*;\n    fn f(a: A) { info!(\"a\"); info!(?a); }\n}\n",
            "use tracing::info;\nmod tests {\n    use super::*;\n    fn f(a: A) { candor::info!(\"a\"); info!(?a); }\n}\n",
        ),
        (
            "use tracing::info;\nfn f() { info!(\"a\"); }\nmod tests {\n    use tracing::info;\n    fn f(a: A) { info!(?a); }\n}\n",
            "fn f() { candor::info!(\"a\"); }\nmod tests {\n    use tracing::info;\n    fn f(a: A) { info!(?a); }\n}\n",
        ),
        (
            "use tracing::info;\nfn f() { info!(\"a\"); let info = 1; use_it(info, x.info); }\n",
            "fn f() { candor::info!(\"a\"); let info = 1; use_it(info, x.info); }\n",
        ),
    ];
    for (at, (source, expected)) in cases.into_iter().enumerate() {
        let (new, _) = migrated(&format!("imports-{at}"), source);
        assert_eq!(new, expected);
    }
}

#[test]
fn macros_of_other_crates_are_not_touched() {
    let sources = [
        "use other::info;\nfn f() { info!(\"a\"); }\n",
        "use candor::info;\nfn f() { info!(\"a\"); }\n",
        "macro_rules! info { ($($t:tt)*) => {} }\nfn f() { info!(\"a\"); }\n",
        "mod log;\nfn f() { log::info!(\"a\"); }\n",
        "mod inner {\n    fn f() { info!(\"a\"); }\n}\nuse tracing::info;\n",
        "fn f() { other::tracing::info!(\"a\"); }\n",
        "#[other::instrument]\nfn f() {}\n",
        "/// tracing::info!(\"a\")\nconst A: &str = \"tracing::info!(1)\"; // tracing::info!(\"b\")\n",
    ];
    for (at, source) in sources.into_iter().enumerate() {
        assert_eq!(migrated(&format!("others-{at}"), source), (source.to_owned(), vec![]));
    }
}

#[test]
fn macros_of_macro_use_and_globs() {
    let (new, _) =
        migrated("macro-use", "#[macro_use]\nextern crate tracing;\nfn f() { info!(\"a\"); }\n");
    assert!(new.ends_with("fn f() { candor::info!(\"a\"); }\n"), "{new}");
    let source = "use crate::prelude::*;\nfn f() { info!(\"a\"); }\n";
    let (new, decisions) = migrated("prelude", source);
    assert_eq!(new, source);
    assert!(decisions[0].contains("`info!` comes from a glob import"), "{decisions:?}");
}

#[test]
fn events_inside_other_macros() {
    let source = "fn f(a: u32) {\n    tokio::select! { _ = x() => { tracing::info!(\"a\"); tracing::info!(a); } }\n    \
                  quote! { tracing::info!(\"a\") };\n}\n\
                  macro_rules! note { () => { tracing::info!(\"a\") } }\n";
    let (new, decisions) = migrated("inside", source);
    // Inside a macro, the variables of the function may be hidden by others.
    assert_eq!(new, source.replacen("tracing::info!(\"a\")", "candor::info!(\"a\")", 1));
    let found = |text: &str| decisions.iter().filter(|decision| decision.contains(text)).count();
    assert_eq!(
        (found("the type of `a`"), found("inside `quote!`"), found("in the definition of a macro")),
        (1, 1, 1)
    );
    assert_eq!(decisions.len(), 3, "{decisions:?}");
}

#[test]
fn an_event_with_a_level_as_its_argument() {
    let source = "use tracing::{Level, event};\nfn f(a: u32) { event!(Level::WARN, a, \"b\"); }\n";
    let (new, _) = migrated("level", source);
    assert_eq!(new, "use tracing::Level;\nfn f(a: u32) { candor::warn!(a, \"b\"); }\n");
}

#[test]
fn line_ends_marks_and_formatting_stay() {
    let source = "\u{feff}#!/usr/bin/env run\r\nuse tracing::info;\r\nfn   f( ) {\r\n\tinfo!  (  \"é\"  ) ; // ö\r\n}";
    let (new, _) = migrated("bytes", source);
    assert_eq!(
        new,
        "\u{feff}#!/usr/bin/env run\r\nfn   f( ) {\r\n\tcandor::info!  (  \"é\"  ) ; // ö\r\n}"
    );
}

#[test]
fn files_that_cannot_be_read_are_named_and_left() {
    let deep =
        format!("fn f() {{ tracing::info!(\"a\"); {}{} }}", "(".repeat(600), ")".repeat(600));
    let folder = package(
        "unreadable",
        &[
            ("src/lib.rs", "fn f( { tracing::info!(\"a\"); }\n"),
            ("src/deep.rs", &deep),
            ("src/long.rs", &format!("fn f() {{ tracing::info!(1{}); }}", "+1".repeat(300_000))),
            ("src/generated.rs", "// @generated\nfn f() { tracing::info!(\"a\"); }\n"),
            ("src/open.rs", "fn f() { tracing::info!(\"a\"); \"\n"),
            ("build.rs", "fn main() { tracing::info!(\"a\"); }\n"),
            ("target/debug/out.rs", "fn main() { tracing::info!(\"a\"); }\n"),
            (".hidden/a.rs", "fn main() { tracing::info!(\"a\"); }\n"),
        ],
    );
    fs::write(folder.0.join("src/bytes.rs"), b"// tracing \xff\n").expect("a file");
    let said = write(&folder);
    let found = |text: &str| said.err.contains(text);
    assert!(found("src/lib.rs:1:") && found("syntax error"), "{}", said.err);
    assert!(found("src/deep.rs:1:1: an expression is nested too deep"), "{}", said.err);
    assert!(
        found("src/open.rs:") && found("src/bytes.rs:1:1: the file is not UTF-8"),
        "{}",
        said.err
    );
    assert!(found("0 call sites in 0 files rewritten, 5 need a decision"), "{}", said.err);
    assert!(
        read(&folder, "src/generated.rs").contains("tracing::")
            && read(&folder, "build.rs").contains("tracing::")
    );
    assert!(
        read(&folder, "target/debug/out.rs").contains("tracing::")
            && read(&folder, "src/deep.rs") == deep
    );
}

#[test]
fn the_subscriber_of_main_becomes_candors() {
    let with = |result: &str, statement: &str| {
        format!(
            "use tracing_subscriber::prelude::*;\nfn main(){result} {{\n    {statement}\n    run()\n}}\n"
        )
    };
    let cases = [
        (
            "",
            "tracing_subscriber::fmt::init();",
            "let _logging = candor::init().expect(\"the logging configuration is valid\");",
        ),
        (
            " -> anyhow::Result<()>",
            "tracing_subscriber::fmt().json().init();",
            "let _logging = candor::init()?;",
        ),
        (
            " -> Result<(), Box<dyn std::error::Error>>",
            "tracing_subscriber::registry().with(tracing_subscriber::fmt::layer().json()).init();",
            "let _logging = candor::init()?;",
        ),
    ];
    for (at, (result, before, after)) in cases.into_iter().enumerate() {
        let (new, decisions) = migrated(&format!("subscriber-{at}"), &with(result, before));
        let expected = with(result, after).replace("use tracing_subscriber::prelude::*;\n", "");
        // An import that was unused before stays.
        assert_eq!(new.replace("use tracing_subscriber::prelude::*;\n", ""), expected);
        assert!(decisions.is_empty(), "{decisions:?}");
    }
    let (new, decisions) = migrated(
        "subscriber-lost",
        &with("", "tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).init();"),
    );
    assert!(
        new.contains("candor::init()") && decisions[0].contains("with_max_level"),
        "{decisions:?}"
    );
}

#[test]
fn another_subscriber_is_left_to_a_person() {
    let cases = [
        (
            "fn main() { tracing_subscriber::registry().with(otel()).init(); }\n",
            "it has a layer of another crate",
        ),
        (
            "fn main() { let f = filter(); tracing_subscriber::fmt().with_env_filter(f).init(); }\n",
            "it uses the variable `f`",
        ),
        (
            "fn main() { tracing_subscriber::fmt().event_format(Own).init(); }\n",
            "candor has no setting `event_format`",
        ),
        ("fn set_up() { tracing_subscriber::fmt::init(); }\n", "installed outside of `main`"),
        (
            "fn main() { run(|| { tracing_subscriber::fmt::init(); }); }\n",
            "installed outside of `main`",
        ),
    ];
    for (at, (source, reason)) in cases.into_iter().enumerate() {
        let (new, decisions) = migrated(&format!("subscriber-other-{at}"), source);
        assert_eq!(new, source);
        assert!(decisions.len() == 1 && decisions[0].contains(reason), "{decisions:?}");
    }
}

#[test]
fn the_trace_layer_becomes_the_request_layer() {
    let source = |layer: &str| {
        format!(
            "use tower_http::trace::TraceLayer;\nfn f() -> Router {{ Router::new().layer({layer}) }}\n"
        )
    };
    let folder = package("layer", &[("src/lib.rs", &source("TraceLayer::new_for_http()"))]);
    folder.file(
        "Cargo.toml",
        MANIFEST
            .replace("[dependencies]\n", "[dependencies]\naxum = { version = \"0.7\" }\n")
            .as_bytes(),
    );
    write(&folder);
    let new = "fn f() -> Router { Router::new().layer(candor::http::RequestLayer::new()) }\n";
    assert_eq!(read(&folder, "src/lib.rs"), new);
    assert!(
        read(&folder, "Cargo.toml")
            .contains("candor = { version = \"0.1\", features = [\"axum_0_7\"] }\n")
    );

    let grpc = source("TraceLayer::new_for_grpc()");
    let folder = package("layer-grpc", &[("src/lib.rs", &grpc)]);
    assert!(write(&folder).err.contains("reads the gRPC code with tonic 0.12.2 or later"));
    assert_eq!(read(&folder, "src/lib.rs"), grpc);
    folder.file(
        "Cargo.toml",
        MANIFEST.replace("[dependencies]\n", "[dependencies]\ntonic = \"0.13\"\n").as_bytes(),
    );
    write(&folder);
    assert_eq!(read(&folder, "src/lib.rs"), new);
    assert!(
        read(&folder, "Cargo.toml")
            .contains("candor = { version = \"0.1\", features = [\"tonic_0_13\"] }\n")
    );

    let own = source("TraceLayer::new_for_http().make_span_with(span)");
    let (new, decisions) = migrated("layer-own", &own);
    assert_eq!(new, own);
    assert!(decisions[0].contains("`TraceLayer` stays, because it has settings"), "{decisions:?}");

    let old = source("TraceLayer::new_for_http()");
    let folder = package("layer-old", &[("src/lib.rs", &old)]);
    folder.file(
        "Cargo.toml",
        MANIFEST.replace("tracing =", "tower-http = \"0.4\"\ntracing =").as_bytes(),
    );
    assert!(write(&folder).err.contains("needs version 1 of `http`"));
    assert_eq!(read(&folder, "src/lib.rs"), old);
}

#[test]
fn the_module_around_keeps_what_its_files_import_from_it() {
    let parent = "use tracing::{info, warn};\nmod child;\nfn f() { info!(\"a\"); warn!(\"a\"); }\n";
    let child = "use super::*;\nfn f(a: A) { info!(\"a\"); warn!(?a); }\n";
    let folder = package("children", &[("src/lib.rs", parent), ("src/child.rs", child)]);
    write(&folder);
    assert_eq!(
        read(&folder, "src/lib.rs"),
        "use tracing::warn;\nmod child;\nfn f() { candor::info!(\"a\"); candor::warn!(\"a\"); }\n"
    );
    assert_eq!(
        read(&folder, "src/child.rs"),
        "use super::*;\nfn f(a: A) { candor::info!(\"a\"); warn!(?a); }\n"
    );
}

/// The sources below `tests/data/migrate`.
fn service(name: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/migrate").join(name);
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name =
                    path.strip_prefix(&root).expect("below").to_str().expect("UTF-8").to_owned();
                found.push((name, fs::read_to_string(path).expect("text")));
            }
        }
    }
    found
}

#[test]
fn a_migrated_service_compiles_without_warnings() {
    let target = std::env::current_exe().expect("a program");
    let target = target.ancestors().nth(3).expect("target/debug/deps").to_owned();
    let folder = target.join("gallery/migrate");
    let _ = fs::remove_dir_all(&folder);
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifests = [
        (
            "shop",
            "axum = { version = \"0.8\", default-features = false, features = [\"http1\", \"json\", \"tokio\", \"matched-path\"] }\n\
             tower-http = { version = \"0.6\", features = [\"trace\"] }\n\
             tracing = { version = \"0.1\", features = [\"attributes\"] }\n\
             tracing-subscriber = { version = \"0.3\", default-features = false, features = [\"env-filter\", \"fmt\", \"json\"] }\n",
        ),
        ("tools", "log = \"0.4\"\n"),
    ];
    for (name, dependencies) in manifests {
        for (path, text) in service(name) {
            let path = folder.join(name).join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
            fs::write(path, text).expect("it can be written");
        }
        let manifest = format!(
            "[package]\nname = \"migrate_{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{dependencies}"
        );
        fs::write(folder.join(name).join("Cargo.toml"), manifest).expect("a manifest");
    }
    let workspace = format!(
        "[workspace]\nresolver = \"3\"\nmembers = [\"shop\", \"tools\"]\n[patch.crates-io]\ncandor = {{ path = {:?} }}\n",
        tests.join("../runtime")
    );
    fs::write(folder.join("Cargo.toml"), workspace).expect("a manifest");
    fs::copy(tests.join("../Cargo.lock"), folder.join("Cargo.lock")).expect("a lockfile");

    let folder_text = folder.to_str().expect("UTF-8");
    let said = candor(&["migrate", folder_text, "--write", "--allow-no-vcs", "--allow-dirty"], b"");
    assert_eq!(said.code, Some(0), "{}", said.err);
    println!("{}", said.err);
    let again = candor(&["migrate", folder_text], b"");
    assert_eq!(again.out, "", "a second run changes something");
    let built = candor_tests::cargo()
        .args(["check", "--offline", "--quiet", "--workspace", "--all-targets"])
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", target.join("gallery/target"))
        .output()
        .expect("cargo runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    // The call sites that remain, by reason.
    let left = |text: &str| said.err.matches(text).count();
    assert_eq!(left("`order` needs `#[redact]` on the type `Order`"), 1);
    assert_eq!(left("`table` is text"), 2);
    assert_eq!(left("in the definition of a macro"), 1);
    assert!(said.err.ends_with("unchecked\n"), "{}", said.err);
}

fn git(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@example.com",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(args)
        .current_dir(folder)
        .output()
        .expect("git runs");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A committed package.
fn repository(name: &str, files: &[(&str, &str)]) -> Folder {
    let folder = package(name, files);
    git(&folder.0, &["init", "-q"]);
    git(&folder.0, &["add", "."]);
    git(&folder.0, &["commit", "-q", "-m", "first"]);
    folder
}

const SOURCE: &str = "use tracing::{info, warn};\n\nfn first() {\n    info!(\"a\");\n}\n\n// 1\n// 2\n// 3\n// 4\n// 5\n// 6\n// 7\n\n\
                      fn second(a: A) {\n    warn!(?a);\n    info!(\"b\");\n}";

#[test]
fn the_diff_is_a_patch() {
    let folder = repository(
        "diff",
        &[("src/lib.rs", SOURCE), ("src/bin/a.rs", "fn main() { tracing::info!(\"c\"); }\r\n")],
    );
    let said = migrate(&folder, &[]);
    let expected = "--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -1,7 +1,7 @@\n-use tracing::{info, warn};\n+use tracing::warn;\n \n fn first() {\n-    info!(\"a\");\n+    candor::info!(\"a\");\n }\n \n // 1\n";
    assert!(said.out.contains(expected), "{}", said.out);
    assert_eq!(read(&folder, "src/lib.rs"), SOURCE, "nothing is written");
    assert!(said.err.ends_with("3 call sites in 2 files to rewrite (write them with --write), 1 needs a decision, 1 call site unchecked\n"), "{}", said.err);
    fs::write(folder.0.join("a.patch"), &said.out).expect("a patch");
    git(&folder.0, &["apply", "a.patch"]);
    let patched = (read(&folder, "src/lib.rs"), read(&folder, "Cargo.toml"));
    git(&folder.0, &["checkout", "-q", "."]);
    assert_eq!(migrate(&folder, &["--write"]).code, Some(0));
    assert_eq!((read(&folder, "src/lib.rs"), read(&folder, "Cargo.toml")), patched);
    assert!(patched.1.contains("candor = \"0.1\""), "{}", patched.1);
}

#[test]
fn a_second_run_changes_nothing() {
    let sources = service("shop");
    let files: Vec<_> = sources.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let folder = package("again", &files);
    write(&folder);
    let before: Vec<_> = files.iter().map(|(path, _)| read(&folder, path)).collect();
    let said = write(&folder);
    assert!(said.err.contains("0 call sites in 0 files rewritten"), "{}", said.err);
    let after: Vec<_> = files.iter().map(|(path, _)| read(&folder, path)).collect();
    assert_eq!(after, before);
}

#[test]
fn only_committed_files_below_the_path_are_written() {
    let folder = repository(
        "written",
        &[("a/src/lib.rs", SOURCE), ("b/src/lib.rs", SOURCE), (".gitignore", "ignored.rs\n")],
    );
    folder.file("a/ignored.rs", SOURCE.as_bytes());
    std::os::unix::fs::symlink(folder.0.join("b/src/lib.rs"), folder.0.join("a/src/link.rs"))
        .expect("a link");
    let file = folder.0.join("a/src/lib.rs");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("permissions");
    let below = folder.0.join("a");
    let below = below.to_str().expect("UTF-8");
    folder.file("b/src/lib.rs", format!("{SOURCE}\n").as_bytes());

    let dirty = candor(&["migrate", "--write", folder.0.to_str().expect("UTF-8")], b"");
    assert_eq!(dirty.code, Some(2));
    assert!(
        dirty
            .err
            .contains("uncommitted changes in b/src/lib.rs; commit them, or use --allow-dirty"),
        "{}",
        dirty.err
    );

    let said = candor(&["migrate", "--write", below], b"");
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("add to the dependencies: candor = \"0.1\""), "{}", said.err);
    assert!(read(&folder, "a/src/lib.rs").contains("candor::"));
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o640);
    assert!(
        !read(&folder, "b/src/lib.rs").contains("candor::")
            && !read(&folder, "a/ignored.rs").contains("candor::")
    );
    assert_eq!(read(&folder, "Cargo.toml"), MANIFEST);
}

#[test]
fn writing_needs_git_or_a_flag() {
    let folder = package("no-git", &[("src/lib.rs", SOURCE)]);
    let said = migrate(&folder, &["--write"]);
    assert_eq!(said.code, Some(2));
    assert!(
        said.err.contains("not in a git repository") && said.err.contains("--allow-no-vcs"),
        "{}",
        said.err
    );
    assert_eq!(read(&folder, "src/lib.rs"), SOURCE);
}

#[test]
fn a_path_without_sources_is_an_error() {
    let folder = Folder::new("migrate-empty");
    let said = migrate(&folder, &[]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("contains no Rust sources"), "{}", said.err);
    assert_eq!(candor(&["migrate", "/nonexistent/folder"], b"").code, Some(2));
}

/// One of each kind of unchecked call site, and checked ones.
const SITES: &str = "use candor::strict;\nuse tracing::{info, instrument};\n\
    #[instrument]\nfn a() { info!(\"a\"); }\n\
    #[candor::instrument]\nfn b() { log::warn!(\"b\"); }\n\
    fn c() { let span = tracing::info_span!(\"c\"); vec![tracing::event!(tracing::Level::INFO, \"c\")]; }\n\
    macro_rules! d { () => { tracing::debug!(\"d\") } }\n\
    #[cfg_attr(feature = \"e\", tracing::instrument)]\nfn e() {}\n\
    #[candor::instrument(strict)]\nfn f() { candor::info!(\"f\"); }\n\
    #[strict::instrument]\n#[candor::step_timed]\nfn g() { println!(\"g\"); }\n";

#[test]
fn the_check_counts_the_call_sites_that_the_compiler_does_not_check() {
    let folder = repository("check", &[("src/lib.rs", SITES)]);
    let check = |limit: &str| migrate(&folder, &["--check", limit]);
    let said = check("8");
    assert_eq!(
        (said.code, said.out.as_str(), said.err.as_str()),
        (Some(0), "8 call sites unchecked, 8 allowed\n", "")
    );
    let said = check("9");
    assert_eq!(
        (said.code, said.err.as_str()),
        (Some(0), "candor: lower the limit: candor migrate --check 8\n")
    );
    let said = check("7");
    assert_eq!(said.code, Some(1));
    assert!(said.err.starts_with("candor: 1 call site more than allowed"), "{}", said.err);

    // The newest line is the uncommitted one.
    folder.file("src/lib.rs", SITES.replace("fn g() {", "fn g() { info!(\"new\");").as_bytes());
    let said = check("8");
    let line = SITES.lines().count();
    let rows: Vec<_> = said.out.lines().collect();
    assert_eq!(
        rows,
        ["9 call sites unchecked, 8 allowed", &format!("src/lib.rs:{line}:10: info!")]
    );

    let said = migrate(&folder, &["--check", "8", "--json"]);
    assert_eq!(said.code, Some(1));
    let rows = said.json();
    assert_eq!(rows.len(), 10);
    assert_eq!(rows[9], serde_json::json!({ "kind": "total", "unchecked": 9, "limit": 8 }));
    assert_eq!(
        rows[0],
        serde_json::json!({ "kind": "unchecked", "file": "src/lib.rs", "line": 3, "column": 3, "what": "#[instrument]" })
    );
}

#[test]
fn a_module_is_strict_by_its_import() {
    let strict = "use candor::strict::instrument;\n#[instrument]\nfn f() {}\n";
    let folder = package("strict", &[("src/lib.rs", strict)]);
    assert_eq!(migrate(&folder, &["--check", "0"]).code, Some(0));
    folder.file("src/lib.rs", strict.replace("strict::", "").as_bytes());
    assert_eq!(migrate(&folder, &["--check", "0"]).code, Some(1));
}

#[test]
fn decisions_and_totals_as_json() {
    let folder = package("json", &[("src/lib.rs", SOURCE)]);
    let said = migrate(&folder, &["--json"]);
    let rows = said.json();
    let kinds: Vec<_> = rows.iter().map(|row| row["kind"].as_str().expect("a kind")).collect();
    assert_eq!(
        (kinds.as_slice(), said.err.as_str()),
        (["unchecked", "decision", "total"].as_slice(), "")
    );
    assert_eq!(
        rows[2],
        serde_json::json!({ "kind": "total", "files": 1, "rewritten": 2, "decisions": 1, "unchecked": 1 })
    );
}

/// A generator of random numbers that are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % end
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

#[test]
fn sources_with_random_attributes_and_events_stay_sources() {
    let arguments = [
        "skip_all",
        "skip(a)",
        "skip(b, c)",
        "err",
        "err(Debug)",
        "err(level = \"warn\")",
        "ret",
        "ret(Display)",
        "name = \"n\"",
        "target = \"t\"",
        "level = \"info\"",
        "level = Level::DEBUG",
        "level = 2",
        "fields(x = a, y = ?b)",
        "fields(k = \"s\", e = Empty,)",
        "fields(z = max::<u8, u16>(1, 2))",
        "parent = None",
        "fields(q.r = %c, \"a b\" = 1, { KEY } = 2)",
    ];
    let types = [
        "u64",
        "&str",
        "Vec<u8>",
        "&mut [u32]",
        "Option<&'static str>",
        "impl Fn(u8) -> u8",
        "[bool; 3]",
    ];
    let values = [
        "a",
        "?b",
        "%c",
        "n = 1",
        "t = \"x\"",
        "len = b.len()",
        "x = { 1 + 1 }",
        "q.r = 2",
        "message = \"m\"",
    ];
    let outputs = ["", " -> u64", " -> Result<Vec<u64>, E>", " -> Result<u32, Box<dyn Error>>"];
    let mut numbers = Numbers(41);
    let mut source = "use tracing::{Level, debug, field::Empty, info, instrument};\n".to_owned();
    for number in 0..400 {
        let count = numbers.below(4);
        let list: Vec<_> = (0..count).map(|_| numbers.pick(&arguments)).collect();
        let list = if count == 0 {
            String::new()
        } else {
            format!("({})", list.join(numbers.pick(&[", ", ",\n    "])))
        };
        let [a, b, c] = [numbers.pick(&types), numbers.pick(&types), numbers.pick(&types)];
        let event = format!("{}, {}", numbers.pick(&values), numbers.pick(&values));
        let text = numbers.pick(&["", ", \"done\"", ", \"done {a} {:?}\", c", ","]);
        source.push_str(&format!(
            "#[instrument{list}]\n{}fn f{number}(a: {a}, mut b: {b}, c: {c}){} {{ {}!({event}{text}); }}\n",
            numbers.pick(&["", "async ", "pub "]),
            numbers.pick(&outputs),
            numbers.pick(&["info", "debug", "tracing::warn"]),
        ));
    }
    let folder = package("random", &[("src/lib.rs", &source)]);
    let said = write(&folder);
    assert!(!said.err.contains("syntax error"), "{}", said.err);
    let new = read(&folder, "src/lib.rs");
    assert_eq!(new.matches("fn f").count(), 400);
    assert_eq!(
        new.matches("instrument").count() + new.matches("step_timed").count(),
        400,
        "the import is gone"
    );
    assert!(
        new.matches("candor::step_timed").count() > 20 && new.matches("candor::info!").count() > 5
    );
    let again = write(&folder);
    assert!(
        again.err.contains("0 call sites in 0 files") && !again.err.contains("syntax error"),
        "{}",
        again.err
    );
    assert_eq!(read(&folder, "src/lib.rs"), new);
}

#[test]
fn thousands_of_files_are_read() {
    let folder = package("many", &[]);
    for number in 0..3000 {
        let path = folder.0.join(format!("src/m{}/f{number}.rs", number % 50));
        fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
        let text = if number % 100 == 0 { SOURCE } else { "pub fn nothing() -> u32 { 3 }\n" };
        fs::write(path, text).expect("a file");
    }
    let said = migrate(&folder, &["--check", "90"]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), "90 call sites unchecked, 90 allowed\n"));
}
