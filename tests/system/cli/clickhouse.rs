//! Lines from ClickHouse: `--from clickhouse://HOST/TABLE`.

use super::server::{Answer, Server};
use super::*;

/// A response as ClickHouse writes it in the format `JSONCompact`.
fn answer(lines: &[String], skips: &str) -> Vec<u8> {
    let mut rows: Vec<Value> = lines.iter().map(|line| serde_json::json!([line])).collect();
    rows.insert(rows.len() / 2, serde_json::json!([format!("skip_unavailable_shards={skips}")]));
    table(&rows)
}

fn table(rows: &[Value]) -> Vec<u8> {
    let rows: Vec<String> = rows.iter().map(|row| format!("\t\t{row}")).collect();
    format!(
        "{{\n\t\"meta\":\n\t[\n\t\t{{\n\t\t\t\"name\": \"line\",\n\t\t\t\"type\": \"String\"\n\t\t}}\n\t],\n\n\
         \t\"data\":\n\t[\n{}\n\t],\n\n\t\"rows\": {},\n\n\t\"statistics\":\n\t{{\n\t\t\"elapsed\": 0.001,\n\
         \t\t\"rows_read\": 5,\n\t\t\"bytes_read\": 50\n\t}}\n}}\n",
        rows.join(",\n"),
        rows.len()
    )
    .into_bytes()
}

/// Runs the command with the URL of a table, and with the user and password.
fn ask(server: &Server, args: &[&str]) -> Said {
    ask_table(&server.url("clickhouse", "logs.candor_all"), args)
}

fn ask_table(url: &str, args: &[&str]) -> Said {
    let mut command = command(args);
    command.args(["--from", url, "--timeout", "500ms"]);
    command.env("CLICKHOUSE_USER", "reader").env("CLICKHOUSE_PASSWORD", "pa55-word");
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(name);
    }
    let said = run(command, b"");
    assert!(!said.out.contains("pa55") && !said.err.contains("pa55"), "{said:?}");
    said
}

/// The error message after the name of the table, for a run that failed without any output.
fn refusal(server: &Server, args: &[&str]) -> String {
    let said = ask(server, args);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{}", said.err);
    let name =
        format!("candor: can't read clickhouse://127.0.0.1:{}/logs.candor_all: ", server.port);
    let sentence = said.err.strip_prefix(&name).unwrap_or_else(|| panic!("{}", said.err));
    assert_eq!(sentence.matches('\n').count(), 1, "one sentence: {sentence}");
    sentence.trim().to_owned()
}

#[test]
fn a_story_from_a_table_is_that_of_a_file_after_one_request() {
    let lines = failing("r-7");
    let server = Server::new(Answer::Chunks(vec![answer(&lines, "0")]));
    let said = ask(&server, &["story", "r-7"]);
    let file = candor(&["story", "r-7", "-"], &joined(&lines));
    assert_eq!((said.code, said.out, said.err), (Some(0), file.out, String::new()));
    let asked = server.only_request();
    // A GET would have the query in the logs of proxies, and a URL with settings is refused to read-only users.
    assert_eq!(asked.line, "POST / HTTP/1.1");
    assert!(asked.headers.contains("x-clickhouse-user: reader\r\n"), "{}", asked.headers);
    assert!(asked.headers.contains("x-clickhouse-key: pa55-word\r\n"), "{}", asked.headers);
    let filter = "select line from `logs`.`candor_all` where request_id >= 'r-7' and startsWith(request_id, 'r-7') \
                  and request_id < 'r-8' and request_id global in (select request_id from";
    assert!(asked.body.starts_with(filter), "{}", asked.body);
    assert!(
        asked.body.ends_with(" format JSONCompact") && !asked.body.contains(" settings "),
        "{}",
        asked.body
    );
}

#[test]
fn lists_and_totals_from_a_table_are_those_of_a_file() {
    let mut lines = failing("r-7");
    lines.push(line("r-8", 200_000, "INFO", 1, &step("price", 10.0, "ok", 1, 0, 0.0)));
    for (args, filter) in [
        (vec!["requests"], "where event in ('request_completed', 'job_completed') or "),
        (
            vec!["requests", "--failed"],
            " and not (visitParamExtractRaw(line, 'outcome') = '\"ok\"' and ",
        ),
        (
            vec!["requests", "--unfinished"],
            "(request_id, span_id) global not in (select request_id, span_id from",
        ),
        (
            vec!["requests", "--since", "2026-11-22T10:00:00.05Z"],
            " and ts >= toDateTime(1795341600)",
        ),
        (
            vec!["requests", "--since", "15m"],
            " and ts >= (select max(ts) from `logs`.`candor_all`) - 901",
        ),
        (
            vec!["requests", "--path", "/orders", "--user", "41"],
            " and position(line, '41') > 0 and position(line, 'orders') > 0",
        ),
        (
            vec!["steps"],
            "where event in ('step_timing', 'dependency_call', 'request_completed', 'job_completed')",
        ),
        (
            vec!["story", "--failed"],
            "global in (select request_id from `logs`.`candor_all` where event in",
        ),
    ] {
        let server = Server::new(Answer::Whole(200, answer(&lines, "0")));
        let said = ask(&server, &[args.as_slice(), &["--json"]].concat());
        let file = candor(&[&args[..1], &["-", "--json"], &args[1..]].concat(), &joined(&lines));
        // A server that sends only some of the requests does not say how many there are.
        let is_partial = args.iter().any(|arg| ["--failed", "--unfinished"].contains(arg));
        let is_partial = is_partial && args[0] == "requests";
        let (known, unknown) = ("\"requests\":2", "\"requests\":null");
        let wanted = if is_partial { file.out.replace(known, unknown) } else { file.out };
        assert_eq!((said.code, said.out), (Some(0), wanted), "{args:?}: {}", said.err);
        let query = server.only_request().body;
        assert!(query.contains(filter), "{args:?}: {query}");
    }
}

#[test]
fn an_id_can_t_leave_its_quotes() {
    let server = Server::new(Answer::Whole(200, answer(&[], "0")));
    let said = ask(&server, &["story", "a' or 1=1 --\\"]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    let query = server.only_request().body;
    assert!(query.contains(r"startsWith(request_id, 'a\' or 1=1 --\\')"), "{query}");
    // The name of a table can't either.
    for table in ["t`", "t where 1", "a.b.c", "", "t;drop"] {
        let said = ask_table(&server.url("clickhouse", table), &["steps"]);
        assert_eq!(said.code, Some(2), "{table}");
        assert!(said.err.contains("needs the name of a table"), "{}", said.err);
    }
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn an_answer_without_its_end_is_an_error_and_no_story() {
    let whole = answer(&failing("r-7"), "0");
    let cut = "the response is cut off";
    // In the middle of a row, after a row, before the count, before the closing brace.
    let text = String::from_utf8(whole.clone()).expect("UTF-8");
    let row = text.find("\"request_completed").expect("a row");
    let count = text.find("\"rows\"").expect("a count");
    for end in [row, text[..row].rfind("\n\t\t[").expect("a row") + 1, count, text.len() - 2] {
        let part = whole[..end].to_vec();
        for answer in [
            Answer::Cut(vec![part.clone()]),
            Answer::TooShort(part.clone()),
            // The server itself says that this is all.
            Answer::Whole(200, part.clone()),
            Answer::Chunks(vec![part.clone()]),
            Answer::UntilClosed(part),
        ] {
            let said = refusal(&Server::new(answer), &["story", "r-7"]);
            let is_half_row = said == "the response is not from ClickHouse";
            assert!(said == cut || end == row && is_half_row, "{end}: {said}");
        }
    }
    // A row that got lost on the way.
    let first = text.find("\t\t[\"{").expect("a row");
    let lost =
        [&text[..first], &text[first + text[first..].find('\n').expect("its end") + 1..]].concat();
    for command in [&["story", "r-7"][..], &["requests"], &["steps"], &["story", "--failed"]] {
        let server = Server::new(Answer::Whole(200, lost.clone().into_bytes()));
        assert_eq!(refusal(&server, command), cut, "{command:?}");
    }
}

#[test]
fn an_error_in_the_middle_of_the_rows_is_reported() {
    let text = String::from_utf8(answer(&failing("r-7"), "0")).expect("UTF-8");
    let rows = &text[..text.find("\n\t],\n\n\t\"rows\"").expect("the rows")];
    let old = "Code: 241, e.displayText() = DB::Exception: Memory limit (for query) exceeded: would use 1.95 GiB, \
               e.what() = DB::Exception";
    let new = "__exception__\r\nabcdefghijklmnop\r\nCode: 241. DB::Exception: (total) memory limit exceeded. \
               (MEMORY_LIMIT_EXCEEDED) (version 26.9.2.1)\r\n98 abcdefghijklmnop\r\n__exception__\r\n";
    let in_json = "\t],\n\n\t\"rows\": 6,\n\n\t\"exception\": \"Code: 241. DB::Exception: memory limit exceeded.\"\n}\n";
    let half = &rows[..rows.len() - 40];
    for body in [
        format!("{rows}\n{old}\n"),
        format!("{rows},\n{old}"),
        format!("{rows}\r\n{new}"),
        format!("{rows}\n{in_json}"),
        format!("{half}{old}"),
        format!("{half}\r\n{new}"),
    ] {
        let server = Server::new(Answer::Chunks(vec![body.clone().into_bytes()]));
        let said = refusal(&server, &["story", "r-7"]);
        let is_known = said
            == "the server does not have enough memory for the query; use --since to read less";
        // A row that stops without an error beside it.
        assert!(is_known || said == "the response is not from ClickHouse", "{body}: {said}");
        assert!(is_known || body.starts_with(half), "{body}: {said}");
    }
}

#[test]
fn what_a_server_refuses_is_one_sentence() {
    let dead = "Code: 279, e.displayText() = DB::NetException: All connection tries failed. Log: \n\nCode: 210, \
                e.displayText() = DB::NetException: Connection refused: (127.0.0.1:19001, 127.0.0.1), e.what() = x";
    for (status, body, wanted) in [
        (
            401,
            "Code: 193, e.displayText() = DB::Exception: Wrong password for user reader, e.what() = x",
            "wrong user or password (CLICKHOUSE_USER, CLICKHOUSE_PASSWORD)",
        ),
        (
            403,
            "Code: 516. DB::Exception: reader: Authentication failed: password is incorrect. (AUTHENTICATION_FAILED)",
            "wrong user or password (CLICKHOUSE_USER, CLICKHOUSE_PASSWORD)",
        ),
        (403, "", "wrong user or password (CLICKHOUSE_USER, CLICKHOUSE_PASSWORD)"),
        (
            500,
            "Code: 497. DB::Exception: reader: Not enough privileges. (ACCESS_DENIED)",
            "the user may not read this table (CLICKHOUSE_USER)",
        ),
        (
            404,
            "Code: 60, e.displayText() = DB::Exception: Table logs.candor_all doesn't exist., e.what() = x",
            "the table does not exist; check DATABASE.TABLE in the URL",
        ),
        (500, dead, "shard 127.0.0.1:19001 does not answer"),
        (
            500,
            "Code: 279. DB::NetException: All connection tries failed. (ALL_CONNECTION_TRIES_FAILED)",
            "a shard does not answer",
        ),
        (
            500,
            "Code: 47. DB::Exception: Unknown identifier `line`. (UNKNOWN_IDENTIFIER)",
            "the table has other columns; `candor schema clickhouse` prints those that are needed, and ?layout=otel reads OpenTelemetry's",
        ),
        (
            500,
            "Code: 159. DB::Exception: Timeout exceeded. (TIMEOUT_EXCEEDED)",
            "the query exceeds the user's limits; use --since to read less",
        ),
        (
            500,
            "Code: 999. DB::Exception: something new. (NEW) (version 26)",
            "the server responded with error 999: something new. (NEW)",
        ),
        (
            502,
            "<html>Bad Gateway</html>",
            "the server responded with HTTP status 502; is this the port of ClickHouse's HTTP interface?",
        ),
        (200, "<html>Hello</html>", "the response is cut off"),
    ] {
        let server = Server::new(Answer::Whole(status, body.as_bytes().to_vec()));
        for command in [&["story", "r-7"][..], &["requests"], &["steps"]] {
            assert_eq!(refusal(&server, command), wanted, "{body}");
        }
    }
}

#[test]
fn an_error_repeats_neither_credentials_nor_the_query() {
    let error = "Code: 999. DB::Exception: reader with pa55-word may not: While executing select line from t where \
                 request_id >= 'r-7'. (NEW) (version 26)";
    let at_query = "Code: 999. DB::Exception: pa55-word of reader is old, SELECT line FROM t where request_id >= 'r-7'";
    let rows = String::from_utf8(answer(&failing("r-7"), "0")).expect("UTF-8");
    let rows = &rows[..rows.find("\n\t],\n\n\t\"rows\"").expect("the rows")];
    for (text, wanted) in [
        (
            error,
            "the server responded with error 999: [REDACTED] with [REDACTED] may not: While executing",
        ),
        (at_query, "the server responded with error 999: [REDACTED] of [REDACTED] is old"),
    ] {
        let refused = Server::new(Answer::Whole(500, text.as_bytes().to_vec()));
        assert_eq!(refusal(&refused, &["story", "r-7"]), wanted);
        let late = Server::new(Answer::Chunks(vec![format!("{rows}\n{text}\n").into_bytes()]));
        assert_eq!(refusal(&late, &["story", "r-7"]), wanted);
    }
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let silent = "the server did not respond for 0.5 s (--timeout)";
    assert_eq!(refusal(&Server::new(Answer::Silence), &["steps"]), silent);
    let hung = "the server closed the connection without a response";
    assert_eq!(refusal(&Server::new(Answer::HangUp), &["steps"]), hung);
    assert_eq!(refusal(&Server::new(Answer::Garbage), &["steps"]), "the response is not HTTP");
    let whole = answer(&failing("r-7"), "0");
    let stops = Answer::Stops(vec![whole[..whole.len() - 9].to_vec()]);
    assert_eq!(
        refusal(&Server::new(stops), &["story", "r-7"]),
        "the response stalled for 0.5 s (--timeout)"
    );
    // A port that nothing listens on.
    let port = Server::new(Answer::HangUp).port;
    let said = ask_table(&format!("clickhouse://127.0.0.1:{port}/t"), &["steps"]);
    assert_eq!(
        said.err,
        format!(
            "candor: can't read clickhouse://127.0.0.1:{port}/default.t: the connection was refused\n"
        )
    );
    // Credentials are not sent to the target of a redirect.
    let other = Server::new(Answer::Whole(200, whole));
    let redirect = Server::new(Answer::Redirect(other.url("http", "")));
    assert!(
        refusal(&redirect, &["steps"]).starts_with("the server responded with HTTP status 302")
    );
    assert!(other.asked().is_empty(), "{:?}", other.asked());
}

#[test]
fn a_url_that_can_t_be_read_is_not_repeated() {
    for (url, wanted) in [
        ("clickhouse://joe:s3cret@host/t", "set CLICKHOUSE_USER and CLICKHOUSE_PASSWORD"),
        ("clickhouse://host/t?password=s3cret", "accepts only the parameter ?layout=line"),
        ("postgres://s3cret/t", "does not support this scheme"),
        ("s3cret", "--from takes clickhouse://HOST/TABLE"),
        ("clickhouse://host:s3cret/t", "the host of the --from URL is not valid"),
        ("https://joe:s3cret@host/", "does not accept a user or password"),
    ] {
        let said = ask_table(url, &["story", "r-7"]);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{url}");
        assert!(said.err.contains(wanted) && !said.err.contains("s3cret"), "{}", said.err);
    }
}

#[test]
fn either_files_or_a_server_is_read() {
    let server = Server::new(Answer::Whole(200, answer(&[], "0")));
    for (args, wanted) in [
        (vec!["steps", "app.log"], "cannot be used with"),
        (vec!["story", "r-7", "app.log"], "cannot be used with"),
        (vec!["story", "--failed", "app.log"], "with --from, leave out FILES too"),
        (vec!["story"], "no request to show; give the ID of one, or --failed, with --from"),
    ] {
        let said = ask(&server, &args);
        assert_eq!(said.code, Some(2), "{args:?}");
        assert!(said.err.contains(wanted), "{args:?}: {}", said.err);
    }
    assert!(server.asked().is_empty());
    for command in ["steps", "requests"] {
        let said = candor(&[command], b"");
        let wanted = "candor: nothing to read; give FILES, `-` for standard input, or --from URL\n";
        assert_eq!((said.code, said.err.as_str()), (Some(2), wanted), "{command}");
    }
}

#[test]
fn a_server_that_leaves_out_dead_shards_is_reported() {
    let mut lines = failing("r-7");
    // The other shard had these.
    lines.drain(1..3);
    let server = Server::new(Answer::Whole(200, answer(&lines, "1")));
    let note = "candor: the server is configured to skip shards that do not answer (skip_unavailable_shards=1), so lines \
                may be missing\n";
    let said = ask(&server, &["story", "r-7"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), note));
    assert!(said.out.contains("2 lines are missing (seq 2–3)"), "{}", said.out);
    for command in ["requests", "steps"] {
        assert_eq!(ask(&server, &[command]).err, note, "{command}");
    }
    let nothing = Server::new(Answer::Whole(200, answer(&[], "1")));
    let said = ask(&nothing, &["requests"]);
    assert_eq!((said.code, said.err), (Some(1), format!("{note}candor: no matching requests\n")));
}

#[test]
fn records_of_opentelemetry_become_lines() {
    let attributes = |text: &str| format!("[('request_id','r-7'),('user.id','41'),{text}]");
    let row = |seq: u32, at: &str, level: &str, scope: &str, body: &str, text: &str| {
        let text = attributes(&format!("('seq','{seq}'),{text}"));
        serde_json::json!([text, at, "t1", "s1", level, "shop", scope, body])
    };
    let rows = [
        row(
            1,
            "1795341600.095",
            "ERROR",
            "deps",
            "dependency_call",
            "('candor.request.method','POST'),('candor.request.path','/orders'),('peer.service','payments'),\
             ('operation','charge'),('http.request.method','PUT'),('url.full','http://pay/'),('duration_ms','55.0'),\
             ('outcome','error'),('error.type','timeout'),('step_id','3'),('parent_id','0'),('offset_ms','40.0')",
        ),
        // A server without `DateTime64` has nanoseconds.
        row(
            2,
            "1795341600100000000",
            "ERROR",
            "http",
            "request_completed",
            "('http.request.method','POST'),('url.path','/orders'),('http.response.status_code','504'),\
             ('duration_ms','100.0'),('outcome','error'),('error.type','504'),\
             ('cause','{\"values\":[{\"key\":\"step\",\"value\":{\"stringValue\":\"charge\"}},{\"key\":\"step_id\",\"value\":{\"intValue\":\"3\"}}]}')",
        ),
        serde_json::json!(["skip_unavailable_shards=0", "", "", "", "", "", "", ""]),
    ];
    let server = Server::new(Answer::Whole(200, table(&rows)));
    let said = ask_table(&server.url("clickhouse", "otel_logs?layout=otel"), &["story", "r-7"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.starts_with("shop  POST /orders  504 error  100 ms\n"), "{}", said.out);
    assert!(
        said.out.contains("likely cause  payments charge: timeout after 55.0 ms"),
        "{}",
        said.out
    );
    assert!(said.out.contains("error · timeout · PUT http://pay/"), "{}", said.out);
    let query = server.only_request().body;
    assert!(query.contains("where position(toString(LogAttributes), 'r-7') > 0 "), "{query}");
}

#[test]
fn rows_without_a_line_are_reported() {
    let server = Server::new(Answer::Whole(200, answer(&[String::new()], "0")));
    let said = ask(&server, &["story", "r-7"]);
    assert_eq!(said.code, Some(1));
    let note = "candor: the table has rows without a line; set LOG_OTLP_ORIGINAL=1 for the export, or add ?layout=otel to \
                the URL\n";
    assert!(said.err.starts_with(note), "{}", said.err);
    // Beside another note.
    let empty = [String::new(), String::new()];
    let said = ask(&Server::new(Answer::Whole(200, answer(&empty, "1"))), &["story", "r-7"]);
    for (note, count) in [("rows without a line", 1), ("skip_unavailable_shards=1", 1)] {
        assert_eq!(said.err.matches(note).count(), count, "{}", said.err);
    }
}
