//! The commands of the program.

use std::process::Command;

/// Their names, as `--help` lists them.
pub fn commands() -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_layerbench")).arg("--help").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let list = text.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = list.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    let names: Vec<String> = names.filter(|name| *name != "help").map(str::to_owned).collect();
    assert!(names.len() >= 14, "{names:?}");
    names
}
