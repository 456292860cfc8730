//! A chain of assertions that narrows down captured lines.

use std::time::Duration;

use serde_json::Value;

use super::captured::listed;
use super::{Line, tree};

/// Lines that match a chain of assertions.
///
/// A chain begins with [`assert_step`](super::Captured::assert_step),
/// [`assert_dependency`](super::Captured::assert_dependency) or [`assert_line`](super::Captured::assert_line).
///
/// [`field`](Self::field), [`outcome`](Self::outcome), [`level`](Self::level), [`without`](Self::without) and
/// [`under`](Self::under) keep the lines that match, and fail if none does. The other methods check all remaining lines.
///
/// ```should_panic
/// let captured = candor::testing::capture();
/// candor::step("charge", || candor::record("rows", 2));
/// // no line of the step `charge` has `rows` 3; found:
/// //   `rows` is 2 in 10:14:12.123 INFO  shop step_timing step=charge duration_ms=0.004 outcome=ok rows=2
/// captured.assert_step("charge").outcome("ok").field("rows", 3);
/// ```
///
/// The panic message of a failed assertion lists the lines.
#[derive(Debug, Clone)]
pub struct Matched {
    /// Describes the lines in panic messages: `` of the step `charge` ``.
    what: String,
    left: Vec<Line>,
    all: Vec<Line>,
}

#[expect(clippy::return_self_not_must_use, reason = "each step is an assertion by itself")]
impl Matched {
    #[track_caller]
    pub(super) fn new(what: String, all: Vec<Line>, is_it: impl Fn(&Line) -> bool) -> Self {
        let left: Vec<Line> = all.iter().filter(|line| is_it(line)).cloned().collect();
        assert!(!left.is_empty(), "no line {what} was captured; captured lines:\n{}", listed(&all));
        Matched { what, left, all }
    }

    /// Keeps the lines in which the key has this value.
    ///
    /// Numbers are compared by value: 3 equals 3.0.
    ///
    /// # Panics
    ///
    /// Panics if no line is left.
    #[track_caller]
    pub fn field(self, key: &str, value: impl Into<Value>) -> Self {
        let wanted = value.into();
        self.keep(
            &format!("has `{key}` {wanted}"),
            |line, _| line.get(key).is_some_and(|value| is_same(value, &wanted)),
            |line, _| match line.get(key) {
                Some(value) => format!("`{key}` is {value}"),
                None => format!("`{key}` is missing"),
            },
        )
    }

    /// Keeps the lines without the key, or with `null` as its value.
    ///
    /// # Panics
    ///
    /// Panics if no line is left.
    #[track_caller]
    pub fn without(self, key: &str) -> Self {
        self.keep(
            &format!("is without `{key}`"),
            |line, _| line.get(key).is_none_or(Value::is_null),
            |line, _| format!("`{key}` is {}", line.get(key).unwrap_or(&Value::Null)),
        )
    }

    /// Keeps the lines with this outcome: `ok`, `error`, `cancelled` or `panicked`.
    ///
    /// # Panics
    ///
    /// Panics if no line is left.
    #[track_caller]
    pub fn outcome(self, outcome: &str) -> Self {
        self.field("outcome", outcome)
    }

    /// Keeps the lines of this level, such as `INFO` or `warn`.
    ///
    /// # Panics
    ///
    /// Panics if no line is left.
    #[track_caller]
    pub fn level(self, level: &str) -> Self {
        self.field("level", level.to_ascii_uppercase())
    }

    /// Keeps the lines of steps and calls inside this step or call, at any depth.
    ///
    /// # Panics
    ///
    /// Panics if no line is left.
    #[track_caller]
    pub fn under(self, step: &str) -> Self {
        self.keep(
            &format!("is under `{step}`"),
            |line, all| is_under(line, step, all),
            |line, all| {
                let around: Vec<_> =
                    tree::ancestors(line, all).map(|line| format!("`{}`", name(line))).collect();
                match (tree::parent_id(line), around.is_empty()) {
                    (None, _) => "outside a request, where there is no tree,".to_owned(),
                    (Some(0), _) => "under no step".to_owned(),
                    (Some(_), true) => "under a step that has no line yet".to_owned(),
                    (Some(_), false) => format!("under {}", around.join(", under ")),
                }
            },
        )
    }

    /// Asserts that exactly `count` lines are left.
    ///
    /// # Panics
    ///
    /// Panics if more or fewer lines are left.
    #[track_caller]
    pub fn times(self, count: usize) -> Self {
        self.counted(|left| left == count, "not", count)
    }

    /// Asserts that at most `count` lines are left.
    ///
    /// Use it, for example, to detect a query for each row.
    ///
    /// ```
    /// #[candor::dependency_call("db")]
    /// fn load(ids: &[u64]) {}
    ///
    /// let captured = candor::testing::capture();
    /// load(&[1, 2, 3]);
    /// captured.assert_dependency("db").at_most(1);
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if more lines are left.
    #[track_caller]
    pub fn at_most(self, count: usize) -> Self {
        self.counted(|left| left <= count, "more than", count)
    }

    /// Asserts that the lines took at most this share of the time of `of`.
    ///
    /// The share is from 0 to 1, and applies to the sum of the lines.
    ///
    /// `of` is the name of a step or call, or `request_completed`. Each line with that name is compared with the lines
    /// inside it. Time in which several of them overlap counts once.
    ///
    /// A share depends less on the load of the machine than a duration.
    ///
    /// ```
    /// use std::time::Duration;
    /// use candor::testing::{capture, delay};
    ///
    /// #[candor::dependency_call("payments")]
    /// fn charge() {}
    ///
    /// let captured = capture();
    /// let _slow = delay("payments", Duration::from_millis(20));
    /// candor::RequestContext::new().enter_with(|| {
    ///     candor::step("place order", || {
    ///         candor::step("price", || ());
    ///         charge();
    ///     });
    /// });
    /// captured.assert_step("price").share_at_most("place order", 0.5);
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the lines took more, if none of them is inside a line named `of`, or if they are outside a request.
    #[track_caller]
    pub fn share_at_most(self, of: &str, share: f64) -> Self {
        let mut is_in_one = false;
        for whole in self.all.iter().filter(|line| line.is_named(of)) {
            let is_request = tree::id(whole).is_none();
            let is_inside = |line: &&Line| {
                line.is_of_same_request(whole)
                    && (is_request
                        || tree::ancestors(line, &self.all).any(|a| tree::id(a) == tree::id(whole)))
            };
            let inside: Vec<&Line> = self.left.iter().filter(is_inside).collect();
            if inside.is_empty() {
                continue;
            }
            is_in_one = true;
            let taken = time_of_all(&inside) / whole.number("duration_ms").max(f64::MIN_POSITIVE);
            assert!(
                taken <= share,
                "the lines {} took {taken:.2} of `{of}`, more than {share}:\n{}",
                self.what,
                listed(&inside.into_iter().chain([whole]).cloned().collect::<Vec<_>>())
            );
        }
        assert!(
            is_in_one,
            "no line {} is inside a `{of}` of the same request; captured lines:\n{}",
            self.what,
            listed(&self.all)
        );
        self
    }

    /// Asserts that none of the lines took longer than `limit`.
    ///
    /// Durations depend on the load of the machine. Prefer [`times`](Self::times), [`at_most`](Self::at_most) and
    /// [`share_at_most`](Self::share_at_most), or use a generous limit.
    ///
    /// # Panics
    ///
    /// Panics if a line took longer.
    #[track_caller]
    pub fn took_at_most(self, limit: Duration) -> Self {
        self.each_took(limit, "more", |took, limit| took <= limit)
    }

    /// Asserts that none of the lines took less than `limit`.
    ///
    /// # Panics
    ///
    /// Panics if a line took less.
    #[track_caller]
    pub fn took_at_least(self, limit: Duration) -> Self {
        self.each_took(limit, "less", |took, limit| took >= limit)
    }

    /// Returns the remaining lines.
    pub fn lines(self) -> Vec<Line> {
        self.left
    }

    #[track_caller]
    fn counted(self, is_good: impl Fn(usize) -> bool, how: &str, count: usize) -> Self {
        let (left, what) = (self.left.len(), &self.what);
        assert!(is_good(left), "{left} lines {what}, {how} {count}:\n{}", listed(&self.left));
        self
    }

    #[track_caller]
    fn each_took(self, limit: Duration, how: &str, is_good: impl Fn(f64, f64) -> bool) -> Self {
        for line in &self.left {
            let took = line.number("duration_ms");
            assert!(
                is_good(took, limit.as_secs_f64() * 1000.0),
                "a line {} took {took} ms, {how} than {limit:?}:\n  {}",
                self.what,
                line.readable()
            );
        }
        self
    }

    #[track_caller]
    fn keep(
        mut self,
        wanted: &str,
        fits: impl Fn(&Line, &[Line]) -> bool,
        instead: impl Fn(&Line, &[Line]) -> String,
    ) -> Self {
        let (fit, rest): (Vec<_>, Vec<_>) =
            self.left.into_iter().partition(|line| fits(line, &self.all));
        if fit.is_empty() {
            let found: Vec<_> = rest
                .iter()
                .map(|line| format!("  {} in {}", instead(line, &self.all), line.readable()))
                .collect();
            panic!("no line {} {wanted}; found:\n{}", self.what, found.join("\n"));
        }
        self.left = fit;
        // Later messages describe the remaining lines.
        let joint = if self.what.contains(" that ") { "and" } else { "that" };
        self.what = format!("{} {joint} {wanted}", self.what);
        self
    }
}

/// Compares numbers by value: 3 equals 3.0.
fn is_same(one: &Value, other: &Value) -> bool {
    one == other || one.as_f64().zip(other.as_f64()).is_some_and(|(a, b)| a.total_cmp(&b).is_eq())
}

fn is_under(line: &Line, step: &str, all: &[Line]) -> bool {
    tree::ancestors(line, all).any(|around| around.is_named(step))
}

fn name(line: &Line) -> &str {
    let text = |key: &str| line.get(key).and_then(Value::as_str);
    text("step").or_else(|| text("dependency")).unwrap_or_default()
}

/// Milliseconds during which at least one of the steps was running.
fn time_of_all(lines: &[&Line]) -> f64 {
    let interval = |line: &&Line| {
        let from = line.number("offset_ms");
        (from, from + line.number("duration_ms"))
    };
    let mut intervals: Vec<(f64, f64)> = lines.iter().map(interval).collect();
    intervals.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut sum = 0.0;
    let mut end = f64::MIN;
    for (from, to) in intervals {
        sum += (to - from.max(end)).max(0.0);
        end = end.max(to);
    }
    sum
}
