//! How a machine lets the packets of a private engine through: the kernel's switch, and the rules of its firewall.
//! Who puts them there, and who takes them away, is not known in here.

use std::process::{Command, Stdio};

/// The switch for forwarding between interfaces.
pub(super) const FORWARDING: &str = "/proc/sys/net/ipv4/ip_forward";

/// Rules that a machine whose FORWARD policy is DROP (a Docker host) needs for our link.
pub(super) fn forward_rules(link: &str) -> [Vec<String>; 2] {
    ["-i", "-o"].map(|side| {
        let words = [side, link, "-m", "comment", "--comment", "layerbench", "-j", "ACCEPT"];
        words.iter().map(|word| (*word).to_owned()).collect()
    })
}

/// Whether the machine drops what nobody asked for.
pub(super) fn forward_is_dropped() -> bool {
    Command::new("iptables")
        .args(["-w", "-S", "FORWARD"])
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("-P FORWARD DROP"))
}
