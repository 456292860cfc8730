struct User {
    name: String,
}

fn main() {
    let user = User { name: "Ada".to_owned() };
    let (city, LIMIT) = ("London", "none");
    let count = 3;
    candor::info!("{} from {city}, {count} visits, {:?}", user.name, Some(city));
    candor::warn!("hello {name:>8}", name = user.name.clone());
    candor::error!("{LIMIT} is the limit");
}
