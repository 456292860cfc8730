//! Runs tasks at a later time, on one thread that exists only while tasks are scheduled.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};
use std::{io, thread};

use super::catch::contain;
use super::due::{self, Due};
use super::fork::ForkLocks;
use super::sync::{self, lock};

type Task = Box<dyn FnOnce() + Send>;

struct Schedule {
    /// By time, then in the order in which they were scheduled.
    tasks: BTreeMap<(Instant, u64), Task>,
    /// How many tasks were scheduled so far.
    count: u64,
    is_running: bool,
}

static SCHEDULE: Mutex<Schedule> =
    Mutex::new(Schedule { tasks: BTreeMap::new(), count: 0, is_running: false });
static CHANGED: Condvar = Condvar::new();

/// The longest delay: `Instant` overflows for longer ones.
pub(crate) const MAX_DELAY: Duration = Duration::from_hours(365 * 24);

/// The time after `delay`, a year at most.
pub(crate) fn after(delay: Duration) -> Instant {
    Instant::now() + delay.min(MAX_DELAY)
}

/// Runs `task` at `time`. It has to be short, because other tasks wait for it; it may schedule others.
pub(crate) fn schedule(time: Instant, task: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let mut schedule = lock(&SCHEDULE);
    schedule.start()?;
    schedule.count += 1;
    let key = (time, schedule.count);
    schedule.tasks.insert(key, Box::new(task));
    CHANGED.notify_one();
    Ok(())
}

impl Schedule {
    /// Starts the thread if it is not running.
    fn start(&mut self) -> io::Result<()> {
        if !self.is_running {
            thread::Builder::new().name("candor-timer".to_owned()).spawn(run)?;
            self.is_running = true;
        }
        Ok(())
    }
}

/// Takes the lock of the tasks before a fork. The child has the tasks, but not the thread, which its next line starts.
pub(crate) fn hold(locks: &mut ForkLocks) {
    locks.hold(
        (),
        |()| Some(&SCHEDULE),
        |(), schedule| {
            let Some(schedule) = schedule else { return };
            schedule.is_running = false;
            if !schedule.tasks.is_empty() {
                due::set(Due::Timer);
            }
        },
    );
}

/// Starts the thread in a forked child, if tasks are scheduled.
#[cold]
pub(crate) fn resume() {
    let mut schedule = lock(&SCHEDULE);
    if !schedule.tasks.is_empty() {
        // If this fails, the next task tries it again.
        let _ = schedule.start();
    }
}

fn run() {
    while let Some(task) = next() {
        // A task that panics must not stop the others.
        let _ = contain(task);
    }
}

/// Waits for the next task to become due. Returns `None` if there is none, and then the thread ends.
fn next() -> Option<Task> {
    let mut schedule = lock(&SCHEDULE);
    loop {
        let Some((&(time, _), _)) = schedule.tasks.first_key_value() else {
            schedule.is_running = false;
            return None;
        };
        let now = Instant::now();
        if time <= now {
            return schedule.tasks.pop_first().map(|(_, task)| task);
        }
        schedule = sync::wait_timeout(&CHANGED, schedule, time - now);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn tasks_run_in_the_order_of_their_times_and_survive_the_panic_of_another() {
        let (done, order) = mpsc::channel();
        let run_after = |millis: u64, task: Task| {
            schedule(after(Duration::from_millis(millis)), task).expect("a thread");
        };
        let send = |name: &'static str| {
            let done = done.clone();
            Box::new(move || done.send(name).expect("the test waits"))
        };
        run_after(40, send("later"));
        run_after(1, Box::new(|| panic!("in a task")));
        run_after(20, send("sooner"));
        assert_eq!(order.recv(), Ok("sooner"));
        assert_eq!(order.recv(), Ok("later"));
        // The thread may have ended by now; then this starts another one.
        run_after(0, send("again"));
        assert_eq!(order.recv(), Ok("again"));
    }
}
