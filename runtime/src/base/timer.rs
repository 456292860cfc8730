//! Runs tasks at a later time, on threads that exist only while tasks are scheduled.
//!
//! A task that writes a line waits as long as the output stalls, and so do the tasks after it. Tasks that must be in
//! time have a thread of their own.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};
use std::{io, thread};

use super::catch::contain;
use super::due::{self, Due};
use super::fork::ForkLocks;
use super::sync::{self, lock};

pub(crate) type Task = Box<dyn FnOnce() + Send>;

/// A thread, and the tasks that it runs one after the other.
struct Timer {
    name: &'static str,
    schedule: Mutex<Schedule>,
    changed: Condvar,
}

struct Schedule {
    /// By time, then in the order in which they were scheduled.
    tasks: BTreeMap<(Instant, u64), Task>,
    /// How many tasks were scheduled so far.
    count: u64,
    is_running: bool,
}

/// Runs the tasks that may write lines.
static WRITING: Timer = Timer::new("candor-timer");
/// Runs the tasks that write nothing.
static PROMPT: Timer = Timer::new("candor-prompt");

/// The longest delay: `Instant` overflows for longer ones.
pub(crate) const MAX_DELAY: Duration = Duration::from_hours(365 * 24);

/// The time after `delay`, a year at most.
pub(crate) fn after(delay: Duration) -> Instant {
    Instant::now() + delay.min(MAX_DELAY)
}

/// Runs `task` at `time` or later: it waits for other tasks, which may write lines.
pub(crate) fn schedule(time: Instant, task: impl FnOnce() + Send + 'static) -> io::Result<()> {
    WRITING.add(time, Box::new(task))
}

/// Runs `task` at `time`. It must be short and write nothing.
pub(crate) fn schedule_prompt(time: Instant, task: Task) -> io::Result<()> {
    PROMPT.add(time, task)
}

/// Takes the locks of the tasks before a fork. The child has the tasks, but not the threads, which its next line
/// starts.
pub(crate) fn hold(locks: &mut ForkLocks) {
    for timer in [&WRITING, &PROMPT] {
        locks.hold(
            timer,
            |timer| Some(&timer.schedule),
            |_, schedule| {
                let Some(schedule) = schedule else { return };
                schedule.is_running = false;
                if !schedule.tasks.is_empty() {
                    due::set(Due::Timer);
                }
            },
        );
    }
}

/// Starts the threads in a forked child, if tasks are scheduled.
#[cold]
pub(crate) fn resume() {
    for timer in [&WRITING, &PROMPT] {
        let mut schedule = lock(&timer.schedule);
        if !schedule.tasks.is_empty() {
            // If this fails, the next task tries it again.
            let _ = timer.start(&mut schedule);
        }
    }
}

impl Timer {
    const fn new(name: &'static str) -> Self {
        let schedule = Schedule { tasks: BTreeMap::new(), count: 0, is_running: false };
        Timer { name, schedule: Mutex::new(schedule), changed: Condvar::new() }
    }

    fn add(&'static self, time: Instant, task: Task) -> io::Result<()> {
        let mut schedule = lock(&self.schedule);
        self.start(&mut schedule)?;
        schedule.count += 1;
        let key = (time, schedule.count);
        schedule.tasks.insert(key, task);
        self.changed.notify_one();
        Ok(())
    }

    /// Starts the thread if it is not running.
    fn start(&'static self, schedule: &mut Schedule) -> io::Result<()> {
        if !schedule.is_running {
            thread::Builder::new().name(self.name.to_owned()).spawn(|| self.run())?;
            schedule.is_running = true;
        }
        Ok(())
    }

    fn run(&self) {
        while let Some(task) = self.next() {
            // A task that panics must not stop the others.
            let _ = contain(task);
        }
    }

    /// Waits for the next task to become due. Returns `None` if there is none, and then the thread ends.
    fn next(&self) -> Option<Task> {
        let mut schedule = lock(&self.schedule);
        loop {
            let Some((&(time, _), _)) = schedule.tasks.first_key_value() else {
                schedule.is_running = false;
                return None;
            };
            let now = Instant::now();
            if time <= now {
                return schedule.tasks.pop_first().map(|(_, task)| task);
            }
            schedule = sync::wait_timeout(&self.changed, schedule, time - now);
        }
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
    #[test]
    fn bug_a_task_that_wrote_to_a_stalled_output_held_up_the_end_of_raised_levels() {
        let (goes_on, stalled) = mpsc::channel::<()>();
        let (stalls, is_stalled) = mpsc::channel();
        let write = move || {
            stalls.send(()).expect("the test waits");
            let _ = stalled.recv();
        };
        schedule(Instant::now(), write).expect("a thread");
        is_stalled.recv().expect("it stalls");
        let (done, is_done) = mpsc::channel();
        let lower = Box::new(move || done.send(()).expect("the test waits"));
        schedule_prompt(Instant::now(), lower).expect("a thread");
        assert_eq!(is_done.recv_timeout(Duration::from_mins(1)), Ok(()));
        drop(goes_on);
    }
}
