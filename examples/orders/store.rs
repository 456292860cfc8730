//! Orders in an `SQLite` database. Its calls block, so they run on blocking threads, with the context of the request.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use candor::{context, dependency_call};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;

/// A stored order, without the card and the password.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Order {
    id: i64,
    customer_id: i64,
    sku: String,
    quantity: u32,
    cents: i64,
}

pub(crate) struct Store {
    connection: Arc<Mutex<Connection>>,
}

impl Store {
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS orders (
                id INTEGER PRIMARY KEY,
                customer_id INTEGER NOT NULL,
                sku TEXT NOT NULL,
                quantity INTEGER NOT NULL,
                cents INTEGER NOT NULL
            ) STRICT",
        )?;
        Ok(Store { connection: Arc::new(Mutex::new(connection)) })
    }

    pub(crate) async fn insert(
        &self,
        customer_id: i64,
        sku: String,
        quantity: u32,
        cents: i64,
    ) -> rusqlite::Result<Order> {
        self.blocking(move |connection| insert(connection, customer_id, sku, quantity, cents)).await
    }

    pub(crate) async fn find(&self, id: i64) -> rusqlite::Result<Option<Order>> {
        self.blocking(move |connection| find(connection, id)).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> rusqlite::Result<T> {
        let connection = Arc::clone(&self.connection);
        let work = context::carry(move || {
            work(&connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        tokio::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }
}

#[dependency_call("sqlite", operation = "insert_order")]
fn insert(
    connection: &Connection,
    customer_id: i64,
    sku: String,
    quantity: u32,
    cents: i64,
) -> rusqlite::Result<Order> {
    connection.execute(
        "INSERT INTO orders (customer_id, sku, quantity, cents) VALUES (?1, ?2, ?3, ?4)",
        params![customer_id, sku, quantity, cents],
    )?;
    let id = connection.last_insert_rowid();
    Ok(Order { id, customer_id, sku, quantity, cents })
}

#[dependency_call("sqlite", operation = "find_order", fields(order_id = id))]
fn find(connection: &Connection, id: i64) -> rusqlite::Result<Option<Order>> {
    connection
        .query_row(
            "SELECT id, customer_id, sku, quantity, cents FROM orders WHERE id = ?1",
            [id],
            |row| {
                Ok(Order {
                    id: row.get(0)?,
                    customer_id: row.get(1)?,
                    sku: row.get(2)?,
                    quantity: row.get(3)?,
                    cents: row.get(4)?,
                })
            },
        )
        .optional()
}
