//! A private engine's way out: one link between the machine and the engine's network namespace, and one firewall
//! table of our own that lets it out through the machine's address. Plans are pure; `up` carries one out.

use crate::engine::EngineError;
use crate::engine::machine::claim::Claim;
use std::fs;
use std::io::Write;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

/// Ranges to take four addresses from, in order: the one reserved for benchmarks (RFC 2544) first.
const RANGES: [(Ipv4Addr, u8); 4] = [
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(10, 213, 0, 0), 16),
    (Ipv4Addr::new(172, 31, 0, 0), 16),
    (Ipv4Addr::new(192, 168, 208, 0), 20),
];

/// What can be had without all this.
const OTHERWISE: &str = "a private engine needs this; --engine host uses an engine that runs already";

/// A planned network. `link` is empty on a machine without a default route: the engine then has none either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Network {
    /// Name of the machine's end of the link; at most 15 bytes.
    pub(in crate::engine) link: String,
    /// Name of our firewall table.
    pub(in crate::engine) table: String,
    base: u32,
    /// Of the way out.
    pub(in crate::engine) mtu: u32,
}

/// A route of the machine: destination and prefix length.
type Route = (u32, u8);

impl Network {
    /// Chooses names and addresses that nothing on the machine uses.
    pub(in crate::engine) fn plan(name: &str) -> Result<Self, EngineError> {
        let table = fs::read_to_string("/proc/net/route").unwrap_or_default();
        let Some(uplink) = default_interface(&table) else {
            return Ok(Self { link: String::new(), table: String::new(), base: 0, mtu: 1500 });
        };
        let mtu = fs::read_to_string(format!("/sys/class/net/{uplink}/mtu"))
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(1500);
        let number = name.bytes().fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
        let base = free_subnet(&routes(&table), number).ok_or_else(|| {
            EngineError::new(
                "a network for the private engine",
                "every address range it could use is routed on this machine",
                "free four addresses of 198.18.0.0/15, or use --engine host",
            )
        })?;
        Ok(Self { link: format!("lb{number:08x}"), table: format!("layerbench_{number:08x}"), base, mtu })
    }

    fn address(&self, host: u32) -> Ipv4Addr {
        Ipv4Addr::from(self.base + host)
    }

    /// The line that `init.sh` reads: link, address, gateway, MTU.
    pub(in crate::engine) fn greeting(&self) -> String {
        if self.link.is_empty() {
            return "none none none 1500".to_owned();
        }
        format!("{}i {}/30 {} {}", self.link, self.address(2), self.address(1), self.mtu)
    }

    /// Makes the link into the namespace of a process, and the way out.
    pub(in crate::engine) fn up(&self, process: u32, claim: &mut Claim) -> Result<(), EngineError> {
        if self.link.is_empty() {
            return Ok(());
        }
        let (link, inside) = (self.link.as_str(), format!("{}i", self.link));
        wait_for_namespace(process)?;
        run("ip", &["link", "add", link, "type", "veth", "peer", "name", &inside, "netns", &process.to_string()], "")?;
        run("ip", &["address", "add", &format!("{}/30", self.address(1)), "dev", link], "")?;
        run("ip", &["link", "set", link, "mtu", &self.mtu.to_string(), "up"], "")?;
        run("nft", &["-f", "-"], &self.rules())?;
        if fs::read_to_string(FORWARDING).is_ok_and(|text| text.trim() == "0") {
            claim.note_forwarding()?;
            fs::write(FORWARDING, "1").map_err(|e| {
                EngineError::new(
                    "switching on IP forwarding",
                    e,
                    "switch it on where that is allowed (sysctl net.ipv4.ip_forward=1), or use --engine host",
                )
            })?;
        }
        if forward_is_dropped() {
            claim.note_forward_rules()?;
            for rule in forward_rules(link) {
                let rule: Vec<&str> = rule.iter().map(String::as_str).collect();
                run("iptables", &[&["-I", "FORWARD"], rule.as_slice()].concat(), "")?;
            }
        }
        Ok(())
    }

    fn rules(&self) -> String {
        format!(
            "table ip {} {{\n chain out {{\n type nat hook postrouting priority 100\n ip saddr {}/30 masquerade\n }}\n}}\n",
            self.table,
            self.address(0)
        )
    }
}

/// The switch for forwarding between interfaces.
pub(in crate::engine) const FORWARDING: &str = "/proc/sys/net/ipv4/ip_forward";

/// Rules that a machine whose FORWARD policy is DROP (a Docker host) needs for our link.
pub(in crate::engine) fn forward_rules(link: &str) -> [Vec<String>; 2] {
    ["-i", "-o"].map(|side| {
        let words = [side, link, "-m", "comment", "--comment", "layerbench", "-j", "ACCEPT"];
        words.iter().map(|word| (*word).to_owned()).collect()
    })
}

fn forward_is_dropped() -> bool {
    Command::new("iptables")
        .args(["-w", "-S", "FORWARD"])
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("-P FORWARD DROP"))
}

/// `unshare` needs a moment until its namespace is its own. A process that has ended has none: who started it knows why.
fn wait_for_namespace(process: u32) -> Result<(), EngineError> {
    let own = fs::read_link("/proc/self/ns/net").ok();
    for _ in 0..500 {
        let namespace = fs::read_link(format!("/proc/{process}/ns/net")).ok();
        if namespace.is_none() || namespace != own {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    Err(EngineError::new("starting a private engine", "its network namespace did not appear", OTHERWISE))
}

/// Runs a system program; its own words are the error.
pub(in crate::engine) fn run(program: &str, args: &[&str], input: &str) -> Result<(), EngineError> {
    let what = || format!("{program} {}", args.join(" "));
    let failed = |e: &dyn std::fmt::Display| EngineError::new(what(), e, OTHERWISE);
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| failed(&e))?;
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(input.as_bytes()); // one that does not read it says why
    }
    let output = child.wait_with_output().map_err(|e| failed(&e))?;
    if output.status.success() { Ok(()) } else { Err(failed(&String::from_utf8_lossy(&output.stderr))) }
}

/// Reads `/proc/net/route`: fields are interface, destination, gateway, …, mask, as little-endian hexadecimal.
fn routes(table: &str) -> Vec<Route> {
    let field = |text: Option<&&str>| u32::from_str_radix(text?, 16).ok().map(u32::swap_bytes);
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (destination, mask) = (field(fields.get(1))?, field(fields.get(7))?);
            Some((destination, u8::try_from(mask.count_ones()).ok()?))
        })
        .filter(|(_, prefix)| *prefix > 0)
        .collect()
}

fn default_interface(table: &str) -> Option<&str> {
    table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>()).find_map(|fields| {
        match fields.as_slice() {
            [interface, "00000000", _, _, _, _, _, "00000000", ..] => Some(*interface),
            _ => None,
        }
    })
}

/// The first address of a /30 that no route covers, searched from a place that depends on `seed`.
fn free_subnet(routes: &[Route], seed: u32) -> Option<u32> {
    let mask = |prefix: u8| u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
    let covered = |base: u32, prefix: u8| {
        routes.iter().any(|&(destination, length)| {
            let shorter = mask(length.min(prefix));
            destination & shorter == base & shorter
        })
    };
    RANGES.iter().find_map(|&(start, prefix)| {
        let count = 1u32 << (30 - prefix);
        (0..count.min(256))
            .map(|i| u32::from(start) + (seed.wrapping_add(i) % count) * 4)
            .find(|&base| !covered(base, 30))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
        eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";

    #[test]
    fn the_routing_table_is_read_as_the_kernel_writes_it() {
        assert_eq!(default_interface(TABLE), Some("eth0"));
        assert_eq!(routes(TABLE), [(u32::from(Ipv4Addr::new(192, 0, 2, 0)), 24)]);
    }

    #[test]
    fn a_routed_range_is_left_alone() {
        let of = |a, b, c, d| u32::from(Ipv4Addr::new(a, b, c, d));
        assert_eq!(free_subnet(&[], 0), Some(of(198, 18, 0, 0)));
        assert_eq!(free_subnet(&[(of(198, 18, 0, 0), 30)], 0), Some(of(198, 18, 0, 4)));
        assert_eq!(free_subnet(&[(of(198, 18, 0, 0), 15)], 0), Some(of(10, 213, 0, 0)));
        let all = [(0, 1), (of(128, 0, 0, 0), 1)];
        assert_eq!(free_subnet(&all, 0), None);
    }
}
