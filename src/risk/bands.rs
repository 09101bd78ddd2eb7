use serde::Deserialize;

use crate::risk::rules::Flaw;

/// A span of figures: `from` inside unless `from_open`, `to` outside unless `to_closed`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band<T> {
    /// Lower end.
    pub from: f64,
    /// Upper end; none: no upper end.
    pub to: Option<f64>,
    /// The lower end itself is outside.
    #[serde(default)]
    pub from_open: bool,
    /// The upper end itself is inside.
    #[serde(default)]
    pub to_closed: bool,
    /// What figures in the span mean.
    pub gives: T,
}

/// Bands in ascending order that never overlap.
#[derive(Clone, Debug, PartialEq)]
pub struct Bands<T>(Vec<Band<T>>);

impl<T> Band<T> {
    /// Whether the figure lies inside.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        let above = value > self.from || (value == self.from && !self.from_open);
        let below = self
            .to
            .is_none_or(|to| value < to || (value == to && self.to_closed));
        above && below
    }

    /// Whether some figure of low ..= high lies inside.
    #[must_use]
    pub fn touches(&self, low: f64, high: f64) -> bool {
        let from = self.from.max(low);
        let to = self.to.map_or(high, |to| to.min(high));
        from < to || (from <= to && self.contains(from))
    }
}

impl<T> Bands<T> {
    /// Bands that cover everything from the first `from` on, without gap or overlap.
    pub(super) fn complete(field: &str, bands: Vec<Band<T>>) -> Result<Self, Flaw> {
        let bands = Self::with_gaps(field, bands)?;
        for (index, pair) in bands.0.windows(2).enumerate() {
            let (low, high) = (&pair[0], &pair[1]);
            let meets = low.to == Some(high.from) && low.to_closed == high.from_open;
            if !meets {
                return Err(Flaw::new(
                    format!("{field}[{}]", index + 1),
                    format!("leaves a gap before {}", high.from),
                    "each band to start where the one before it ends",
                ));
            }
        }
        match bands.0.last() {
            Some(last) if last.to.is_none() => Ok(bands),
            Some(last) => Err(Flaw::new(
                format!("{field}[{}]", bands.0.len() - 1),
                format!("ends at {}", last.to.unwrap_or_default()),
                "the last band to have no `to`",
            )),
            None => Err(Flaw::new(field, "is empty", "at least one band")),
        }
    }

    /// Bands that may leave gaps, because the rule's text does. What falls into one is undefined.
    pub(super) fn with_gaps(field: &str, bands: Vec<Band<T>>) -> Result<Self, Flaw> {
        for (index, band) in bands.iter().enumerate() {
            let at = format!("{field}[{index}]");
            let finite = band.from.is_finite() && band.to.is_none_or(f64::is_finite);
            let point = band.to == Some(band.from) && band.to_closed && !band.from_open;
            if !finite
                || band
                    .to
                    .is_some_and(|to| to < band.from || (to == band.from && !point))
            {
                return Err(Flaw::new(
                    at,
                    "is empty or not finite",
                    "finite figures with `from` below `to`",
                ));
            }
            let Some(before) = index.checked_sub(1).map(|i| &bands[i]) else {
                continue;
            };
            let apart = before.to.is_some_and(|to| {
                to < band.from || (to == band.from && (!before.to_closed || band.from_open))
            });
            if !apart {
                return Err(Flaw::new(
                    at,
                    format!("overlaps the band before it at {}", band.from),
                    "ascending bands that do not overlap",
                ));
            }
        }
        Ok(Self(bands))
    }

    /// The band that holds the figure; `None` in a gap.
    #[must_use]
    pub fn find(&self, value: f64) -> Option<&Band<T>> {
        self.0.iter().find(|band| band.contains(value))
    }

    /// The position of the band that holds the figure.
    #[must_use]
    pub fn position(&self, value: f64) -> Option<usize> {
        self.0.iter().position(|band| band.contains(value))
    }

    /// All of them, ascending.
    #[must_use]
    pub fn as_slice(&self) -> &[Band<T>] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn band(from: f64, to: Option<f64>) -> Band<u8> {
        Band {
            from,
            to,
            from_open: false,
            to_closed: false,
            gives: 0,
        }
    }

    #[test]
    fn gaps_and_overlaps_are_refused() {
        let complete = |bands| Bands::complete("b", bands);
        assert!(complete(vec![band(0.0, Some(10.0)), band(10.0, None)]).is_ok());
        let gap = complete(vec![band(0.0, Some(9.0)), band(10.0, None)]).unwrap_err();
        assert!(gap.reason.contains("gap"), "{gap:?}");
        let overlap = complete(vec![band(0.0, Some(11.0)), band(10.0, None)]).unwrap_err();
        assert!(overlap.reason.contains("overlaps"), "{overlap:?}");
        assert!(complete(vec![band(0.0, Some(10.0))]).is_err());
        assert!(complete(vec![band(f64::NAN, None)]).is_err());
        let mut both_closed = vec![band(0.0, Some(10.0)), band(10.0, None)];
        both_closed[0].to_closed = true;
        assert!(complete(both_closed).is_err());
    }

    #[test]
    fn a_figure_in_a_gap_has_no_band() {
        let mut bands = vec![band(0.0, Some(15.0)), band(16.0, Some(30.0))];
        bands[0].to_closed = true;
        let bands = Bands::with_gaps("b", bands).unwrap();
        assert_eq!(bands.position(15.0), Some(0));
        assert_eq!(bands.position(15.3), None);
        assert_eq!(bands.position(16.0), Some(1));
        assert_eq!(bands.position(30.0), None);
    }
}
