//! The one table from how a call ended to its exit code.

use crate::app::Ending;
use std::process::ExitCode;

/// What the shell gets.
pub fn code(ending: Ending) -> ExitCode {
    ExitCode::from(number(ending))
}

fn number(ending: Ending) -> u8 {
    match ending {
        Ending::Fine => 0,
        Ending::Failed => 1,
        Ending::Wrong => 2,
        Ending::Regression => 3,
        Ending::CannotTell => 4,
        // As shells have it for a program that SIGINT ended.
        Ending::Interrupted => 130,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_that_help_names() {
        let endings = [Ending::Fine, Ending::Failed, Ending::Wrong, Ending::Regression, Ending::CannotTell];
        assert_eq!(endings.map(number), [0, 1, 2, 3, 4]);
        let help = <super::super::args::Args as clap::CommandFactory>::command().render_long_help().to_string();
        let words = "0 fine, 1 failed, 2 the call or the study is wrong, 3 regression, 4 cannot tell";
        assert!(help.split_whitespace().collect::<Vec<_>>().join(" ").contains(words), "{help}");
    }
}
