//! Registries that answer "too many requests": recognised in what an engine says, and waited out with patience that
//! ends. Such an answer says nothing about a build, so it never becomes a sample.

use crate::engine::interrupt::Interrupt;
use crate::model::{Outcome, Status, Step, StepKind};
use std::time::{Duration, Instant};

/// The first pause when a registry does not say how long; each further one is twice as long, up to a limit.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// The shortest pause, whatever a registry says.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
/// All pauses for one thing together.
const PATIENCE: Duration = Duration::from_secs(1800);
/// How often it is looked whether the user wants to stop.
const POLL: Duration = Duration::from_millis(50);

/// A registry's "too many requests".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What the engine passed on.
    pub said: String,
    /// After how long the registry wants to be asked again, where it says so.
    pub after: Option<Duration>,
}

impl Refusal {
    /// Finds one in an engine's words. Source of the words: the error code `TOOMANYREQUESTS` of the OCI distribution
    /// specification, and the reason phrase of HTTP 429 (RFC 6585).
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        let lower = text.to_lowercase();
        let known = ["toomanyrequests", "too many requests", "pull rate limit"];
        known
            .iter()
            .any(|words| lower.contains(words))
            .then(|| Self { said: text.trim().to_owned(), after: after(&lower) })
    }

    /// Finds one in a build that failed. What a RUN step was refused by whomever it asked is the step's own failure.
    #[must_use]
    pub fn of(outcome: &Outcome) -> Option<Self> {
        let Err((Status::Failed, why)) = &outcome.result else { return None };
        let mut broken = outcome.steps.iter().filter(|step| step.error.is_some()).peekable();
        let refused = |step: &Step| step.error.as_deref().is_some_and(|error| Self::find(error).is_some());
        if broken.peek().is_some() && !broken.any(|step| step.kind != StepKind::Work && refused(step)) {
            return None;
        }
        Self::find(why)
    }
}

/// `retry-after: 830.4ms` or `Retry-After: 120`, as registries write it into their message. Engines do not pass the header
/// on, and of a refused build not even the message.
fn after(text: &str) -> Option<Duration> {
    let rest = text.split_once("retry-after")?.1.trim_start_matches([':', '=', ' ', '"']);
    let number: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let unit: String = rest.chars().skip(number.len()).take_while(|c| c.is_alphabetic()).collect();
    let unit = match unit.as_str() {
        "ns" => 1e-9,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1e-6,
        "ms" => 1e-3,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => 1.0,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * unit).ok()
}

/// How long a registry is still waited for.
#[derive(Debug, Default)]
pub struct Patience {
    pauses: u32,
    waited: Duration,
}

impl Patience {
    /// The next pause; `None` when it would be too long.
    pub fn next(&mut self, refusal: &Refusal) -> Option<Duration> {
        let doubled = FIRST_PAUSE.saturating_mul(1 << self.pauses.min(16)).min(LONGEST_PAUSE);
        let pause = refusal.after.map_or(doubled, |after| after.max(SHORTEST_PAUSE));
        self.pauses += 1;
        self.waited = self.waited.saturating_add(pause);
        (self.waited <= PATIENCE).then_some(pause)
    }
}

/// Waits; `false` when the user wants to stop meanwhile.
#[must_use]
pub fn wait(pause: Duration, interrupt: &Interrupt) -> bool {
    let since = Instant::now();
    while !interrupt.is_raised() {
        let left = pause.saturating_sub(since.elapsed());
        if left.is_zero() {
            return true;
        }
        std::thread::sleep(left.min(POLL));
    }
    false
}

/// The line that says that a registry is waited for.
#[must_use]
pub fn waiting(refusal: &Refusal, pause: Duration) -> String {
    let by = if refusal.after.is_some() { ", as it asks" } else { "" };
    let said = refusal.said.lines().next().unwrap_or_default();
    format!("a registry says too many requests; trying again in {:.1} s{by} ({said})", pause.as_secs_f64())
}

/// The reason to give up.
#[must_use]
pub fn given_up(refusal: &Refusal) -> String {
    format!(
        "a registry still says too many requests: {}\n  log in with `docker login`, use --registry-cache, name a mirror with --base, or try later",
        refusal.said
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::wire::outcomes::not_built;
    use crate::model::Bytes;

    #[test]
    fn registries_words_are_recognised() {
        for (text, after) in [
            ("unexpected status code [manifests 1]: 429 Too Many Requests - Server message: toomanyrequests: x", None),
            ("toomanyrequests: You have reached your pull rate limit. You may increase the limit by upgrading", None),
            ("toomanyrequests: retry-after: 830.5ms, allowed: 44000/minute", Some(Duration::from_micros(830_500))),
            ("429 Too Many Requests: Retry-After: 120", Some(Duration::from_secs(120))),
            ("TOOMANYREQUESTS: retry-after: 118.979\u{b5}s, allowed: 1/minute", Some(Duration::from_nanos(118_979))),
        ] {
            assert_eq!(Refusal::find(text).unwrap().after, after, "{text}");
        }
        assert_eq!(Refusal::find("manifest unknown"), None);
    }

    #[test]
    fn what_a_run_step_was_told_is_its_own_failure() {
        let mut failed = not_built(&"[3/3] RUN curl # too many requests: exit code: 22");
        failed.steps.push(Step {
            name: "[3/3] RUN curl # too many requests".to_owned(),
            digest: "sha256:3".to_owned(),
            inputs: Vec::new(),
            kind: StepKind::Work,
            intervals: Vec::new(),
            cached: false,
            bytes: Bytes(0),
            error: Some("process did not complete successfully: exit code: 22".to_owned()),
        });
        assert_eq!(Refusal::of(&failed), None);
        failed.steps[0].error = None;
        failed.result = Err((Status::Failed, "load metadata for x: 429 Too Many Requests".to_owned()));
        assert!(Refusal::of(&failed).is_some());
        failed.result = Ok(());
        assert_eq!(Refusal::of(&failed), None);
    }

    #[test]
    fn patience_doubles_listens_and_ends() {
        let silent = Refusal { said: String::new(), after: None };
        let mut patience = Patience::default();
        let pauses: Vec<u64> = std::iter::from_fn(|| patience.next(&silent)).map(|pause| pause.as_secs()).collect();
        assert_eq!(pauses[..6], [5, 10, 20, 40, 80, 160]);
        assert!(pauses.iter().sum::<u64>() <= PATIENCE.as_secs());
        let asks = |seconds| Refusal { said: String::new(), after: Some(Duration::from_secs(seconds)) };
        assert_eq!(Patience::default().next(&asks(7)), Some(Duration::from_secs(7)));
        assert_eq!(Patience::default().next(&asks(6 * 3600)), None, "longer than anybody waits");
    }

    #[test]
    fn waiting_ends_at_once_when_the_user_wants_to_stop() {
        let interrupt = Interrupt::default();
        assert!(wait(Duration::from_millis(1), &interrupt));
        interrupt.raise();
        assert!(!wait(Duration::from_secs(60), &interrupt));
    }
}
