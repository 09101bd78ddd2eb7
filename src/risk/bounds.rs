//! What sums tell of their parts: whole numbers between bounds, tightened until nothing more follows.

/// Numbers not known exactly, tied together by sums.
#[derive(Clone, Debug, Default)]
pub(super) struct Bounds {
    low: Vec<u64>,
    high: Vec<u64>,
    /// A number and what it is the sum of.
    sums: Vec<(usize, Vec<usize>)>,
    /// The sums that speak of each number.
    spoken: Vec<Vec<usize>>,
}

/// More than any count: sums of many such bounds must not overflow.
pub(super) const UNBOUNDED: u64 = 1 << 40;
/// How often a sum may speak: bounds that close in by ones are given up, which leaves them wider than they could be.
const PATIENCE: usize = 64;

impl Bounds {
    /// A number between two bounds.
    pub(super) fn number(&mut self, low: u64, high: u64) -> usize {
        self.low.push(low);
        self.high.push(high);
        self.spoken.push(Vec::new());
        self.low.len() - 1
    }

    /// Says what a number is the sum of.
    pub(super) fn sum(&mut self, whole: usize, parts: Vec<usize>) {
        let at = self.sums.len();
        for &number in parts.iter().chain([&whole]) {
            self.spoken[number].push(at);
        }
        self.sums.push((whole, parts));
    }

    /// Narrows a number's bounds; a number that would have no value is left alone.
    pub(super) fn cap(&mut self, number: usize, low: u64, high: u64) {
        self.narrow(number, low, high);
    }

    /// The bounds of a number.
    pub(super) fn of(&self, number: usize) -> (u64, u64) {
        (self.low[number], self.high[number])
    }

    /// Tightens all bounds as far as each sum alone can. What would leave a number without a value is passed over: counts
    /// that do not fit together tell nothing of each other.
    pub(super) fn tighten(&mut self) {
        let mut waiting: Vec<usize> = (0..self.sums.len()).collect();
        let mut is_waiting = vec![true; self.sums.len()];
        let mut heard = vec![0_usize; self.sums.len()];
        while let Some(at) = waiting.pop() {
            is_waiting[at] = false;
            heard[at] += 1;
            if heard[at] > PATIENCE {
                continue;
            }
            for number in self.hear(at) {
                for &other in &self.spoken[number] {
                    if !is_waiting[other] {
                        is_waiting[other] = true;
                        waiting.push(other);
                    }
                }
            }
        }
    }

    /// What one sum says; the numbers whose bounds it tightened.
    fn hear(&mut self, at: usize) -> Vec<usize> {
        let (whole, parts) = self.sums[at].clone();
        let low: u64 = parts.iter().map(|&part| self.low[part]).sum();
        let high: u64 = parts
            .iter()
            .map(|&part| self.high[part])
            .sum::<u64>()
            .min(UNBOUNDED);
        let mut changed = Vec::new();
        if self.narrow(whole, low, high) {
            changed.push(whole);
        }
        let (least, most) = self.of(whole);
        for part in parts {
            let others_low = low - self.low[part];
            // Where another part is unbounded nothing is left over for sure.
            let others_high = if high >= UNBOUNDED {
                UNBOUNDED
            } else {
                high - self.high[part]
            };
            let from = least.saturating_sub(others_high);
            let to = most.saturating_sub(others_low);
            if self.narrow(part, from, to) {
                changed.push(part);
            }
        }
        changed
    }

    fn narrow(&mut self, number: usize, from: u64, to: u64) -> bool {
        let (low, high) = (self.low[number].max(from), self.high[number].min(to));
        let news = low <= high && (low, high) != self.of(number);
        if news {
            (self.low[number], self.high[number]) = (low, high);
        }
        news
    }
}
