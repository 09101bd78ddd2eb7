use std::fmt;

use serde::{Deserialize, Serialize};

/// A point in degrees, EPSG:4326, longitude first. Always finite,
/// `lng` in -180..=180 and `lat` in -90..=90.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LngLat {
    lng: f64,
    lat: f64,
}

/// A coordinate outside the globe, or one that is not a number.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{field} {value} is outside {min}..{max}")]
pub struct InvalidLngLat {
    /// `lng` or `lat`.
    pub field: &'static str,
    /// The value refused, degrees.
    pub value: f64,
    /// Smallest accepted value, degrees.
    pub min: f64,
    /// Largest accepted value, degrees.
    pub max: f64,
}

/// Mean radius of the Earth (IUGG), metres.
const EARTH_RADIUS_M: f64 = 6_371_008.8;

impl LngLat {
    /// A checked point.
    ///
    /// # Errors
    /// [`InvalidLngLat`] names the field that is NaN, infinite or out of range.
    pub fn new(lng: f64, lat: f64) -> Result<Self, InvalidLngLat> {
        check("lng", lng, 180.0)?;
        check("lat", lat, 90.0)?;
        Ok(Self { lng, lat })
    }

    /// Longitude, degrees east, -180..=180.
    #[must_use]
    pub fn lng(self) -> f64 {
        self.lng
    }

    /// Latitude, degrees north, -90..=90.
    #[must_use]
    pub fn lat(self) -> f64 {
        self.lat
    }

    /// Great-circle distance in metres on a sphere of 6,371,008.8 m (IUGG mean radius).
    #[must_use]
    pub fn distance_m(self, other: Self) -> f64 {
        use geo::{Distance, Haversine};
        Haversine.distance(
            geo::Point::new(self.lng, self.lat),
            geo::Point::new(other.lng, other.lat),
        )
    }

    /// Its point on the unit sphere: nearer on the ground is nearer in a straight line.
    #[must_use]
    pub fn on_sphere(self) -> [f64; 3] {
        let (lng, lat) = (self.lng.to_radians(), self.lat.to_radians());
        [lat.cos() * lng.cos(), lat.cos() * lng.sin(), lat.sin()]
    }

    /// The point above which a direction from the Earth's centre stands; `None` for no direction.
    #[must_use]
    pub fn below([x, y, z]: [f64; 3]) -> Option<Self> {
        let sum = x.hypot(y).hypot(z);
        let (lng, lat) = (y.atan2(x).to_degrees(), z.atan2(x.hypot(y)).to_degrees());
        (sum > 0.0).then(|| Self::new(lng, lat).ok()).flatten()
    }

    /// The straight line between two points of the unit sphere whose great-circle distance on the ground is so long.
    #[must_use]
    pub fn chord(distance_m: f64) -> f64 {
        let half_angle = distance_m / EARTH_RADIUS_M / 2.0;
        2.0 * half_angle.min(std::f64::consts::FRAC_PI_2).sin()
    }
}

impl fmt::Display for LngLat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.lng, self.lat)
    }
}

fn check(field: &'static str, value: f64, limit: f64) -> Result<(), InvalidLngLat> {
    if value.is_finite() && value.abs() <= limit {
        Ok(())
    } else {
        Err(InvalidLngLat {
            field,
            value,
            min: -limit,
            max: limit,
        })
    }
}

/// A box in degrees, EPSG:4326: `min_lng, min_lat, max_lng, max_lat`.
/// A box whose west edge is east of its east edge crosses the antimeridian (RFC 7946 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BBox {
    /// West edge, degrees.
    pub min_lng: f64,
    /// South edge, degrees.
    pub min_lat: f64,
    /// East edge, degrees.
    pub max_lng: f64,
    /// North edge, degrees.
    pub max_lat: f64,
}

/// A bounding box that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bbox `{value}`: {reason}; expected min_lng,min_lat,max_lng,max_lat in degrees")]
pub struct InvalidBBox {
    /// The text refused.
    pub value: String,
    /// What is wrong with it.
    pub reason: String,
}

impl BBox {
    /// The whole globe.
    pub const WORLD: Self = Self {
        min_lng: -180.0,
        min_lat: -90.0,
        max_lng: 180.0,
        max_lat: 90.0,
    };

    /// A box of one point.
    #[must_use]
    pub fn of_point(at: LngLat) -> Self {
        Self {
            min_lng: at.lng(),
            min_lat: at.lat(),
            max_lng: at.lng(),
            max_lat: at.lat(),
        }
    }

    /// The box around a shape; `None` for an empty one. Around the globe where the shape crosses the antimeridian.
    #[must_use]
    pub fn around(shape: &geo::MultiPolygon<f64>) -> Option<Self> {
        let rect = geo::BoundingRect::bounding_rect(shape)?;
        Some(Self {
            min_lng: rect.min().x,
            min_lat: rect.min().y,
            max_lng: rect.max().x,
            max_lat: rect.max().y,
        })
    }

    /// Reads `min_lng,min_lat,max_lng,max_lat`.
    ///
    /// # Errors
    /// [`InvalidBBox`] when there are not four numbers, one is out of range, or south is above north.
    pub fn parse(text: &str) -> Result<Self, InvalidBBox> {
        let refuse = |reason: String| InvalidBBox {
            value: text.chars().take(100).collect(),
            reason,
        };
        let numbers = text
            .split(',')
            .map(|part| match part.trim().parse::<f64>() {
                Ok(number) if !number.is_nan() => Ok(number),
                _ => Err(refuse(format!("has `{}`, which is no number", part.trim()))),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let [min_lng, min_lat, max_lng, max_lat] = numbers[..] else {
            return Err(refuse(format!("has {} numbers", numbers.len())));
        };
        for (lng, lat) in [(min_lng, min_lat), (max_lng, max_lat)] {
            LngLat::new(lng, lat).map_err(|error| refuse(error.to_string()))?;
        }
        if min_lat > max_lat {
            return Err(refuse("min_lat is above max_lat".to_owned()));
        }
        Ok(Self {
            min_lng,
            min_lat,
            max_lng,
            max_lat,
        })
    }

    /// Whether the box crosses the antimeridian.
    #[must_use]
    pub fn crosses_antimeridian(&self) -> bool {
        self.min_lng > self.max_lng
    }

    /// One box, or the two halves of a box that crosses the antimeridian.
    #[must_use]
    pub fn parts(&self) -> Vec<Self> {
        if self.crosses_antimeridian() {
            vec![
                Self {
                    max_lng: 180.0,
                    ..*self
                },
                Self {
                    min_lng: -180.0,
                    ..*self
                },
            ]
        } else {
            vec![*self]
        }
    }

    /// Whether the point lies in the box, edges included.
    #[must_use]
    pub fn contains(&self, at: LngLat) -> bool {
        let lat_inside = at.lat >= self.min_lat && at.lat <= self.max_lat;
        let lng_inside = if self.crosses_antimeridian() {
            at.lng >= self.min_lng || at.lng <= self.max_lng
        } else {
            at.lng >= self.min_lng && at.lng <= self.max_lng
        };
        lat_inside && lng_inside
    }
}
