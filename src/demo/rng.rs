use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::model::{EventId, Timestamp};

/// What a random stream is for: equal seeds with another topic are independent.
#[derive(Clone, Copy)]
pub enum Topic {
    Areas = 1,
    Venues,
    People,
    Plan,
    Venue,
    Household,
    Course,
    Tracing,
    Declarations,
    Contacts,
    Assessments,
    Imports,
    Ids,
}

/// A random stream of its own for each (seed, topic, a, b): work may be split over threads or skipped
/// without moving anybody else's dice.
pub fn dice(seed: u64, topic: Topic, a: u64, b: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(mix(mix(mix(seed, topic as u64), a), b))
}

/// Two words into one (the finaliser of `SplitMix64`).
pub const fn mix(a: u64, b: u64) -> u64 {
    let mut z = a
        .wrapping_add(b.wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A UUIDv7-shaped id: milliseconds of `at`, then bits that follow from the seed and `what`.
pub fn event_id(seed: u64, at: Timestamp, what: u64) -> EventId {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let random = mix(mix(seed, Topic::Ids as u64), what);
    let ms = (at.0.max(0) as u64) * 1000;
    let high = (ms << 16) | 0x7000 | (random >> 52);
    let low = (2 << 62) | (mix(random, what) >> 2);
    let word = (u128::from(high) << 64) | u128::from(low);
    let mut text = [b'-'; 36];
    let mut at = 0;
    for nibble in 0..32 {
        if matches!(nibble, 8 | 12 | 16 | 20) {
            at += 1;
        }
        text[at] = HEX[(word >> (124 - 4 * nibble)) as usize & 15];
        at += 1;
    }
    let text = std::str::from_utf8(&text).expect("hexadecimal digits and hyphens");
    EventId::new(text).expect("36 printable bytes")
}

/// A standard normal number (Box–Muller).
pub fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let u: f64 = 1.0 - rng.random::<f64>();
    let v: f64 = rng.random();
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// A Poisson number; `mean` small (Knuth).
pub fn poisson(rng: &mut ChaCha8Rng, mean: f64) -> u32 {
    let limit = (-mean).exp();
    let (mut product, mut count) = (rng.random::<f64>(), 0);
    while product > limit && count < 1000 {
        product *= rng.random::<f64>();
        count += 1;
    }
    count
}

/// Running sums from which items are drawn by weight.
#[derive(Clone, Debug, Default)]
pub struct Weighted {
    sums: Vec<f64>,
}

impl Weighted {
    /// One entry per weight; negative weights count as zero.
    pub fn new(weights: impl IntoIterator<Item = f64>) -> Self {
        let mut total = 0.0;
        let sums = weights
            .into_iter()
            .map(|weight| {
                total += weight.max(0.0);
                total
            })
            .collect();
        Self { sums }
    }

    /// The index of an entry, `None` when all weights are zero.
    pub fn draw(&self, rng: &mut ChaCha8Rng) -> Option<usize> {
        let total = self.sums.last().copied().unwrap_or(0.0);
        if total <= 0.0 {
            return None;
        }
        let at = rng.random::<f64>() * total;
        Some(
            self.sums
                .partition_point(|sum| *sum <= at)
                .min(self.sums.len() - 1),
        )
    }
}
