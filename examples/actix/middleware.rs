//! Middleware that logs the requests of actix-web. Copy this file into your service.

use std::error::Error as StdError;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderName;
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use candor::http::{ActiveResponse, RequestLayer};

/// Runs each request in its context, and writes `request_started` and `request_completed`.
pub async fn log_requests(
    layer: Data<RequestLayer>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<LoggedBody>, actix_web::Error> {
    let mut active = layer.begin(&request_parts(&request), request.peer_addr());
    let mut response = match active.scope(async { next.call(request).await }).await {
        Ok(response) => response,
        // An inner middleware failed; actix-web makes the response from the error.
        Err(error) => {
            active.finish(error.as_response_error().status_code().as_u16());
            return Err(error);
        }
    };
    if let Some(route) = response.request().match_pattern() {
        active.set_route(route);
    }
    if let Ok(id) = active.id().parse() {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
    }
    let active = active.begin_response(&response_parts(&response));
    Ok(response.map_body(|_, body| LoggedBody { body: body.boxed(), active: Some(active) }))
}

/// Copies the headers, since actix-web has the types of http 0.2.
fn request_parts(request: &ServiceRequest) -> http::request::Parts {
    let mut copy =
        http::Request::builder().method(request.method().as_str()).uri(request.uri().to_string());
    for (name, value) in request.headers() {
        copy = copy.header(name.as_str(), value.as_bytes());
    }
    copy.body(()).unwrap_or_default().into_parts().0
}

fn response_parts(response: &ServiceResponse<impl MessageBody>) -> http::response::Parts {
    let mut copy = http::Response::builder().status(response.status().as_u16());
    for (name, value) in response.headers() {
        copy = copy.header(name.as_str(), value.as_bytes());
    }
    // actix-web does not poll an empty body, and sets the header only when it writes the response.
    copy = match response.response().body().size() {
        BodySize::None => copy.header("content-length", 0),
        BodySize::Sized(length) => copy.header("content-length", length),
        BodySize::Stream => copy,
    };
    copy.body(()).unwrap_or_default().into_parts().0
}

/// Body that completes its request when it ends, fails or is dropped.
#[derive(Debug)]
pub struct LoggedBody {
    body: BoxBody,
    active: Option<ActiveResponse>,
}

impl MessageBody for LoggedBody {
    type Error = Box<dyn StdError>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let Some(mut active) = self.active.take() else { return Poll::Ready(None) };
        // If the body panics, unwinding drops `active`, which completes the request as panicked.
        let polled = active.run(|| Pin::new(&mut self.body).poll_next(cx));
        match &polled {
            Poll::Ready(None) => active.finish(),
            Poll::Ready(Some(Err(_))) => active.fail(),
            Poll::Ready(Some(Ok(chunk))) => {
                active.add_bytes(chunk.len());
                self.active = Some(active);
            }
            Poll::Pending => self.active = Some(active),
        }
        polled
    }
}

impl Drop for LoggedBody {
    fn drop(&mut self) {
        // Lines that the body logs while it is dropped belong to the request.
        if let Some(active) = &mut self.active {
            let body = mem::replace(&mut self.body, BoxBody::new(()));
            active.run(|| drop(body));
        }
    }
}
