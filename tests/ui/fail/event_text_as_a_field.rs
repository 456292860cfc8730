struct User {
    id: u64,
    name: String,
}

fn main() {
    let user = User { id: 7, name: "Ada".to_owned() };
    let city = "London";
    candor::info!(user.id, city, user.name, "seen");
    candor::debug!(?city, who = %user.name, kind = "guest", bytes = city.as_bytes());
}
