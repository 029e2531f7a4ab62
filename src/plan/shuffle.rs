//! The order of a block. The stream cipher, the way of seeding it and the shuffle are all fixed here,
//! so that a seed means the same order in every version.
//! Nothing in here knows what is ordered.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The numbers from 0 to `count`, shuffled by the seed and the block.
/// A block's order does not depend on how many blocks there are.
pub(super) fn order(seed: u64, block: u32, count: usize) -> Vec<usize> {
    shuffled(seed, block, 0, count)
}

/// As [`order`], for the engines of a round: the same numbers give an order that has nothing to do with the block's.
pub(super) fn order_of_round(seed: u64, round: u32, count: usize) -> Vec<usize> {
    shuffled(seed, round, 1, count)
}

fn shuffled(seed: u64, place: u32, purpose: u8, count: usize) -> Vec<usize> {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..12].copy_from_slice(&place.to_le_bytes());
    key[12] = purpose;
    let mut random = ChaCha8Rng::from_seed(key);
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, below(last as u64 + 1, &mut random));
    }
    order
}

/// A number below `bound`, each as likely as any other.
#[allow(clippy::cast_possible_truncation)] // the bound came from a usize
fn below(bound: u64, random: &mut ChaCha8Rng) -> usize {
    // Numbers above the largest multiple of the bound would make small results more likely.
    let uneven = (u64::MAX % bound + 1) % bound;
    loop {
        let number = random.next_u64();
        if number <= u64::MAX - uneven {
            return (number % bound) as usize;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_means_the_same_order() {
        // Worked out by a second implementation of the cipher; published results depend on it.
        assert_eq!(order(1, 1, 6), [0, 4, 2, 1, 5, 3]);
        assert_eq!(order(1, 2, 6), [4, 1, 3, 0, 5, 2]);
        assert_eq!(order(2, 1, 6), [2, 4, 0, 5, 1, 3]);
        assert_eq!(order(u64::MAX, u32::MAX, 3), [0, 1, 2]);
        assert!(order(1, 1, 0).is_empty());
    }

    #[test]
    fn every_order_is_about_as_likely() {
        let mut seen = std::collections::HashMap::new();
        for seed in 0..6000 {
            *seen.entry(order(seed, 1, 3)).or_insert(0) += 1;
        }
        assert_eq!(seen.len(), 6);
        // Standard deviation of each count is 29.
        assert!(seen.values().all(|n| (880..1120).contains(n)), "{seen:?}");
    }
}
