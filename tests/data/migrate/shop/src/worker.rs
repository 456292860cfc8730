use std::time::Duration;

use tracing::field::Empty;
use tracing::{self, Level, Span, event};

macro_rules! note {
    ($value:expr) => {
        tracing::info!(value = $value, "noted")
    };
}

struct Worker {
    batch: usize,
    pause: Duration,
}

impl Worker {
    #[tracing::instrument(skip(self), fields(batch = self.batch, rows = Empty), level = Level::DEBUG)]
    fn turn(&self, names: Vec<String>) -> usize {
        Span::current().record("rows", names.len());
        event!(Level::INFO, pause = ?self.pause, "turn");
        names.len()
    }

    #[tracing::instrument(level = "trace", skip(self))]
    fn wait(&self, turns: u32, halves: &[f64], tag: Option<(u32, bool)>) {
        tracing::trace!(target: "worker", halves = halves.len(), first = ?tag, "waiting");
        note!(turns);
    }
}

fn archive(order: &crate::orders::Order) {
    tracing::debug!(order.id, cents = ?order.cents, "archived");
}

pub fn run(turns: u32) {
    archive(&crate::orders::Order { id: 1, cents: None, buyer: String::new() });
    let worker = Worker { batch: 2, pause: Duration::from_millis(5) };
    for turn in 0..turns {
        tracing::debug!(turn, "next");
        if let Err(error) = "x".parse::<u32>() {
            tracing::error!(%error, "no number");
        }
    }
    worker.wait(turns, &[0.5], Some((1, true)));
    let sum = worker.turn(vec!["a".to_owned()]) + worker.batch;
    let log = |count: usize| tracing::info!(count, sum = sum as u64, "done");
    log(sum);
}
