//! Secrets that the scrubber once showed, each with the reason.

use super::shows;

/// A tag or an anchor of YAML was taken for something before the value.
#[test]
fn a_value_that_begins_like_a_tag_of_yaml_is_hidden() {
    shows("password=!letmein", "password=[REDACTED]");
    shows("password=&hunter", "password=[REDACTED]");
    shows("password: !Summer, user=7", "password: [REDACTED], user=7");
    shows("secret=a,!letmein x", "secret=[REDACTED] x");
    shows("password: !Secret9\n  at src/main.rs", "password: [REDACTED]");
    shows("password: !vault |\n  one\n  two\nuser: x", "password: !vault |\n  [REDACTED]\nuser: x");
    shows("password: !!str x7", "password: [REDACTED]");
}

/// Two words after a name were taken for a sentence, also if the second one was the label of the next field.
#[test]
fn a_password_before_another_word_or_label_is_hidden() {
    shows("user: ada pass: letmein host: db", "user: ada pass: [REDACTED] host: db");
    shows("db.password: changeme db.host: x", "db.password: [REDACTED] db.host: x");
    shows(
        "spring.datasource.password: letmein\nspring.jpa.show-sql: true",
        "spring.datasource.password: [REDACTED]\nspring.jpa.show-sql: true",
    );
    shows("app.db.password: Welcome db.host: x", "app.db.password: [REDACTED] db.host: x");
    shows("session: letmein host : db", "session: [REDACTED]");
    shows("auth: hunter\nuser name: 7", "auth: [REDACTED]\nuser name: 7");
    for sentence in [
        "auth: handshake finished",
        "auth: handshake finished, 3 ms",
        "a.b.TokenError: It has expired",
        "failed to list *v1.Secret: secrets is forbidden: no",
        "aws_secretsmanager_secret.db: Refreshing state... [id=x]",
    ] {
        shows(sentence, sentence);
    }
}

/// A flag with a sensitive name between a name and its value made the scrubber forget the name.
#[test]
fn a_value_is_hidden_if_a_flag_is_between_it_and_its_name() {
    shows(
        r#"EnvVar { name: "DB_PASSWORD", secret: true, value: Some("hunter2") }"#,
        r#"EnvVar { name: "DB_PASSWORD", secret: true, value: [REDACTED] }"#,
    );
    shows(
        r#"{"name":"DB_PASSWORD","secret":true,"value":"hunter2"}"#,
        r#"{"name":"DB_PASSWORD","secret":true,"value":"[REDACTED]"}"#,
    );
    shows(
        r#"{"value":"hunter2","api_key":"k","name":"password"}"#,
        r#"{"value":"[REDACTED]","api_key":"[REDACTED]","name":"password"}"#,
    );
    shows(
        r#"{"value":{"api_key":"k","id":7},"name":"password"}"#,
        r#"{"value":"[REDACTED]","name":"password"}"#,
    );
}

/// The scanner continued after a secret without a look at the text between its name and its value.
#[test]
fn secrets_between_a_name_and_its_value_are_hidden() {
    shows(
        "<name>password</name><apiKey>k7Yq</apiKey><value>x</value> pin=4711",
        "<name>password</name><apiKey>[REDACTED]</apiKey><value>[REDACTED]</value> pin=[REDACTED]",
    );
    shows(
        "form-data; name=\"password\"\r\nX-Api-Key: k7Yq\r\n\r\nx\r\n--b",
        "form-data; name=\"password\"\r\nX-Api-Key: [REDACTED]\r\n\r\n[REDACTED]\r\n--b",
    );
}

#[test]
fn a_password_that_looks_like_a_here_document_is_hidden() {
    shows(
        "x password=<<EOT Authorization: Bearer abc.def token=k7Yq9\nrest",
        "x password=[REDACTED] Authorization: [REDACTED]\nrest",
    );
    shows("password=<<Tr0ub4dor\nuser=7", "password=[REDACTED]");
    shows("password=<<EOT\nx7\nEOT\nuser=7", "password=<<EOT\n[REDACTED]\nEOT\nuser=7");
}

/// Any word before `= "…"` was taken for a type.
#[test]
fn a_password_before_an_equals_sign_is_not_taken_for_a_type() {
    shows("password: hunter2 = \"x\"", "password: [REDACTED]");
    shows("password: !letmein \"x y\" z", "password: [REDACTED] z");
    for name in ["&str", "String", "Option<String>", "std::string", "Cow<str>"] {
        shows(
            &format!("password: {name} = \"x y\""),
            &format!("password: {name} = \"[REDACTED]\""),
        );
    }
}

/// A number after a plural was taken for a count.
#[test]
fn codes_of_digits_under_a_plural_name_are_hidden() {
    shows("backup_codes=482913,193842,771204", "backup_codes=[REDACTED]");
    shows("recovery_codes: 123456", "recovery_codes: [REDACTED]");
    shows("pins=4711", "pins=[REDACTED]");
    shows("passwords=4711,1234", "passwords=[REDACTED]");
    for count in
        ["Secrets: 0 found", "passwords=12 x=1", "total tokens: 4096 used", "tokens: 512, 3 ms"]
    {
        shows(count, count);
    }
}

/// Only a string of SQL after one blank was inspected.
#[test]
fn a_string_of_sql_on_the_next_line_is_hidden() {
    for gap in [" ", "  ", "\t", "\n", "\r\n    "] {
        shows(
            &format!("CREATE USER ada IDENTIFIED BY{gap}'hunter2';"),
            &format!("CREATE USER ada IDENTIFIED BY{gap}'[REDACTED]';"),
        );
    }
}

/// The secret path of a webhook was hidden, and the user info before its host was not.
#[test]
fn a_webhook_with_user_info_is_hidden_from_the_user_on() {
    shows(
        "post to https://ada:hunter2@chat.example.com/hooks/abcdefghijklmnopqrstuvwxyz failed",
        "post to https://[REDACTED] failed",
    );
    shows("https://ada:x7@hooks.slack.com/services/T0/B0/x end", "https://[REDACTED] end");
    shows(
        "https://git@hooks.slack.com/services/T0/B0/x end",
        "https://git@hooks.slack.com/services/[REDACTED] end",
    );
}

/// Names were searched for in the last 512 bytes before `VALUES`.
#[test]
fn a_password_in_a_long_list_of_columns_is_hidden() {
    let columns = "a_column_with_a_name, ".repeat(60);
    shows(
        &format!("INSERT INTO users ({columns}password) VALUES (1, 'hunter2')"),
        &format!("INSERT INTO users ({columns}password) VALUES ([REDACTED])"),
    );
    shows(
        &format!("INSERT INTO users (password, {columns}id) VALUES ('hunter2', 1)"),
        &format!("INSERT INTO users (password, {columns}id) VALUES ([REDACTED])"),
    );
}

/// Only text with a digit was searched for tokens, or also its neighbours, depending on the CPU.
#[test]
fn tokens_without_a_digit_are_hidden() {
    for token in [
        "glpat-aBcDeFgHiJkLmNoPqRsT",
        "glpat-aBcDEfGhiJKlmNoPqrST",
        "GOCSPX-aBcDEfGhiJKlmNoPqrSTuvWx",
        "SG.aBcDEfGhiJKlmNoPqrST",
        "AKIAQWERTYUIOPASDFGH",
    ] {
        for before in ["sent ", "took 12 ms, sent ", "sent by the job of the shop at night with "] {
            shows(&format!("{before}{token}"), &format!("{before}[REDACTED]"));
            shows(&format!("{before}{token} in 5 ms"), &format!("{before}[REDACTED] in 5 ms"));
        }
    }
    for clean in ["ASIA-PACIFIC-SOUTHEAST-REGION is down", "STS.GetCallerIdentity took 5 ms"] {
        shows(clean, clean);
    }
}

/// A value is judged by its first bytes, and still hidden to its end.
#[test]
fn a_value_is_hidden_to_its_end_however_long_it_is() {
    for length in 250..262 {
        for more in ["\\\"hunter2", "hunter2", ",hunter2", "\u{e9}hunter2"] {
            shows(&format!("password={}{more} x", "a".repeat(length)), "password=[REDACTED] x");
            shows(&format!("cookie: {}{more}\nx", "a".repeat(length)), "cookie: [REDACTED]\nx");
        }
    }
}
