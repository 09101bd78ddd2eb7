use crate::geo::LngLat;

/// The latitude where the square Web Mercator world ends, degrees.
pub const MAX_LATITUDE: f64 = 85.051_128_779_806_6;

/// A point of the EPSG:3857 world as a fraction of its width: `x` grows east from
/// the antimeridian, `y` grows south from 85.05° N; both 0..=1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WorldPoint {
    /// 0 at 180° W, 1 at 180° E.
    pub x: f64,
    /// 0 at 85.05° N, 1 at 85.05° S.
    pub y: f64,
}

impl WorldPoint {
    /// Projects; latitudes beyond the square are clamped to its edge.
    #[must_use]
    pub fn project(at: LngLat) -> Self {
        let sin = at.lat().clamp(-MAX_LATITUDE, MAX_LATITUDE).to_radians().sin();
        Self {
            x: at.lng() / 360.0 + 0.5,
            y: 0.5 - ((1.0 + sin) / (1.0 - sin)).ln() / (4.0 * std::f64::consts::PI),
        }
    }

    /// Back to degrees.
    #[must_use]
    pub fn unproject(self) -> LngLat {
        let lng = (self.x.clamp(0.0, 1.0) - 0.5) * 360.0;
        let n = std::f64::consts::PI * (1.0 - 2.0 * self.y);
        let lat = n.sinh().atan().to_degrees();
        LngLat::new(lng.clamp(-180.0, 180.0), lat.clamp(-90.0, 90.0)).expect("clamped to the globe")
    }
}
