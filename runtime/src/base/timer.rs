//! Work for later, on a thread that is there only as long as some is left.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use std::{io, thread};

use super::sync::{self, lock};

type Work = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Queue {
    /// By time, and for the same time by the order in which it came.
    waiting: BTreeMap<(Instant, u64), Work>,
    count: u64,
    is_running: bool,
}

static QUEUE: Mutex<Queue> =
    Mutex::new(Queue { waiting: BTreeMap::new(), count: 0, is_running: false });
static CHANGED: Condvar = Condvar::new();

/// As good as never.
const FOREVER: Duration = Duration::from_hours(365 * 24);

/// The point in time that is this far off.
pub(crate) fn in_time(time: Duration) -> Instant {
    Instant::now() + time.min(FOREVER)
}

fn queue() -> MutexGuard<'static, Queue> {
    lock(&QUEUE)
}

/// Has `work` done at a point in time. The work is short; it may ask for more of it.
pub(crate) fn at(at: Instant, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let mut queue = queue();
    if !queue.is_running {
        thread::Builder::new().name("candor-timer".to_owned()).spawn(run)?;
        queue.is_running = true;
    }
    queue.count += 1;
    let key = (at, queue.count);
    queue.waiting.insert(key, Box::new(work));
    CHANGED.notify_one();
    Ok(())
}

fn run() {
    while let Some(work) = next() {
        // One piece of work that panics takes no other one with it.
        let _ = catch_unwind(AssertUnwindSafe(work));
    }
}

/// What is due next, when it is due; nothing where nothing is left, and then the thread ends.
fn next() -> Option<Work> {
    let mut queue = queue();
    loop {
        let Some((&(at, _), _)) = queue.waiting.first_key_value() else {
            queue.is_running = false;
            return None;
        };
        let now = Instant::now();
        if at <= now {
            return queue.waiting.pop_first().map(|(_, work)| work);
        }
        queue = sync::wait_timeout(&CHANGED, queue, at - now);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn work_is_done_in_the_order_of_its_time_and_a_panic_ends_none_but_its_own() {
        let (done, order) = mpsc::channel();
        let after = |millis: u64, work: Box<dyn FnOnce() + Send>| {
            at(in_time(Duration::from_millis(millis)), work).expect("a thread");
        };
        let tell = |name: &'static str| {
            let done = done.clone();
            Box::new(move || done.send(name).expect("the test waits"))
        };
        after(40, tell("later"));
        after(1, Box::new(|| panic!("of its own")));
        after(20, tell("sooner"));
        assert_eq!(order.recv(), Ok("sooner"));
        assert_eq!(order.recv(), Ok("later"));
        // The thread may be gone by now, and is there again.
        after(0, tell("again"));
        assert_eq!(order.recv(), Ok("again"));
    }
}
