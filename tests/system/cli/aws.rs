//! Lines from AWS: `--from s3://BUCKET/PREFIX` and `--from cloudwatch:LOG_GROUP`.

use super::server::{Answer, Server};
use super::*;

fn ask(server: &Server, args: &[&str], url: &str) -> Said {
    let mut command = command(args);
    command.args(["--from", url, "--timeout", "500ms"]);
    for (name, _) in std::env::vars() {
        if name.starts_with("AWS_") || name.to_ascii_lowercase().ends_with("_proxy") {
            command.env_remove(name);
        }
    }
    command.env("AWS_ENDPOINT_URL", server.url("http", "")).env("AWS_REGION", "eu-central-1");
    command.env("AWS_ACCESS_KEY_ID", "AKID").env("AWS_SECRET_ACCESS_KEY", "s3cret");
    command.env("AWS_SESSION_TOKEN", "t0ken");
    let said = run(command, b"");
    for secret in ["s3cret", "t0ken"] {
        assert!(!said.out.contains(secret) && !said.err.contains(secret), "{said:?}");
    }
    said
}

fn list(keys: &[&str], next: Option<&str>) -> Answer {
    let keys: String =
        keys.iter().map(|key| format!("<Contents><Key>{key}</Key></Contents>")).collect();
    let next = next.map_or("<IsTruncated>false</IsTruncated>".to_owned(), |token| {
        format!(
            "<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>"
        )
    });
    Answer::Whole(
        200,
        format!("<?xml?><ListBucketResult>{next}{keys}</ListBucketResult>\n").into_bytes(),
    )
}

#[test]
fn all_objects_of_a_prefix_are_one_input() {
    let lines = failing("r-7");
    // The last line of an object may have no line feed.
    let first = joined(&lines[..3]);
    let first = first[..first.len() - 1].to_vec();
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zipped.write_all(&joined(&lines[3..])).expect("memory");
    let zipped = zipped.finish().expect("memory");
    let server = Server::new(Answer::Each(vec![
        list(&["shop/", "shop/a b.log"], Some("x/y=")),
        list(&["shop/b&amp;.log.gz"], None),
        Answer::Whole(200, first),
        Answer::Whole(200, zipped.clone()),
    ]));
    let said = ask(&server, &["story", "r-7"], "s3://logs/shop/");
    let file = candor(&["story", "r-7", "-"], &joined(&lines)).out;
    assert_eq!((said.code, said.out, said.err), (Some(0), file, String::new()));
    let asked = server.asked();
    let requests: Vec<&str> = asked.iter().map(|asked| asked.line.as_str()).collect();
    assert_eq!(
        requests,
        [
            "GET /logs?list-type=2&prefix=shop%2F HTTP/1.1",
            "GET /logs?continuation-token=x%2Fy%3D&list-type=2&prefix=shop%2F HTTP/1.1",
            "GET /logs/shop/a%20b.log HTTP/1.1",
            "GET /logs/shop/b%26.log.gz HTTP/1.1",
        ]
    );
    for asked in &asked {
        assert!(
            asked.headers.contains("authorization: aws4-hmac-sha256 credential=akid/"),
            "{asked:?}"
        );
        assert!(asked.headers.contains("x-amz-security-token: t0ken"), "{asked:?}");
    }
    // A partial object or list is an error.
    for answers in [
        vec![list(&["a.log"], None), Answer::TooShort(joined(&lines))],
        vec![list(&["a.log"], None), Answer::Whole(200, zipped[..zipped.len() - 9].to_vec())],
        vec![
            list(&["a.log", "b.log"], None),
            Answer::Whole(200, joined(&lines)),
            Answer::Whole(404, vec![]),
        ],
        vec![Answer::Whole(200, b"<ListBucketResult><Key>a.log</Key>".to_vec())],
        vec![list(&[], None)],
    ] {
        let said = ask(&Server::new(Answer::Each(answers)), &["story", "r-7"], "s3://logs/shop");
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{}", said.err);
        assert!(said.err.starts_with("candor: can't read s3://logs/shop: "), "{}", said.err);
    }
}

#[test]
fn the_format_of_each_object_is_recognised() {
    let lines = joined(&failing("r-7"));
    let objects = |answers: Vec<Answer>| {
        let answers = std::iter::once(list(&["a.log", "b.log"], None)).chain(answers).collect();
        ask(&Server::new(Answer::Each(answers)), &["story", "r-7"], "s3://logs/shop")
    };
    let zstd = Answer::Whole(200, b"\x28\xb5\x2f\xfd....".to_vec());
    for answers in [vec![zstd.clone()], vec![Answer::Whole(200, lines.clone()), zstd]] {
        let said = objects(answers);
        let wanted = "candor: can't read s3://logs/shop: it is compressed with zstd; plain text and gzip are read\n";
        assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(2), "", wanted));
    }
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zipped.write_all(&lines).expect("memory");
    let zipped = zipped.finish().expect("memory");
    let (first, rest) = zipped.split_at(1);
    let in_parts = Answer::Chunks(vec![first.to_vec(), rest.to_vec()]);
    let said = objects(vec![in_parts, Answer::Whole(200, vec![])]);
    let file = candor(&["story", "r-7", "-"], &lines).out;
    assert_eq!((said.code, said.out, said.err), (Some(0), file, String::new()));
    // Nothing says where this one ends.
    let said = objects(vec![Answer::UntilClosed(lines), Answer::Whole(200, vec![])]);
    assert_eq!(said.err.matches("a missing end would not be noticed").count(), 1, "{}", said.err);
}

#[test]
fn a_page_that_leads_to_itself_is_an_error() {
    let end = ": its response names the same next page twice\n";
    let said = ask(&Server::new(list(&["a.log"], Some("one"))), &["steps"], "s3://logs/shop");
    assert!(said.code == Some(2) && said.err.ends_with(end), "{}", said.err);
    let page = Answer::Whole(200, b"{\"events\":[],\"nextToken\":\"one\"}".to_vec());
    let said = ask(&Server::new(page), &["steps"], "cloudwatch:/ecs/shop");
    assert!(said.code == Some(2) && said.err.ends_with(end), "{}", said.err);
}

#[test]
fn all_pages_of_a_log_group_are_one_input() {
    let lines = failing("r-7");
    let page = |lines: &[String], next: Option<&str>| {
        let events: Vec<Value> = lines
            .iter()
            .map(|line| serde_json::json!({ "timestamp": 1, "message": line }))
            .collect();
        let page = serde_json::json!({ "events": events, "nextToken": next });
        Answer::Whole(200, page.to_string().into_bytes())
    };
    let server = Server::new(Answer::Each(vec![
        page(&lines[..2], Some("one")),
        page(&[], Some("two")),
        page(&lines[2..], None),
    ]));
    let said = ask(&server, &["story", "r-7"], "cloudwatch:/ecs/shop");
    let file = candor(&["story", "r-7", "-"], &joined(&lines)).out;
    assert_eq!((said.code, said.out, said.err), (Some(0), file, String::new()));
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    for (asked, token) in asked.iter().zip([Value::Null, "one".into(), "two".into()]) {
        assert!(asked.headers.contains("x-amz-target: logs_20140328.filterlogevents"), "{asked:?}");
        let body: Value = serde_json::from_str(&asked.body).expect("JSON");
        assert_eq!(body["logGroupName"], "/ecs/shop");
        assert_eq!(body["filterPattern"], "\"r-7\"");
        assert_eq!(body["nextToken"], token);
    }
    // A list of requests has no ID to filter by.
    let server = Server::new(page(&lines, None));
    assert_eq!(ask(&server, &["requests"], "cloudwatch:/ecs/shop").code, Some(0));
    assert!(!server.only_request().body.contains("filterPattern"));
    // A page that never arrives.
    let server = Server::new(Answer::Each(vec![page(&lines[..2], Some("one")), Answer::HangUp]));
    let said = ask(&server, &["story", "r-7"], "cloudwatch:/ecs/shop");
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{}", said.err);
}

#[test]
fn what_aws_refuses_is_one_sentence() {
    for (status, body, wanted) in [
        (404, "<Code>NoSuchBucket</Code>", "the bucket does not exist; check its name"),
        (
            403,
            "<Code>InvalidAccessKeyId</Code>",
            "wrong credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)",
        ),
        (403, "<Code>AccessDenied</Code>", "the credentials do not allow this"),
        (400, "<Code>ExpiredToken</Code>", "the credentials have expired (AWS_SESSION_TOKEN)"),
        (
            403,
            "<Code>RequestTimeTooSkewed</Code>",
            "the clock of this machine differs from that of the server; set it",
        ),
        (
            400,
            "{\"__type\":\"InvalidSignatureException\",\"message\":\"Signature expired: 2026\"}",
            "the clock of this machine differs from that of the server; set it",
        ),
        (301, "<Code>PermanentRedirect</Code>", "it is in another region (AWS_REGION)"),
        (503, "<Code>SlowDown</Code>", "the service responded with HTTP status 503"),
    ] {
        let server = Server::new(Answer::Whole(status, body.as_bytes().to_vec()));
        let said = ask(&server, &["steps"], "s3://logs/shop");
        let sentence = format!("candor: can't read s3://logs/shop: {wanted}\n");
        assert_eq!((said.code, said.err), (Some(2), sentence), "{body}");
    }
    let server =
        Server::new(Answer::Whole(400, b"{\"__type\":\"ResourceNotFoundException\"}".to_vec()));
    let said = ask(&server, &["steps"], "cloudwatch:none");
    assert_eq!(
        said.err,
        "candor: can't read cloudwatch:none: the log group does not exist; check its name and AWS_REGION\n"
    );
    for url in
        ["s3://", "s3://joe:s3cret@bucket/x", "cloudwatch:", "cloudwatch://joe:s3cret@host/x"]
    {
        let said = ask(&server, &["steps"], url);
        assert_eq!(said.code, Some(2), "{url}");
        assert!(said.err.starts_with("candor: --from takes "), "{}", said.err);
    }
}
