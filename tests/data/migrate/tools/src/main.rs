#![deny(warnings)]
#[macro_use]
extern crate log;

fn main() {
    let files = std::env::args().count();
    info!("read {} files, {:>5} of them new", files, 1 + 2);
    log::warn!(target: "tools", "{files:?} files");
    debug!(files = files, is_last = true; "counted");
    if files > 9 {
        debug!("called as {:?}", std::env::args().next());
    }
}
