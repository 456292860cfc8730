//! What the owner of an HTTP edge adds to its lines is decided like anything else.

use candor::http::RequestLayer;

fn main() {
    let layer = RequestLayer::new()
        .user(|request| request.headers.get("x-user")?.to_str().ok().map(str::to_owned))
        .fields(|request, fields| {
            fields.set("host", request.uri.host().map(str::to_owned));
        })
        .response_fields(|response, fields| {
            fields.set("headers", &response.headers);
        });
    let _ = layer;
}
