//! A private engine's way out: one link between the machine and the engine's network namespace, and one firewall
//! table of our own that lets it out through the machine's address. Plans are pure; `up` carries one out.

use super::claimed::Claim;
use super::forwarding::{FORWARDING, forward_is_dropped, forward_rules};
use super::system::{OTHERWISE, run};
use crate::engine::engine_error::EngineError;
use std::fs;
use std::net::Ipv4Addr;

/// Ranges to take four addresses from, in order: the one reserved for benchmarks (RFC 2544) first.
const RANGES: [(Ipv4Addr, u8); 4] = [
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(10, 213, 0, 0), 16),
    (Ipv4Addr::new(172, 31, 0, 0), 16),
    (Ipv4Addr::new(192, 168, 208, 0), 20),
];

/// A planned network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// `None` on a machine without a default route: the engine then has none either.
    pub link: Option<Link>,
    /// The largest packet of the way out, in bytes.
    pub mtu: u32,
}

/// The link between the machine and the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Name of the machine's end; at most 15 bytes.
    pub name: String,
    /// Name of our firewall table.
    pub table: String,
    /// The first of its four addresses.
    base: u32,
}

/// A route of the machine: destination and prefix length.
type Route = (u32, u8);

impl Network {
    /// Chooses names and addresses that nothing on the machine uses.
    pub fn plan(name: &str) -> Result<Self, EngineError> {
        let table = fs::read_to_string("/proc/net/route").unwrap_or_default();
        let Some(uplink) = default_interface(&table) else {
            return Ok(Self { link: None, mtu: 1500 });
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
        let link = Link { name: format!("lb{number:08x}"), table: format!("layerbench_{number:08x}"), base };
        Ok(Self { link: Some(link), mtu })
    }

    /// The line that `init.sh` reads: link, address, gateway, MTU.
    pub fn greeting(&self) -> String {
        match &self.link {
            None => format!("none none none {}", self.mtu),
            Some(link) => format!("{} {}/30 {} {}", link.inside(), link.address(2), link.address(1), self.mtu),
        }
    }

    /// Makes the link into the namespace of a process, and the way out.
    pub fn up(&self, process: u32, claim: &mut Claim) -> Result<(), EngineError> {
        let Some(link) = &self.link else { return Ok(()) };
        let (name, inside) = (link.name.as_str(), link.inside());
        wait_for_namespace(process)?;
        run("ip", &["link", "add", name, "type", "veth", "peer", "name", &inside, "netns", &process.to_string()], "")?;
        run("ip", &["address", "add", &format!("{}/30", link.address(1)), "dev", name], "")?;
        run("ip", &["link", "set", name, "mtu", &self.mtu.to_string(), "up"], "")?;
        run("nft", &["-f", "-"], &link.rules())?;
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
            for rule in forward_rules(name) {
                let rule: Vec<&str> = rule.iter().map(String::as_str).collect();
                run("iptables", &[&["-I", "FORWARD"], rule.as_slice()].concat(), "")?;
            }
        }
        Ok(())
    }
}

impl Link {
    /// Name of the engine's end.
    fn inside(&self) -> String {
        format!("{}i", self.name)
    }

    fn address(&self, host: u32) -> Ipv4Addr {
        Ipv4Addr::from(self.base + host)
    }

    fn rules(&self) -> String {
        format!(
            "table ip {} {{\n chain out {{\n type nat hook postrouting priority 100\n ip saddr {}/30 masquerade\n }}\n}}\n",
            self.table,
            self.address(0)
        )
    }
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
