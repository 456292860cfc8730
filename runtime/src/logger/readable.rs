//! The message of a step, call, job or request for other layers: `payments charge: timeout after 402 ms`.
//!
//! Error trackers group events by the message, and candor's own message is only the name of the event. The text
//! consists of members of the line, so it does not show more than the line.

use std::fmt::Write as _;

use crate::json::members;

/// The message for the members of an event of this name; `None` if the event has no duration.
pub(super) fn message(event: &str, fields: &str) -> Option<String> {
    let find = |key: &str| members::walk(fields, 0).find(|member| member.key == key);
    let text = |key: &str| Some(members::text_of(find(key)?.value)).filter(|text| text != "null");
    let millis: f64 = find("duration_ms")?.value.parse().ok()?;
    let outcome = text("outcome")?;
    let error = text("error");
    let mut message = match event {
        "step_timing" => text("step")?,
        "dependency_call" => format!("{} {}", text("dependency")?, text("operation")?),
        "job_completed" => format!("job {}", text("job")?),
        "request_completed" => match text("route") {
            Some(route) => format!("request {route}"),
            None => "request".to_owned(),
        },
        _ => return None,
    };
    let end = match (event, error) {
        ("dependency_call", Some(category)) => category,
        (_, Some(error)) => format!("{outcome} {error}"),
        ("request_completed", None) => text("status").unwrap_or(outcome),
        (_, None) => outcome,
    };
    let decimals = usize::from(millis < 10.0);
    let _ = write!(message, ": {end} after {millis:.decimals$} ms");
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::message;

    #[test]
    fn a_message_says_what_ended_how_and_after_how_long() {
        let step =
            ",\"event\":\"step_timing\",\"step\":\"check_out\",\"duration_ms\":12.345,\"outcome\":";
        let call = ",\"dependency\":\"payments\",\"operation\":\"charge\",\"duration_ms\":402.1,\"error\":";
        let request = ",\"status\":504,\"duration_ms\":4.75,\"outcome\":\"error\"";
        for (event, fields, expected) in [
            ("step_timing", format!("{step}\"ok\""), "check_out: ok after 12 ms"),
            (
                "step_timing",
                format!("{step}\"error\",\"error\":\"SoldOut\""),
                "check_out: error SoldOut after 12 ms",
            ),
            (
                "dependency_call",
                format!("{call}\"timeout\",\"outcome\":\"error\""),
                "payments charge: timeout after 402 ms",
            ),
            (
                "dependency_call",
                format!("{call}null,\"outcome\":\"ok\""),
                "payments charge: ok after 402 ms",
            ),
            ("request_completed", request.to_owned(), "request: 504 after 4.8 ms"),
            (
                "request_completed",
                format!("{request},\"route\":\"/orders/{{id}}\""),
                "request /orders/{id}: 504 after 4.8 ms",
            ),
        ] {
            assert_eq!(message(event, &fields).as_deref(), Some(expected));
        }
        assert_eq!(message("job_started", ",\"job\":\"sync\""), None);
    }
}
