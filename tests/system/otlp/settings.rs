//! The variables of the environment, and the errors for invalid ones.

use candor::{Config, Otlp};

use super::collector::Collector;
use super::{fixture, run};

/// The error of a fixture with this environment.
fn error(env: &[(&str, &str)]) -> String {
    let output = fixture("otlp", "http://127.0.0.1:1", env).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2), "{env:?}");
    String::from_utf8(output.stderr).expect("UTF-8")
}

#[test]
fn each_invalid_variable_is_an_error() {
    let cases = [
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "grpc",
            "invalid OTEL_EXPORTER_OTLP_PROTOCOL \"grpc\": expected \"http/protobuf\" or \"http/json\" (collectors receive HTTP on port 4318, gRPC is not supported)\n",
        ),
        (
            "OTEL_EXPORTER_OTLP_COMPRESSION",
            "zstd",
            "invalid OTEL_EXPORTER_OTLP_COMPRESSION \"zstd\": expected \"gzip\" or \"none\"\n",
        ),
        (
            "OTEL_EXPORTER_OTLP_TIMEOUT",
            "10s",
            "invalid OTEL_EXPORTER_OTLP_TIMEOUT \"10s\": expected a whole number, at least 1\n",
        ),
        (
            "OTEL_BLRP_MAX_QUEUE_SIZE",
            "0",
            "invalid OTEL_BLRP_MAX_QUEUE_SIZE \"0\": expected a whole number, at least 1\n",
        ),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "s3cr3t",
            "invalid OTEL_EXPORTER_OTLP_HEADERS: expected name=value pairs, separated by commas\n",
        ),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "a b=s3cr3t",
            "invalid OTEL_EXPORTER_OTLP_HEADERS: expected name=value pairs, separated by commas\n",
        ),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "collector:4318",
            "invalid OTEL_EXPORTER_OTLP_ENDPOINT: expected a URL such as http://127.0.0.1:4318\n",
        ),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "ftp://u:s3cr3t@host",
            "invalid OTEL_EXPORTER_OTLP_ENDPOINT: expected a URL such as http://127.0.0.1:4318\n",
        ),
        (
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
            "http://127.0.0.1:99999",
            "invalid OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: expected a URL such as http://127.0.0.1:4318\n",
        ),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://h:1/#s3cr3t",
            "invalid OTEL_EXPORTER_OTLP_ENDPOINT: expected a URL such as http://127.0.0.1:4318\n",
        ),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "content-length=5",
            "invalid OTEL_EXPORTER_OTLP_HEADERS: the export sets the header `content-length` itself\n",
        ),
        (
            "LOG_OTLP_OVERLOAD",
            "wait",
            "invalid LOG_OTLP_OVERLOAD \"wait\": expected \"drop\" or \"block\"\n",
        ),
        (
            "OTEL_EXPORTER_OTLP_CLIENT_KEY",
            "/key",
            "OTEL_EXPORTER_OTLP_CLIENT_KEY needs OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE\n",
        ),
        (
            "OTEL_EXPORTER_OTLP_CERTIFICATE",
            "/no/file",
            "the certificate file /no/file can't be used: No such file or directory (os error 2)\n",
        ),
    ];
    for (name, value, expected) in cases {
        let error = error(&[(name, value)]);
        assert_eq!(error, expected);
        assert!(!error.contains("s3cr3t"), "{error}");
    }
}

#[test]
fn bug_a_private_key_in_place_of_its_path_was_shown() {
    let pem = "-----BEGIN PRIVATE KEY-----\ns3cr3t\n-----END PRIVATE KEY-----\n";
    let certificate = std::env::temp_dir().join(format!("candor-pem-{}", std::process::id()));
    let text = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(&certificate, text).expect("written");
    for key in [pem, "s3cr3t", "/s3cr3tZmRzYWZkc2Fm/c2Rmc2Fk"] {
        let error = error(&[
            ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", certificate.to_str().expect("UTF-8")),
            ("OTEL_EXPORTER_OTLP_CLIENT_KEY", key),
        ]);
        let says = "OTEL_EXPORTER_OTLP_CLIENT_KEY is not the path of a file that can be read";
        assert!(error.starts_with(says) && error.lines().count() == 1, "{error}");
        assert!(!error.contains("s3cr3t"), "{error}");
    }
    std::fs::remove_file(&certificate).expect("removed");
}

#[test]
fn all_mistakes_are_reported_together() {
    let error = error(&[
        ("LOG_FORMAT", "xml"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "x"),
    ]);
    assert_eq!(error.lines().count(), 3, "{error}");
}

#[test]
fn the_export_is_off_without_an_endpoint_or_if_it_is_disabled() {
    let collector = Collector::start();
    for env in [
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")][..],
        &[("OTEL_SDK_DISABLED", "true")],
        &[("OTEL_LOGS_EXPORTER", "none"), ("OTEL_TRACES_EXPORTER", "console")],
    ] {
        let run = run("otlp", &collector.endpoint(), env);
        assert_eq!((run.logs.emitted, run.spans.emitted), (0, 0), "{env:?}");
    }
    assert_eq!(collector.received().requests, 0);
}

#[test]
fn an_endpoint_of_one_signal_turns_only_that_one_on() {
    let collector = Collector::start();
    let url = format!("{}/v1/logs", collector.endpoint());
    let run = run("otlp", "", &[("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", &url)]);
    assert_eq!((run.logs.delivered, run.spans.emitted), (run.logs.emitted, 0));
    assert!(run.logs.delivered > 30);
}

/// The query of an endpoint stays after the path: some collectors expect an API key there.
#[test]
fn the_path_comes_before_the_query() {
    let collector = Collector::start();
    let endpoint = format!("{}/?key=s3cr3t", collector.endpoint());
    let run = run("otlp", &endpoint, &[]);
    assert_eq!(run.logs.delivered, run.logs.emitted);
}

#[test]
fn only_true_disables_the_export() {
    let collector = Collector::start();
    let env = [("OTEL_SDK_DISABLED", "1"), ("OTEL_LOGS_EXPORTER", "OTLP")];
    let run = run("otlp", &collector.endpoint(), &env);
    assert!(run.logs.delivered > 30 && run.spans.delivered > 10);
}

#[test]
fn errors_of_a_configuration_file_do_not_repeat_secrets() {
    for text in [
        r#"{"otlp":"http://u:s3cr3t@h:1"}"#,
        r#"{"otlp":{"endpoint":["s3cr3t"]}}"#,
        r#"{"otlp":{"endpoint":"http://h:1","headers":"authorization=s3cr3t"}}"#,
        r#"{"otlp":{"endpoint":"http://h:1","headers":["s3cr3t"]}}"#,
        r#"{"otlp":{"endpoint":"http://h:1","headers":{"x-pin":424242}}}"#,
    ] {
        let error = serde_json::from_str::<Config>(text).expect_err("a mistake").to_string();
        assert!(!error.contains("s3cr3t") && !error.contains("424242"), "{error}");
        assert!(error.contains("expected "), "{error}");
    }
}

#[test]
fn a_malformed_resource_is_reported_and_ignored() {
    let collector = Collector::start();
    let run =
        run("otlp", &collector.endpoint(), &[("OTEL_RESOURCE_ATTRIBUTES", "no pairs, s3cr3t")]);
    let message =
        "OTEL_RESOURCE_ATTRIBUTES is ignored; expected name=value pairs, separated by commas";
    assert!(run.lines.iter().any(|line| line["msg"] == message && line["level"] == "WARN"));
    assert!(run.raw.iter().all(|line| !line.contains("s3cr3t")));
}

#[test]
fn credentials_are_not_in_the_debug_text() {
    let otlp = Otlp::new("http://user:s3cr3t@host:4318").header("authorization", "t0ken");
    let text = format!("{otlp:?} {:?}", Config::new().otlp(otlp.clone()));
    assert!(!text.contains("s3cr3t") && !text.contains("t0ken"), "{text}");
}

#[test]
fn an_invalid_endpoint_in_code_is_an_error() {
    let error = Config::new().otlp(Otlp::new("not a url")).subscriber().err().expect("an error");
    assert_eq!(error.variable(), Some("OTEL_EXPORTER_OTLP_ENDPOINT"));
}

#[test]
fn an_export_is_deserialized() {
    let collector = Collector::start();
    let text = format!(
        r#"{{"service":"shop","resource":{{"team":"a"}},"otlp":{{"endpoint":"{}","traces":"none",
            "headers":{{"x-tenant":"t"}},"timeout_ms":500,"gzip":true,"protocol":"http/json","queue":10,
            "overload":"block","batch":5,"delay_ms":1,"retry_ms":10,"original":true}}}}"#,
        collector.endpoint()
    );
    let config: Config = serde_json::from_str(&text).expect("a configuration");
    let captured = candor::testing::capture_with(config).expect("a configuration");
    candor::info!("one");
    drop(captured);
    let received = collector.received();
    assert_eq!((received.logs.len(), received.spans.len()), (1, 0));
    assert_eq!(super::collector::header(&received.headers[0], "x-tenant"), "t");
    assert_eq!(received.resources[0].attributes.len(), 2);

    let error =
        |text: &str| serde_json::from_str::<Config>(text).expect_err("a mistake").to_string();
    let unknown = error(r#"{"otlp":{"endpoint":"http://h:1","compression":"gzip"}}"#);
    assert!(
        unknown.starts_with("unknown field `compression`, expected one of `endpoint`, "),
        "{unknown}"
    );
    assert!(error(r#"{"otlp":{"gzip":true}}"#).starts_with("missing field `endpoint`"));
    let protocol = error(r#"{"otlp":{"endpoint":"http://h:1","protocol":"grpc"}}"#);
    assert!(
        protocol.starts_with("unknown variant `grpc`, expected `http/protobuf` or `http/json`"),
        "{protocol}"
    );
}
