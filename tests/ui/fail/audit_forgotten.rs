#![deny(unused_must_use)]

fn main() {
    candor::audit!(user = 41, "deleted an account");
}
