//! Seconds and bytes, so that one can never be taken for the other.

use std::fmt;
use std::time::Duration;

/// A duration in seconds: finite and not negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Seconds(f64);

impl Seconds {
    /// Zero seconds.
    pub const ZERO: Self = Self(0.0);

    /// Takes a number of seconds; `None` for NaN, infinities and negative numbers.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        // Adding zero turns -0.0, which an empty sum gives, into 0.0.
        (value.is_finite() && value >= 0.0).then_some(Self(value + 0.0))
    }

    /// The number of seconds.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl From<Duration> for Seconds {
    fn from(value: Duration) -> Self {
        Self(value.as_secs_f64())
    }
}

/// The units in which sizes are shown, each a thousand of the one before.
const SHOWN: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];

/// A size taken apart: its digits with their point, and its unit.
fn number_and_unit(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim())
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

impl Bytes {
    /// Whether two sizes are the same but for what packing the same files twice can differ by: half a kibibyte, or a
    /// ten-thousandth of the larger one. The times in the archives of layers pack differently each time.
    #[must_use]
    pub fn nearly(self, other: Self) -> bool {
        self.0.abs_diff(other.0) <= (self.0.max(other.0) / 10_000).max(512)
    }

    /// Reads a size as the docker client prints it, and as it is shown here: always with its unit, a decimal one, such as
    /// `161MB`. `None` for anything else.
    #[must_use]
    pub fn parse_shown(text: &str) -> Option<Self> {
        let (_, unit) = number_and_unit(text);
        (SHOWN.contains(&unit) || unit == "KB").then(|| Self::parse(text)).flatten()
    }

    /// Reads a size with an optional unit: `200MB`, `1.5 GB`, `190MiB`, `4096`. `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        const UNITS: [(&str, f64); 13] = [
            ("", 1.0),
            ("b", 1.0),
            ("k", 1e3),
            ("kb", 1e3),
            ("mb", 1e6),
            ("gb", 1e9),
            ("tb", 1e12),
            ("pb", 1e15),
            ("m", 1e6),
            ("g", 1e9),
            ("kib", 1024.0),
            ("mib", 1_048_576.0),
            ("gib", 1_073_741_824.0),
        ];
        let (number, unit) = number_and_unit(text);
        let unit = unit.to_lowercase();
        let factor = UNITS.iter().find(|(name, _)| *name == unit)?.1;
        let bytes = number.parse::<f64>().ok()? * factor;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked to fit
        (bytes.is_finite() && (0.0..9e18).contains(&bytes)).then(|| Self(bytes.round() as u64))
    }
}

impl fmt::Display for Bytes {
    /// Decimal units with three significant digits, as the docker client prints image sizes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[allow(clippy::cast_precision_loss)] // three digits are shown
        let mut value = self.0 as f64;
        let mut unit = 0;
        while value >= 999.5 && unit + 1 < SHOWN.len() {
            value /= 1000.0;
            unit += 1;
        }
        let digits = match value {
            _ if unit == 0 => 0,
            v if v >= 99.95 => 0,
            v if v >= 9.995 => 1,
            _ => 2,
        };
        let text = format!("{value:.digits$}");
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        f.pad(&format!("{text}{}", SHOWN[unit]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_finite_and_not_negative() {
        assert_eq!(Seconds::new(1.5).unwrap().get(), 1.5);
        for bad in [f64::NAN, f64::INFINITY, -0.1] {
            assert!(Seconds::new(bad).is_none());
        }
    }

    #[test]
    fn sizes_of_packed_layers_may_differ_by_a_little() {
        for (a, b, nearly) in [
            (1_000, 1_512, true),
            (1_000, 1_513, false),
            (150_015_000, 150_000_000, true),
            (150_000_000, 150_016_000, false),
            (0, u64::MAX, false),
        ] {
            assert_eq!(Bytes(a).nearly(Bytes(b)), nearly, "{a} {b}");
        }
    }

    #[test]
    fn sizes_are_read_as_docker_prints_them_and_as_people_write_them() {
        assert_eq!(Bytes::parse_shown("1.15GB"), Some(Bytes(1_150_000_000)));
        assert_eq!(Bytes::parse_shown("161MB"), Some(Bytes(161_000_000)));
        for bad in ["", "MB", "1", "-1MB", "1e3MB", "12XB", "190MiB", "1g", "1..2MB"] {
            assert_eq!(Bytes::parse_shown(bad), None, "{bad:?}");
        }
        for (text, bytes) in
            [("4096", 4096), (" 1.5 GB ", 1_500_000_000), ("190MiB", 199_229_440), ("1g", 1_000_000_000)]
        {
            assert_eq!(Bytes::parse(text), Some(Bytes(bytes)), "{text:?}");
        }
        for bad in ["", "MB", "-1MB", "1e3MB", "12XB", "9e99", "99999999PB"] {
            assert_eq!(Bytes::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn sizes_read_as_docker_prints_them() {
        // The right-hand sides are what `docker images` printed for these sizes.
        for (bytes, text) in [
            (0, "0B"),
            (999, "999B"),
            (1_000, "1kB"),
            (161_000_000, "161MB"),
            (288_900_000, "289MB"),
            (1_150_000_000, "1.15GB"),
            (1_487_906_703, "1.49GB"),
            (999_700_000, "1GB"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
    }
}
