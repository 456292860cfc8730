//! Serves on port 8080: `curl -i localhost:8080/orders/7`.

use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use candor_example_actix::middleware::log_requests;
use candor_example_actix::service;

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _logging = candor::init()?;
    let layer = Data::new(service::layer());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::clone(&layer))
            .configure(service::routes)
            .wrap(from_fn(log_requests)) // the outermost middleware
    });
    server.bind(("127.0.0.1", 8080))?.run().await?;
    Ok(())
}
