use bytes::Bytes;
use parquet::errors::{ParquetError, Result};

/// Places in a dictionary, in Parquet's mix of runs and of groups of eight packed to so many bits each.
pub(super) struct Packed {
    data: Bytes,
    /// Byte where the next run begins.
    next: usize,
    /// Bits a place takes, 0..=32.
    width: usize,
    run: Run,
}

#[derive(Clone, Copy)]
enum Run {
    /// `left` times the same place.
    Same { place: usize, left: usize },
    /// `left` places from this bit on.
    Each { bit: usize, left: usize },
}

impl Packed {
    /// The values of a data page: one byte says how many bits a place takes, then the runs follow.
    pub(super) fn new(data: Bytes) -> Result<Self> {
        let width = usize::from(*data.first().ok_or_else(|| broken("has an empty page"))?);
        if width > 32 {
            return Err(broken("packs places into more than 32 bits"));
        }
        Ok(Self::of_width(data, 1, width))
    }

    /// Whether each row has a value, a bit a row: what stands before the values of a column that may be null.
    pub(super) fn levels(data: Bytes) -> Self {
        Self::of_width(data, 0, 1)
    }

    fn of_width(data: Bytes, next: usize, width: usize) -> Self {
        Self {
            data,
            next,
            width,
            run: Run::Same { place: 0, left: 0 },
        }
    }

    /// Adds what stands at the next `count` places to `out`; fewer when the page ends.
    pub(super) fn read<T: Copy>(
        &mut self,
        count: usize,
        dictionary: &[T],
        out: &mut Vec<T>,
    ) -> Result<usize> {
        let mut done = 0;
        while done < count {
            match &mut self.run {
                Run::Same { left: 0, .. } | Run::Each { left: 0, .. } => {
                    if !self.begin_run()? {
                        break;
                    }
                }
                Run::Same { place, left } => {
                    let taken = (*left).min(count - done);
                    let value = *dictionary.get(*place).ok_or_else(outside)?;
                    out.resize(out.len() + taken, value);
                    *left -= taken;
                    done += taken;
                }
                Run::Each { bit, left } => {
                    let taken = (*left).min(count - done);
                    let (first, width) = (*bit, self.width);
                    let first_value = *dictionary.first().ok_or_else(outside)?;
                    let mut is_outside = false;
                    out.extend((0..taken).map(|nth| {
                        let place = packed_at(&self.data, first + nth * width, width);
                        dictionary.get(place).copied().unwrap_or_else(|| {
                            is_outside = true;
                            first_value
                        })
                    }));
                    if is_outside {
                        return Err(outside());
                    }
                    *bit += taken * width;
                    *left -= taken;
                    done += taken;
                }
            }
        }
        Ok(done)
    }

    /// Passes over `count` places; fewer when the page ends.
    pub(super) fn skip(&mut self, count: usize) -> Result<usize> {
        let mut done = 0;
        while done < count {
            match &mut self.run {
                Run::Same { left: 0, .. } | Run::Each { left: 0, .. } => {
                    if !self.begin_run()? {
                        break;
                    }
                }
                Run::Same { left, .. } => {
                    let taken = (*left).min(count - done);
                    *left -= taken;
                    done += taken;
                }
                Run::Each { bit, left } => {
                    let taken = (*left).min(count - done);
                    *bit += taken * self.width;
                    *left -= taken;
                    done += taken;
                }
            }
        }
        Ok(done)
    }

    /// Reads a run's header; `false` at the end of the page.
    fn begin_run(&mut self) -> Result<bool> {
        let Some(header) = self.varint()? else {
            return Ok(false);
        };
        if header & 1 == 0 {
            let bytes = self.width.div_ceil(8);
            let written = self.data.get(self.next..self.next + bytes);
            let written = written.ok_or_else(|| broken("ends inside a run"))?;
            let place = written
                .iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            self.next += bytes;
            self.run = Run::Same {
                place,
                left: header >> 1,
            };
        } else {
            let bytes = (header >> 1).saturating_mul(self.width);
            let there = bytes.min(self.data.len() - self.next);
            // Without any bits a place is 0, as often as the page has values.
            let without_bits = (header >> 1).saturating_mul(8);
            let left = (there * 8).checked_div(self.width).unwrap_or(without_bits);
            self.run = Run::Each {
                bit: self.next * 8,
                left,
            };
            self.next += there;
        }
        Ok(true)
    }

    fn varint(&mut self) -> Result<Option<usize>> {
        let mut value = 0_usize;
        for shift in (0..35).step_by(7) {
            let Some(byte) = self.data.get(self.next) else {
                return if shift == 0 {
                    Ok(None)
                } else {
                    Err(broken("ends inside a run"))
                };
            };
            self.next += 1;
            value |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(Some(value));
            }
        }
        Err(broken("has a run of a length that cannot be"))
    }
}

/// The number of `width` bits that begins at a bit of the page, the lowest first.
fn packed_at(data: &[u8], bit: usize, width: usize) -> usize {
    let byte = bit / 8;
    let word = if let Some(eight) = data.get(byte..byte + 8) {
        u64::from_le_bytes(eight.try_into().expect("eight bytes"))
    } else {
        let mut padded = [0; 8];
        let rest = data.get(byte..).unwrap_or_default();
        padded[..rest.len()].copy_from_slice(rest);
        u64::from_le_bytes(padded)
    };
    (word >> (bit % 8) & ((1_u64 << width) - 1)) as usize
}

fn outside() -> ParquetError {
    broken("points outside its dictionary")
}

pub(super) fn broken(what: &str) -> ParquetError {
    ParquetError::General(format!("the column {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &'static [u8], dictionary: &[u32], count: usize) -> Result<Vec<u32>> {
        let mut out = Vec::new();
        Packed::new(Bytes::from_static(bytes))?.read(count, dictionary, &mut out)?;
        Ok(out)
    }

    #[test]
    fn runs_and_packed_groups_are_read_in_turn() {
        // Three bits: a run of four times place 5, then eight packed places 0..=7.
        let page: &[u8] = &[3, 4 << 1, 5, 1 << 1 | 1, 0b1000_1000, 0b1100_0110, 0b1111_1010];
        let dictionary: Vec<u32> = (10..18).collect();
        let expected = [15, 15, 15, 15, 10, 11, 12, 13, 14, 15, 16, 17];
        assert_eq!(all(page, &dictionary, 12).unwrap(), expected);
        assert_eq!(all(page, &dictionary, 99).unwrap(), expected, "the page ends");
        for passed in 0..12 {
            let mut packed = Packed::new(Bytes::from_static(page)).unwrap();
            assert_eq!(packed.skip(passed).unwrap(), passed);
            let mut out = Vec::new();
            packed.read(12 - passed, &dictionary, &mut out).unwrap();
            assert_eq!(out, expected[passed..]);
        }
    }

    #[test]
    fn a_page_that_cannot_be_is_refused() {
        assert!(all(&[], &[1], 1).is_err());
        assert!(all(&[33, 2, 0], &[1], 1).is_err());
        assert!(all(&[8, 2], &[1], 1).is_err(), "a run without its place");
        assert!(
            all(&[8, 2, 1], &[1], 1).is_err(),
            "a place outside the dictionary"
        );
        assert!(all(&[8, 3, 1, 1, 1, 1, 1, 1, 1, 1], &[1], 8).is_err());
        assert!(all(&[8, 0x80], &[1], 1).is_err(), "half a number");
    }

    #[test]
    fn a_dictionary_of_one_takes_no_bits() {
        assert_eq!(all(&[0, 5 << 1], &[7], 5).unwrap(), [7; 5]);
        assert_eq!(all(&[0, 1 << 1 | 1], &[7], 8).unwrap(), [7; 8]);
    }
}
