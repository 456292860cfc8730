//! Lines from any HTTP server: `--from http://HOST/PATH`.

use super::server::{Answer, Server};
use super::*;

fn ask(url: &str, args: &[&str]) -> Said {
    let mut command = command(args);
    command.args(["--from", url, "--timeout", "500ms"]);
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(name);
    }
    run(command, b"")
}

#[test]
fn any_answer_with_lines_is_read_as_a_file_is() {
    let lines = joined(&failing("r-7"));
    let file = candor(&["story", "r-7", "-"], &lines).out;
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zipped.write_all(&lines).expect("memory");
    let zipped = zipped.finish().expect("memory");
    let messages: Vec<u8> = failing("r-7")
        .iter()
        .flat_map(|line| {
            format!("{}\n", serde_json::json!({ "_msg": line, "_time": "2026" })).into_bytes()
        })
        .collect();
    let values: Vec<Value> = failing("r-7")
        .iter()
        .map(|line| serde_json::json!(["1795341600000000000", line]))
        .collect();
    let loki = format!(
        "{{\"status\":\"success\",\"data\":{{\"resultType\":\"streams\",\"result\":[{{\"stream\":{{\"app\":\"shop\"}},\
         \"values\":{}}}],\"stats\":{{}}}}}}",
        Value::from(values)
    );
    let loki = loki.into_bytes();
    let in_parts = |body: &[u8]| {
        let (first, rest) = body.split_at(1);
        Answer::Chunks(vec![first.to_vec(), rest.to_vec()])
    };
    for (kind, answer) in [
        ("plain", Answer::Whole(200, lines.clone())),
        ("gzip", Answer::Whole(200, zipped.clone())),
        ("gzip in parts", in_parts(&zipped)),
        ("VictoriaLogs", Answer::Whole(200, messages)),
        ("Loki in parts", in_parts(&loki)),
        ("Loki", Answer::Whole(200, loki)),
    ] {
        let server = Server::new(answer);
        let said = ask(
            &server.url("http", "logs?query={app=\"shop\"} |= \"r-7\"#part"),
            &["story", "r-7"],
        );
        assert_eq!(
            (said.code, said.out, said.err),
            (Some(0), file.clone(), String::new()),
            "{kind}"
        );
        let asked = server.only_request();
        assert_eq!(asked.line, "GET /logs?query=%7Bapp=%22shop%22%7D%20%7C=%20%22r-7%22 HTTP/1.1");
    }
    // The only request in a response needs no id.
    let server = Server::new(Answer::Whole(200, lines));
    assert_eq!(ask(&server.url("http", "one"), &["story"]).out, file);
}

#[test]
fn an_answer_that_is_cut_off_is_an_error() {
    let lines = joined(&failing("r-7"));
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zipped.write_all(&lines).expect("memory");
    let zipped = zipped.finish().expect("memory");
    for answer in [
        Answer::Cut(vec![lines.clone()]),
        Answer::TooShort(lines.clone()),
        Answer::Stops(vec![lines.clone()]),
        // The body arrived completely, but its content is truncated.
        Answer::Whole(200, zipped[..zipped.len() - 20].to_vec()),
        Answer::Whole(200, b"{\"status\":\"success\",\"data\":{\"result\":[".to_vec()),
    ] {
        let server = Server::new(answer);
        let said = ask(&server.url("http", "logs?token=s3cret"), &["story", "r-7"]);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{}", said.err);
        let name = format!("candor: can't read http://127.0.0.1:{}/logs: ", server.port);
        assert!(said.err.starts_with(&name) && !said.err.contains("s3cret"), "{}", said.err);
    }
    let server = Server::new(Answer::HangUp);
    let said = ask(&server.url("http", "logs#s3cret"), &["steps"]);
    assert!(said.err.contains("/logs: ") && !said.err.contains("s3cret"), "{}", said.err);
    // Nothing marks the end of this response.
    let server = Server::new(Answer::UntilClosed(lines));
    let said = ask(&server.url("http", ""), &["story", "r-7"]);
    assert!(said.err.contains("a missing end would not be noticed"), "{}", said.err);
}

#[test]
fn an_error_status_is_reported() {
    for (status, wanted) in [
        (401, "the server denied access"),
        (404, "the server has nothing at this path (HTTP status 404)"),
        (500, "the server responded with HTTP status 500"),
    ] {
        let server = Server::new(Answer::Whole(status, joined(&failing("r-7"))));
        let said = ask(&server.url("http", "logs"), &["requests"]);
        assert_eq!(said.code, Some(2));
        assert!(said.err.ends_with(&format!(": {wanted}\n")), "{}", said.err);
    }
}
