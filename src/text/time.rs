//! Moments as they are written down: RFC 3339 in UTC everywhere, and without its signs in the names of folders.

use std::time::SystemTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// UTC time as RFC 3339 with milliseconds, e.g. `2026-11-23T07:00:17.350Z`.
#[must_use]
pub fn rfc3339(moment: SystemTime) -> String {
    let moment = OffsetDateTime::from(moment);
    let moment = moment.replace_millisecond(moment.millisecond()).unwrap_or(moment);
    moment.format(&Rfc3339).unwrap_or_default()
}

/// A moment that is written as RFC 3339, with whatever offset; `None` for anything else.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// UTC time to the second as part of a name, e.g. `20261123T070017Z`.
///
/// # Errors
/// When the moment lies outside of what such a name can say.
pub fn stamp(moment: OffsetDateTime) -> Result<String, time::error::Format> {
    let shape = format_description!("[year][month][day]T[hour][minute][second]Z");
    moment.to_offset(UtcOffset::UTC).format(&shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};
    use time::macros::datetime;

    #[test]
    fn moments_are_written_and_read() {
        let text = rfc3339(UNIX_EPOCH + Duration::from_micros(1_795_417_217_350_999));
        assert_eq!(text, "2026-11-23T07:00:17.35Z");
        assert_eq!(parse_rfc3339(&text), Some(datetime!(2026-11-23 07:00:17.35 UTC)));
        assert_eq!(parse_rfc3339("2026-01-31T13:00:05+01:00"), Some(datetime!(2026-01-31 12:00:05 UTC)));
        assert_eq!(parse_rfc3339("yesterday"), None);
        assert_eq!(stamp(datetime!(2026-01-31 13:00:05 +1)).unwrap(), "20260131T120005Z");
    }
}
