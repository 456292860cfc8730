struct Order;

#[candor::instrument(strict)]
fn charge(id: u64, card: &str, order: Order) -> Result<u64, String> {
    let _ = (card, order);
    Ok(id)
}

mod tightened {
    use candor::strict::instrument;

    #[instrument(skip_all, fields(note = %note.trim(), rows), ret)]
    pub async fn refund(note: String) -> String {
        note
    }
}

fn main() {}
