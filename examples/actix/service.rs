//! Handlers of the service.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use std::{fmt, io};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Path, ServiceConfig};
use actix_web::{HttpResponse, Responder, ResponseError};
use candor::context;
use candor::http::RequestLayer;
use candor::{dependency_call, step_timed};

/// The settings of the middleware, which all workers share.
pub fn layer() -> RequestLayer {
    RequestLayer::new()
        .quiet("/health")
        .user(|request| request.headers.get("x-customer")?.to_str().ok()?.parse::<u64>().ok())
}

/// Adds the routes.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/health", web::get().to(HttpResponse::NoContent))
        .route("/orders/{id}", web::get().to(order))
        .route("/export/{rows}", web::get().to(export))
        .route("/slow", web::get().to(slow))
        .route("/panics", web::get().to(panics));
}

/// An error of the service, which determines the response.
#[derive(Debug)]
enum OrderError {
    NotFound,
    Database,
}

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OrderError::NotFound => "order not found",
            OrderError::Database => "database is down",
        })
    }
}

impl std::error::Error for OrderError {}

impl ResponseError for OrderError {
    fn status_code(&self) -> StatusCode {
        match self {
            OrderError::NotFound => StatusCode::NOT_FOUND,
            OrderError::Database => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// Blocking code, which actix-web runs on other threads.
#[dependency_call("database")]
fn load(id: u64) -> Result<u64, OrderError> {
    match id {
        7 => Ok(1250),
        8 => Err(OrderError::Database),
        _ => Err(OrderError::NotFound),
    }
}

#[step_timed(fields(id))]
async fn total(id: u64) -> Result<u64, OrderError> {
    // `carry` takes the request to the other thread.
    let loaded = web::block(context::carry(move || load(id))).await;
    loaded.unwrap_or(Err(OrderError::Database))
}

async fn order(id: Path<u64>) -> Result<impl Responder, OrderError> {
    let cents = total(*id).await?;
    candor::info!(cents, "order found");
    Ok(HttpResponse::Ok().content_type("application/json").body(format!("{{\"cents\":{cents}}}")))
}

/// A body that is sent piece by piece.
async fn export(rows: Path<u32>) -> impl Responder {
    HttpResponse::Ok().content_type("text/csv").body(Rows { left: *rows })
}

async fn slow() -> impl Responder {
    actix_web::rt::time::sleep(Duration::from_hours(1)).await;
    HttpResponse::Ok()
}

async fn panics() -> HttpResponse {
    panic!("the handler gives up")
}

#[derive(Debug)]
struct Rows {
    left: u32,
}

impl MessageBody for Rows {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, io::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        candor::debug!(left = self.left, "row sent");
        Poll::Ready(Some(Ok(Bytes::from_static(b"7,1250\n"))))
    }
}
