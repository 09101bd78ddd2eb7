use std::fmt;

/// A layer of our tiles. The order is the order inside a composite tile: what is drawn first comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LayerKind {
    /// Administrative units, polygons.
    Areas,
    /// H3 cells, polygons.
    Cells,
    /// Quarantine zones in force, polygons.
    Zones,
    /// Public places, points.
    Venues,
}

impl LayerKind {
    /// Every layer, in drawing order.
    pub const ALL: [Self; 4] = [Self::Areas, Self::Cells, Self::Zones, Self::Venues];

    /// The name in addresses and inside tiles.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cells => "cells",
            Self::Venues => "venues",
            Self::Areas => "areas",
            Self::Zones => "zones",
        }
    }

    /// The first zoom whose tiles hold the layer; below it they are empty.
    #[must_use]
    pub const fn min_zoom(self) -> u8 {
        match self {
            Self::Venues => 7,
            _ => 0,
        }
    }
}

/// One or several layers, without repeats. `cells,venues` and `venues,cells` are the same set,
/// so they share a cache entry and their bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Layers(u8);

/// A list of layers that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "layers `{value}`: {reason}; expected one or several of cells, venues, areas, zones joined by commas"
)]
pub struct InvalidLayers {
    /// The text refused (shortened).
    pub value: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Layers {
    /// Reads `cells,venues`.
    ///
    /// # Errors
    /// [`InvalidLayers`] when a name is unknown, empty or given twice.
    pub fn parse(text: &str) -> Result<Self, InvalidLayers> {
        let shorten = |text: &str| text.chars().take(60).collect::<String>();
        let refuse = |reason: String| InvalidLayers {
            value: shorten(text),
            reason,
        };
        let mut set = Self(0);
        for name in text.split(',') {
            let kind = LayerKind::ALL
                .into_iter()
                .find(|kind| kind.as_str() == name)
                .ok_or_else(|| refuse(format!("`{}` is not a layer", shorten(name))))?;
            if set.contains(kind) {
                return Err(refuse(format!("`{name}` is named twice")));
            }
            set = set.with(kind);
        }
        Ok(set)
    }

    /// Every layer.
    #[must_use]
    pub fn all() -> Self {
        LayerKind::ALL.into_iter().fold(Self(0), Self::with)
    }

    /// One layer.
    #[must_use]
    pub fn one(kind: LayerKind) -> Self {
        Self(0).with(kind)
    }

    /// The set with one more.
    #[must_use]
    pub fn with(self, kind: LayerKind) -> Self {
        Self(self.0 | 1 << kind as u8)
    }

    /// No layer.
    pub(super) const fn none() -> Self {
        Self(0)
    }

    /// Whether there is no layer.
    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set without some.
    pub(super) fn without(self, kinds: &[LayerKind]) -> Self {
        kinds
            .iter()
            .fold(self, |set, kind| Self(set.0 & !(1 << *kind as u8)))
    }

    /// Whether the layer is in the set.
    #[must_use]
    pub fn contains(self, kind: LayerKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    /// The layers in drawing order.
    pub fn iter(self) -> impl Iterator<Item = LayerKind> {
        LayerKind::ALL
            .into_iter()
            .filter(move |kind| self.contains(*kind))
    }
}

impl fmt::Display for Layers {
    /// The canonical list, as it stands in addresses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, kind) in self.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(f, "{comma}{}", kind.as_str())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_names_does_not_matter() {
        let one = Layers::parse("venues,cells").unwrap();
        assert_eq!(one, Layers::parse("cells,venues").unwrap());
        assert_eq!(one.to_string(), "cells,venues");
        assert_eq!(Layers::all().to_string(), "areas,cells,zones,venues");
    }

    #[test]
    fn a_wrong_list_says_what_is_wrong() {
        for (text, reason) in [
            ("", "`` is not a layer"),
            ("cells,", "`` is not a layer"),
            ("cells,cells", "`cells` is named twice"),
            ("roads", "`roads` is not a layer"),
        ] {
            assert_eq!(Layers::parse(text).unwrap_err().reason, reason);
        }
    }
}
