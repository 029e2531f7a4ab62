//! Whether two runs may be compared: what was measured, and on what, has to be the same.
//!
//! Facts come as names and values; where they come from is the caller's business.

/// Something about a run that has to be the same in a run that it is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is, in words for people, e.g. `engine version`.
    pub name: String,
    /// Its value; empty when unknown.
    pub value: String,
    /// Runs of former versions did not record it: unknown on one side, it is no difference.
    pub newer: bool,
}

/// A fact in which two runs differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What it is.
    pub name: String,
    /// Its value in the base run.
    pub base: String,
    /// Its value in the new run.
    pub new: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |value: &str| if value.is_empty() { "unknown".to_owned() } else { value.to_owned() };
        write!(f, "{}: {} in the base, {} in the new run", self.name, shown(&self.base), shown(&self.new))
    }
}

/// The facts in which two runs differ, in the order of the new run's. A fact that only one of them
/// has counts as different, but for newer ones.
#[must_use]
pub fn differences(base: &[Fact], new: &[Fact]) -> Vec<Difference> {
    let value = |facts: &[Fact], name: &str| {
        let found = facts.iter().find(|fact| fact.name == name);
        found.map_or(String::new(), |fact| fact.value.clone())
    };
    let only_base = base.iter().filter(|fact| !new.iter().any(|other| other.name == fact.name));
    let all = new.iter().chain(only_base).map(|fact| {
        let name = fact.name.clone();
        (fact.newer, Difference { base: value(base, &name), new: value(new, &name), name })
    });
    let unlike = all.filter(|(newer, d)| d.base != d.new && !(*newer && (d.base.is_empty() || d.new.is_empty())));
    unlike.map(|(_, difference)| difference).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(values: [(&'static str, &str); 2]) -> Vec<Fact> {
        values.map(|(name, value)| Fact { name: name.to_owned(), value: value.to_owned(), newer: false }).to_vec()
    }

    #[test]
    fn each_difference_is_named_with_both_values() {
        let base = facts([("kernel", "6.1"), ("cpus", "2")]);
        let new = facts([("kernel", "6.2"), ("client", "")]);
        let got: Vec<String> = differences(&base, &new).iter().map(ToString::to_string).collect();
        assert_eq!(got, ["kernel: 6.1 in the base, 6.2 in the new run", "cpus: 2 in the base, unknown in the new run"]);
        assert!(differences(&base, &base).is_empty());
    }
}
