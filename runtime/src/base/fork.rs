//! Forks: a child process has the memory of its parent, but only the thread that forked.
//!
//! A lock that another thread held would never be released in the child, and a thread that serves a queue does not
//! exist there. The C library calls three functions around `fork`. Before it, the forking thread takes candor's locks.
//! After it, both processes release them; before that, the child changes what they protect, for example by leaving
//! the queued lines to its parent.
//!
//! A fork does not wait for a lock for long, because its holder may wait for an output that stalls. A lock that the
//! forking thread did not get may never be released in the child. Only locks that are held during a write can take that
//! long; they are of the type [`OutputLock`], and the child replaces what they protect.
//!
//! Threads that fork at the same time take turns. Each holds [`HOLDERS`] until its fork is over.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::hint;
use std::iter;
use std::mem;
use std::pin::Pin;
#[cfg(feature = "http")]
use std::sync::Weak;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, RwLock};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use super::sync::{self, lock};

/// How long a fork waits for locks that are held during a write.
const OUTPUT_WAIT: Duration = Duration::from_millis(200);
/// How long a fork waits for the other locks. Their holders only need to be scheduled.
const WAIT: Duration = Duration::from_secs(2);

/// The pause between two attempts to take a lock.
const PAUSE: Duration = Duration::from_millis(1);

/// How many forks lie between this process and the one that was started.
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// Functions that take locks before a fork. A thread that forks takes this lock first and releases it last.
static HOLDERS: Mutex<Vec<Holder>> = Mutex::new(Vec::new());

struct Holder {
    hold: Box<dyn Fn(&mut ForkLocks) + Send>,
    /// Whether the owner of the locks still exists.
    exists: Box<dyn Fn() -> bool + Send>,
}

/// Returns a number that differs between a process and its forked children.
pub(crate) fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Takes locks with `hold` before each fork.
pub(crate) fn install(hold: fn(&mut ForkLocks)) {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let holder = Holder { hold: Box::new(hold), exists: Box::new(|| true) };
        lock(&HOLDERS).insert(0, holder);
        handlers::install();
    });
}

/// Takes this lock before each fork, as long as its owner exists.
#[cfg(feature = "http")]
pub(crate) fn also_hold<T: Send + 'static>(owner: Weak<Mutex<T>>) {
    let exists = Box::new({
        let owner = Weak::clone(&owner);
        move || owner.strong_count() > 0
    });
    let hold = Box::new(move |locks: &mut ForkLocks| {
        if let Some(owner) = owner.upgrade() {
            locks.hold(owner, |owner| Some(owner), |_, _| {});
        }
    });
    let mut holders = lock(&HOLDERS);
    holders.retain(|holder| (holder.exists)());
    holders.push(Holder { hold, exists });
}

/// The locks that the forking thread holds during a fork.
pub(crate) struct ForkLocks {
    held: Vec<HeldLock>,
    /// The addresses of the locks, because two loggers may share one.
    addresses: Vec<usize>,
    output_deadline: Instant,
    deadline: Instant,
}

/// Holds a lock from its first poll to its second one. A future may contain both a lock's owner and its guard.
type HeldLock = Pin<Box<dyn Future<Output = ()>>>;

impl ForkLocks {
    fn new() -> Self {
        let now = Instant::now();
        let (output_deadline, deadline) = (now + OUTPUT_WAIT, now + WAIT);
        ForkLocks { held: Vec::new(), addresses: Vec::new(), output_deadline, deadline }
    }

    /// Repeats `attempt`, which takes a lock that its caller releases, until it succeeds or this fork's time is over.
    pub(crate) fn attempt<T>(&self, attempt: impl FnMut() -> Option<T>) -> Option<T> {
        until(self.deadline, attempt)
    }

    /// Takes a lock of `owner`, if `find` returns one. The child calls `in_child` with the value behind it, or with
    /// `None` if another thread held it for too long.
    pub(crate) fn hold<O: 'static, T: 'static>(
        &mut self,
        owner: O,
        find: impl Fn(&O) -> Option<&Mutex<T>> + 'static,
        in_child: impl FnOnce(&O, Option<&mut T>) + 'static,
    ) {
        let Some(address) = find(&owner).map(address_of) else { return };
        let deadline = self.deadline;
        self.add(address, async move {
            let Some(lock) = find(&owner) else { return };
            let mut guard = until(deadline, || sync::try_lock(lock));
            if is_child_after_pause().await {
                in_child(&owner, guard.as_deref_mut());
            }
        });
    }

    /// Like [`hold`](Self::hold), for a lock that is held during a write. If a child forks again, the replacements of
    /// the lock are held as well, and `in_child` is called for each.
    pub(crate) fn hold_output<O: 'static, T: 'static>(
        &mut self,
        owner: O,
        find: impl Fn(&O) -> Option<&OutputLock<T>> + 'static,
        in_child: impl Fn(&O, Option<&mut T>) + 'static,
    ) {
        let Some(address) = find(&owner).map(address_of) else { return };
        let deadline = self.output_deadline;
        self.add(address, async move {
            let Some(lock) = find(&owner) else { return };
            let mut guards: Vec<_> = lock
                .with_replacements()
                .map(|lock| (lock, lock.try_lock_until(deadline)))
                .collect();
            if is_child_after_pause().await {
                for (lock, guard) in &mut guards {
                    lock.is_abandoned.store(guard.is_none(), Ordering::Relaxed);
                    in_child(&owner, guard.as_deref_mut());
                }
                // Another thread may have made a replacement since.
                for late in lock.with_replacements().skip(guards.len()) {
                    let mut guard = late.try_lock_until(Instant::now());
                    late.is_abandoned.store(guard.is_none(), Ordering::Relaxed);
                    in_child(&owner, guard.as_deref_mut());
                }
            }
        });
    }

    /// Takes a lock for writing. Readers that the child does not have would keep its writers waiting.
    pub(crate) fn hold_rw<O: 'static, T: 'static>(
        &mut self,
        owner: O,
        find: impl Fn(&O) -> &RwLock<T> + 'static,
    ) {
        let (address, deadline) = (address_of(find(&owner)), self.deadline);
        self.add(address, async move {
            let lock = find(&owner);
            let _guard = until(deadline, || sync::try_write(lock));
            is_child_after_pause().await;
        });
    }

    /// Runs `change` in the child, before the locks that were taken earlier are released.
    pub(crate) fn in_child(&mut self, change: impl FnOnce() + 'static) {
        self.held.push(begun(async move {
            if is_child_after_pause().await {
                change();
            }
        }));
    }

    fn add(&mut self, address: usize, lock: impl Future<Output = ()> + 'static) {
        if !self.addresses.contains(&address) {
            self.addresses.push(address);
            self.held.push(begun(lock));
        }
    }

    /// Releases the locks, the last one first.
    fn release(mut self) {
        while let Some(mut lock) = self.held.pop() {
            let _ = lock.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}

fn address_of<T>(lock: &T) -> usize {
    (&raw const *lock).addr()
}

/// Polls the future for the first time, which takes its lock.
fn begun(lock: impl Future<Output = ()> + 'static) -> HeldLock {
    let mut lock: HeldLock = Box::pin(lock);
    let _ = lock.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    lock
}

/// Ends with the second poll. Returns whether that is in the child.
async fn is_child_after_pause() -> bool {
    let before = generation();
    let mut is_first = true;
    poll_fn(|_| if mem::take(&mut is_first) { Poll::Pending } else { Poll::Ready(()) }).await;
    generation() != before
}

/// Tries until the deadline. A thread that waited in the lock's own queue could not give up.
///
/// A thread that writes without a pause leaves its lock free only for a few microseconds, so this spins for about as
/// long as a fork takes before it lets others run.
fn until<T>(deadline: Instant, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    const SPINS: u32 = 10_000;
    loop {
        for _ in 0..SPINS {
            let taken = attempt();
            if taken.is_some() {
                return taken;
            }
            hint::spin_loop();
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::yield_now();
    }
}

/// A lock that is held during a write, and so possibly for ever.
#[derive(Debug, Default)]
pub(crate) struct OutputLock<T> {
    value: Mutex<T>,
    /// Set while a fork waits for the lock, so that threads that write without a pause do not keep it from the fork.
    is_awaited: AtomicBool,
    /// Set in a child if the lock was held during the fork, until a thread that waits for it gets it.
    is_abandoned: AtomicBool,
    /// The lock that such a child uses instead. A child of the child may have to replace this one, too.
    replacement: OnceLock<Box<OutputLock<T>>>,
}

impl<T> OutputLock<T> {
    pub(crate) const fn new(value: T) -> Self {
        OutputLock {
            value: Mutex::new(value),
            is_awaited: AtomicBool::new(false),
            is_abandoned: AtomicBool::new(false),
            replacement: OnceLock::new(),
        }
    }

    /// Locks the value. In a child that can't get it, `replace` makes another one.
    #[inline(always)]
    pub(crate) fn lock(&self, replace: impl Fn() -> T) -> MutexGuard<'_, T> {
        if !self.is_awaited()
            && let Some(guard) = self.try_lock()
        {
            return guard;
        }
        self.lock_held(&replace)
    }

    /// Like [`lock`](Self::lock). Returns `None` if another thread holds the lock for longer than `time`.
    pub(crate) fn lock_within(
        &self,
        time: Duration,
        replace: impl Fn() -> T,
    ) -> Option<MutexGuard<'_, T>> {
        let deadline = Instant::now() + time;
        loop {
            let guard = self.try_lock_or_replace(&replace);
            if guard.is_some() || Instant::now() >= deadline {
                return guard;
            }
            thread::sleep(PAUSE);
        }
    }

    /// Like [`lock`](Self::lock). Returns `None` if another thread of this process holds the lock.
    pub(crate) fn try_lock_or_replace(&self, replace: impl Fn() -> T) -> Option<MutexGuard<'_, T>> {
        let mut lock = self;
        loop {
            let guard = lock.try_lock();
            if guard.is_some() || !lock.is_abandoned() {
                return guard;
            }
            lock = lock.replacement(&replace);
        }
    }

    /// Returns `None` if the lock is never released in this process.
    pub(crate) fn lock_if_released(&self) -> Option<MutexGuard<'_, T>> {
        let guard = self.try_lock();
        if guard.is_some() || self.is_abandoned() { guard } else { Some(lock(&self.value)) }
    }

    /// Returns `None` if another thread holds the lock.
    #[inline(always)]
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        sync::try_lock(&self.value)
    }

    #[cold]
    fn lock_held(&self, replace: &dyn Fn() -> T) -> MutexGuard<'_, T> {
        while self.is_awaited() {
            thread::sleep(PAUSE);
        }
        if !self.is_abandoned() {
            return lock(&self.value);
        }
        // If the thread that forked holds the lock, because it forked inside the write, it releases it.
        if self.replacement.get().is_none()
            && let Some(guard) = until(Instant::now() + OUTPUT_WAIT, || self.try_lock())
        {
            self.is_abandoned.store(false, Ordering::Relaxed);
            return guard;
        }
        let replacement = self.replacement(replace);
        replacement.try_lock().unwrap_or_else(|| replacement.lock_held(replace))
    }

    fn replacement(&self, replace: &dyn Fn() -> T) -> &Self {
        if let Some(replacement) = self.replacement.get() {
            return replacement;
        }
        // Not inside `get_or_init`, because a fork meanwhile would leave the child an initialisation that never ends.
        let made = Box::new(OutputLock::new(replace()));
        self.replacement.get_or_init(|| made)
    }

    fn with_replacements(&self) -> impl Iterator<Item = &Self> {
        iter::successors(Some(self), |lock| lock.replacement.get().map(|next| &**next))
    }

    /// Takes the lock before a fork, unless it is known to be never released.
    fn try_lock_until(&self, deadline: Instant) -> Option<MutexGuard<'_, T>> {
        let guard = self.try_lock();
        if guard.is_some() || self.is_abandoned() {
            return guard;
        }
        self.is_awaited.store(true, Ordering::Relaxed);
        let guard = until(deadline, || self.try_lock());
        self.is_awaited.store(false, Ordering::Relaxed);
        guard
    }

    #[inline(always)]
    fn is_awaited(&self) -> bool {
        self.is_awaited.load(Ordering::Relaxed)
    }

    /// Whether the lock will never be released in this process, unless the thread that forked holds it.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.is_abandoned.load(Ordering::Relaxed)
    }

    /// In a forked child, for a lock that the fork did not hold: calls `change` with the value, or abandons the lock if
    /// another thread held it. Does this for the replacements of the lock, too.
    pub(crate) fn change_or_abandon(&self, change: impl Fn(&mut T)) {
        for lock in self.with_replacements() {
            match lock.try_lock() {
                Some(mut value) => change(&mut value),
                None => lock.is_abandoned.store(true, Ordering::Relaxed),
            }
        }
    }
}

thread_local! {
    /// The locks that this thread holds while it forks.
    static HELD: RefCell<Option<(MutexGuard<'static, Vec<Holder>>, ForkLocks)>> =
        const { RefCell::new(None) };
}

/// Takes the locks of this process.
fn prepare() {
    // Waits for the forks of other threads. Their waits for locks have an end, so this one has, too.
    let holders = lock(&HOLDERS);
    let mut locks = ForkLocks::new();
    holders.iter().for_each(|holder| (holder.hold)(&mut locks));
    let _ = HELD.try_with(|held| held.replace(Some((holders, locks))));
}

/// Releases them, in the parent and in the child.
fn release() {
    let held = HELD.try_with(RefCell::take);
    if let Some((_holders, locks)) = held.ok().flatten() {
        locks.release();
    }
}

#[cfg(unix)]
mod handlers {
    use super::super::random;
    use super::{GENERATION, Ordering, prepare, release};

    extern "C" fn before() {
        prepare();
    }

    extern "C" fn in_parent() {
        release();
    }

    extern "C" fn in_child() {
        GENERATION.fetch_add(1, Ordering::Relaxed);
        random::forget();
        release();
    }

    pub(super) fn install() {
        // If this fails for want of memory, forks are as they would be without it.
        #[expect(unsafe_code, reason = "no safe function registers handlers of forks")]
        // SAFETY: the handlers are functions of this program, take no arguments and do not unwind: they take locks
        // with a deadline, and change values that candor's locks protect.
        let _ = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
    }
}

#[cfg(not(unix))]
mod handlers {
    pub(super) fn install() {}
}

#[cfg(all(test, feature = "http"))]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn bug_the_locks_of_owners_that_were_dropped_stayed_in_memory() {
        for _ in 0..1000 {
            also_hold(Arc::downgrade(&Arc::new(Mutex::new([0_u8; 64]))));
        }
        assert!(lock(&HOLDERS).len() < 100);
    }
}
