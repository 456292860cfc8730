//! Sends the requests of customers over real sockets: good ones, and ones that fail.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::payments::{BUSY_ONCE, DECLINED, GOOD, SLOW};

/// Sends every kind of request once. The summary says how many had the expected result.
pub(crate) async fn all(address: SocketAddr) -> Result<String, Box<dyn Error>> {
    let shop = Shop { client: Client::new(), url: format!("http://{address}") };
    let answers = [
        ("a good order", shop.order(GOOD, 2).await?, StatusCode::CREATED),
        ("a busy payments", shop.order(BUSY_ONCE, 1).await?, StatusCode::CREATED),
        ("a declined card", shop.order(DECLINED, 1).await?, StatusCode::PAYMENT_REQUIRED),
        ("a payment time-out", shop.order(SLOW, 1).await?, StatusCode::GATEWAY_TIMEOUT),
        (
            "a bad body",
            shop.post("cvv=321&password=hunter2hunter2").await?,
            StatusCode::BAD_REQUEST,
        ),
        ("an order read back", shop.get("/orders/1?api_key=k-5a5a5a5a5a").await?, StatusCode::OK),
        ("an unknown order", shop.get("/orders/999").await?, StatusCode::NOT_FOUND),
        ("the health check", shop.get("/health").await?, StatusCode::OK),
    ];
    for (what, got, wanted) in answers {
        if got != wanted {
            return Err(format!("{what} was answered {got}, not {wanted}").into());
        }
    }
    // The service panics if the quantity is zero, and closes the connection without a response.
    if shop.order(GOOD, 0).await.is_ok() {
        return Err("an order of nothing was answered".into());
    }
    disconnect(address).await?;
    Ok(format!("{} requests as expected", answers.len() + 2))
}

struct Shop {
    client: Client,
    url: String,
}

impl Shop {
    async fn order(&self, card: &str, quantity: u32) -> reqwest::Result<StatusCode> {
        self.post(&order(card, quantity).to_string()).await
    }

    async fn post(&self, body: &str) -> reqwest::Result<StatusCode> {
        let request = self
            .client
            .post(format!("{}/orders", self.url))
            .header("content-type", "application/json")
            .bearer_auth("eyJhbGciOiJub25lIn0.eyJzdWIiOiI0MSJ9.c2lnbmF0dXJl")
            .body(body.to_owned());
        Ok(request.send().await?.status())
    }

    async fn get(&self, path: &str) -> reqwest::Result<StatusCode> {
        Ok(self.client.get(format!("{}{path}", self.url)).send().await?.status())
    }
}

fn order(card: &str, quantity: u32) -> Value {
    json!({
        "customer_id": 41,
        "sku": "tea",
        "quantity": quantity,
        "email": "ada@example.com",
        "password": "correct-horse-battery",
        "card": { "number": card, "cvv": "737" },
    })
}

/// Sends an order and disconnects before the response.
async fn disconnect(address: SocketAddr) -> std::io::Result<()> {
    let body = order(SLOW, 1).to_string();
    let mut stream = TcpStream::connect(address).await?;
    let head = format!(
        "POST /orders HTTP/1.1\r\nhost: orders\r\ncontent-type: application/json\r\n\
         x-request-id: gone-away\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    tokio::time::sleep(Duration::from_millis(60)).await;
    drop(stream);
    // Time for the server to notice, and to write the line.
    tokio::time::sleep(Duration::from_millis(100)).await;
    Ok(())
}
