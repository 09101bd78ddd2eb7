use crate::geo::Cell;
use crate::index::bytes::{self, Body, put_count, put_text};
use crate::model::{AreaCode, Hour, Timestamp, Window};

const NAME: [u8; 8] = *b"VXRELS01";
const LIMIT_BYTES: u64 = 1 << 32;
/// The number of [`ReleaseBody::NoisyActivity`]; the others have those of their measures.
const NOISY_ACTIVITY: u8 = 4;

/// What a release publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Measure {
    /// Visits and people per cell and local day.
    Activity,
    /// Cases per cell and ISO week.
    Cases,
    /// Cases per area and ISO week.
    AreaCases,
    /// The level that the cells' rule gives to areas, per ISO week: for cells that show none of their own.
    AreaLevels,
}

impl Measure {
    /// Every measure.
    pub const ALL: [Self; 4] = [Self::Activity, Self::Cases, Self::AreaCases, Self::AreaLevels];

    /// The name used in data.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Activity => "activity",
            Self::Cases => "cases",
            Self::AreaCases => "area_cases",
            Self::AreaLevels => "area_levels",
        }
    }

    /// The measure with that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|measure| measure.as_str() == text)
    }
}

/// A public, privacy-checked publication of one closed bucket. Made once and never edited:
/// a correction is another release with a higher `seq`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The bucket: a local day or an ISO week.
    pub bucket: Window,
    /// 1 for the first, one more for each correction.
    pub seq: u32,
    /// When it was made.
    pub made_at: Timestamp,
    /// The figures. What is not listed is zero, unless a cell above it is hidden.
    pub body: ReleaseBody,
}

/// The figures of a release, one entry a cell or area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReleaseBody {
    /// Of [`Measure::Activity`].
    Activity(Vec<(Cell, ReleasedActivity)>),
    /// Of [`Measure::Activity`], with noise.
    NoisyActivity(Noise, Vec<(Cell, ReleasedActivity)>),
    /// Of [`Measure::Cases`].
    Cases(Vec<(Cell, ReleasedCases)>),
    /// Of [`Measure::AreaCases`].
    AreaCases(Vec<(AreaCode, ReleasedCases)>),
    /// Of [`Measure::AreaLevels`]: 1 green ..= 4 red, of the areas whose count of that week is shown.
    AreaLevels(Vec<(AreaCode, u8)>),
}

/// How much noise figures carry: discrete Laplace noise for the differential privacy of single check-ins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noise {
    /// The privacy budget of one check-in and day: a fraction.
    pub epsilon: (u32, u32),
    /// The most people of one check-in that the budget covers.
    pub most_visits: u32,
}

/// One cell's released activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReleasedActivity {
    /// Rounded.
    Shown {
        /// Arrivals.
        visits: u32,
        /// Distinct people of the day.
        people: u32,
    },
    /// Too few people.
    Hidden,
}

/// One cell's or area's released cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReleasedCases {
    /// The count, and the level computed from it.
    Shown {
        /// Confirmed community cases reported in the bucket.
        cases: u32,
        /// 0 not assessed, 1 green ..= 4 red.
        level: u8,
    },
    /// Too few cases, or hidden to protect a neighbour.
    Hidden,
}

/// Bytes that are not a whole, unchanged release of this version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the release {reason}; expected an unchanged release of version 01")]
pub struct InvalidRelease {
    /// What is wrong.
    pub reason: String,
}

impl Release {
    /// What it publishes.
    #[must_use]
    pub fn measure(&self) -> Measure {
        match self.body {
            ReleaseBody::Activity(_) | ReleaseBody::NoisyActivity(..) => Measure::Activity,
            ReleaseBody::Cases(_) => Measure::Cases,
            ReleaseBody::AreaCases(_) => Measure::AreaCases,
            ReleaseBody::AreaLevels(_) => Measure::AreaLevels,
        }
    }

    /// The whole release as bytes: versioned, sorted, checksummed. Equal releases give equal bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        bytes::seal(NAME, &self.unsealed(self.seq, self.made_at))
    }

    /// What it says and of what, whatever its number and whenever it was made: equal figures give equal bytes.
    #[must_use]
    pub fn figures(&self) -> Vec<u8> {
        self.unsealed(0, Timestamp(0))
    }

    fn unsealed(&self, seq: u32, made_at: Timestamp) -> Vec<u8> {
        let mut out = vec![self.tag()];
        out.extend_from_slice(&self.bucket.from.0.to_le_bytes());
        out.extend_from_slice(&self.bucket.to.0.to_le_bytes());
        out.extend_from_slice(&seq.to_le_bytes());
        out.extend_from_slice(&made_at.0.to_le_bytes());
        match &self.body {
            ReleaseBody::Activity(rows) => put_activity(&mut out, rows),
            ReleaseBody::NoisyActivity(noise, rows) => {
                for number in [noise.epsilon.0, noise.epsilon.1, noise.most_visits] {
                    out.extend_from_slice(&number.to_le_bytes());
                }
                put_activity(&mut out, rows);
            }
            ReleaseBody::Cases(rows) => {
                let mut rows = rows.clone();
                rows.sort_by_key(|row| row.0);
                put_count(&mut out, rows.len());
                for (cell, released) in rows {
                    out.extend_from_slice(&cell.to_u64().to_le_bytes());
                    put_cases(&mut out, released);
                }
            }
            ReleaseBody::AreaCases(rows) => {
                let mut rows = rows.clone();
                rows.sort_by(|a, b| a.0.cmp(&b.0));
                put_count(&mut out, rows.len());
                for (code, released) in rows {
                    put_text(&mut out, code.as_str());
                    put_cases(&mut out, released);
                }
            }
            ReleaseBody::AreaLevels(rows) => {
                let mut rows = rows.clone();
                rows.sort_by(|a, b| a.0.cmp(&b.0));
                put_count(&mut out, rows.len());
                for (code, level) in rows {
                    put_text(&mut out, code.as_str());
                    out.push(level);
                }
            }
        }
        out
    }

    fn tag(&self) -> u8 {
        match self.body {
            ReleaseBody::NoisyActivity(..) => NOISY_ACTIVITY,
            _ => self.measure() as u8,
        }
    }

    /// Reads [`Release::to_bytes`].
    ///
    /// # Errors
    /// [`InvalidRelease`] says whether the bytes are of another kind or version, cut short or changed.
    pub fn from_bytes(sealed: &[u8]) -> Result<Self, InvalidRelease> {
        read(sealed).map_err(|reason| InvalidRelease { reason })
    }
}

fn read(sealed: &[u8]) -> Result<Release, String> {
    let unpacked = bytes::open(NAME, sealed, LIMIT_BYTES)?;
    let mut body = Body(&unpacked);
    let measure = body.u8()?;
    let bucket = Window {
        from: Hour(body.i32()?),
        to: Hour(body.i32()?),
    };
    let seq = body.u32()?;
    let made_at = Timestamp(body.i64()?);
    let noise = if measure == NOISY_ACTIVITY {
        Some(Noise {
            epsilon: (body.u32()?, body.u32()?),
            most_visits: body.u32()?,
        })
    } else {
        None
    };
    // The fewest bytes that a row takes.
    let count = body.count(if measure == Measure::AreaLevels as u8 {
        3
    } else {
        7
    })?;
    let released = match measure {
        0 | NOISY_ACTIVITY => {
            let mut rows = Vec::with_capacity(count);
            for _ in 0..count {
                let cell = read_cell(&mut body)?;
                let (shown, visits, people) = (body.u8()?, body.u32()?, body.u32()?);
                let activity = if shown == 1 {
                    ReleasedActivity::Shown { visits, people }
                } else {
                    ReleasedActivity::Hidden
                };
                rows.push((cell, activity));
            }
            match noise {
                Some(noise) => ReleaseBody::NoisyActivity(noise, rows),
                None => ReleaseBody::Activity(rows),
            }
        }
        1 => {
            let mut rows = Vec::with_capacity(count);
            for _ in 0..count {
                rows.push((read_cell(&mut body)?, read_cases(&mut body)?));
            }
            ReleaseBody::Cases(rows)
        }
        2 => {
            let mut rows = Vec::with_capacity(count);
            for _ in 0..count {
                let code =
                    AreaCode::new(body.text()?).map_err(|error| format!("has a bad area code: {error}"))?;
                rows.push((code, read_cases(&mut body)?));
            }
            ReleaseBody::AreaCases(rows)
        }
        3 => {
            let mut rows = Vec::with_capacity(count);
            for _ in 0..count {
                let code =
                    AreaCode::new(body.text()?).map_err(|error| format!("has a bad area code: {error}"))?;
                rows.push((code, body.u8()?));
            }
            ReleaseBody::AreaLevels(rows)
        }
        other => return Err(format!("is of measure {other}")),
    };
    body.end()?;
    Ok(Release {
        bucket,
        seq,
        made_at,
        body: released,
    })
}

fn put_activity(out: &mut Vec<u8>, rows: &[(Cell, ReleasedActivity)]) {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|row| row.0);
    put_count(out, rows.len());
    for (cell, released) in rows {
        let (shown, visits, people) = match released {
            ReleasedActivity::Shown { visits, people } => (1, visits, people),
            ReleasedActivity::Hidden => (0, 0, 0),
        };
        out.extend_from_slice(&cell.to_u64().to_le_bytes());
        out.push(shown);
        out.extend_from_slice(&visits.to_le_bytes());
        out.extend_from_slice(&people.to_le_bytes());
    }
}

fn put_cases(out: &mut Vec<u8>, released: ReleasedCases) {
    let (shown, cases, level) = match released {
        ReleasedCases::Shown { cases, level } => (1, cases, level),
        ReleasedCases::Hidden => (0, 0, 0),
    };
    out.push(shown);
    out.extend_from_slice(&cases.to_le_bytes());
    out.push(level);
}

fn read_cases(body: &mut Body) -> Result<ReleasedCases, String> {
    let (shown, cases, level) = (body.u8()?, body.u32()?, body.u8()?);
    Ok(if shown == 1 {
        ReleasedCases::Shown { cases, level }
    } else {
        ReleasedCases::Hidden
    })
}

fn read_cell(body: &mut Body) -> Result<Cell, String> {
    Cell::from_u64(body.u64()?).map_err(|error| format!("has a bad row: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_areas_with_the_shortest_codes_come_back() {
        let codes = ('A'..='Z').map(|letter| AreaCode::new(&letter.to_string()).unwrap());
        let release = Release {
            bucket: Window {
                from: Hour(0),
                to: Hour(168),
            },
            seq: 3,
            made_at: Timestamp(7),
            body: ReleaseBody::AreaLevels(codes.zip((1..=4).cycle()).collect()),
        };
        assert_eq!(Release::from_bytes(&release.to_bytes()).unwrap(), release);
    }
}
