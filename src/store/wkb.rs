//! Shapes as OGC well-known binary, little-endian: compact, and exact to the bit.

use ::geo::{Coord, LineString, MultiPolygon, Polygon};

use super::error::StoreError;

const POLYGON: u32 = 3;
const MULTI_POLYGON: u32 = 6;

/// Writes a multipolygon.
pub(super) fn write(shape: &MultiPolygon<f64>) -> Vec<u8> {
    let mut out = Vec::new();
    head(&mut out, MULTI_POLYGON, shape.0.len());
    for polygon in shape {
        let rings = std::iter::once(polygon.exterior()).chain(polygon.interiors());
        head(&mut out, POLYGON, 1 + polygon.interiors().len());
        for ring in rings {
            out.extend((ring.0.len() as u32).to_le_bytes());
            for point in &ring.0 {
                out.extend(point.x.to_le_bytes());
                out.extend(point.y.to_le_bytes());
            }
        }
    }
    out
}

/// Reads what [`write`] wrote.
pub(super) fn read(bytes: &[u8]) -> Result<MultiPolygon<f64>, StoreError> {
    let mut reader = Reader(bytes);
    let polygons = (0..reader.head(MULTI_POLYGON)?)
        .map(|_| {
            let rings = reader.head(POLYGON)?;
            let mut rings = (0..rings).map(|_| reader.ring()).collect::<Result<Vec<_>, _>>()?;
            if rings.is_empty() {
                return Err(damaged());
            }
            Ok(Polygon::new(rings.remove(0), rings))
        })
        .collect::<Result<Vec<_>, _>>()?;
    if reader.0.is_empty() {
        Ok(MultiPolygon(polygons))
    } else {
        Err(damaged())
    }
}

fn head(out: &mut Vec<u8>, kind: u32, count: usize) {
    out.push(1);
    out.extend(kind.to_le_bytes());
    out.extend((count as u32).to_le_bytes());
}

fn damaged() -> StoreError {
    StoreError::corrupt("a shape is not the WKB that was written")
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or_else(damaged)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn number(&mut self) -> Result<u32, StoreError> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    fn head(&mut self, kind: u32) -> Result<u32, StoreError> {
        if self.take::<1>()? == [1] && self.number()? == kind {
            self.number()
        } else {
            Err(damaged())
        }
    }

    fn ring(&mut self) -> Result<LineString<f64>, StoreError> {
        let points = self.number()?;
        let point = |reader: &mut Self| -> Result<Coord<f64>, StoreError> {
            Ok(Coord {
                x: f64::from_le_bytes(reader.take()?),
                y: f64::from_le_bytes(reader.take()?),
            })
        };
        (0..points)
            .map(|_| point(self))
            .collect::<Result<Vec<_>, _>>()
            .map(LineString)
    }
}

#[cfg(test)]
mod tests {
    use ::geo::polygon;

    use super::*;

    #[test]
    fn a_shape_comes_back_bit_for_bit() {
        let shape = MultiPolygon(vec![
            polygon!(
                exterior: [(x: 105.1, y: 21.0), (x: 105.9, y: 21.000_000_000_1), (x: 105.5, y: 21.9), (x: 105.1, y: 21.0)],
                interiors: [[(x: 105.4, y: 21.2), (x: 105.5, y: 21.4), (x: 105.6, y: 21.2), (x: 105.4, y: 21.2)]],
            ),
            polygon![(x: -180.0, y: -0.0), (x: -179.0, y: 0.0), (x: -179.0, y: 1.0)],
        ]);
        let bytes = write(&shape);
        assert_eq!(read(&bytes).unwrap(), shape);
        assert_eq!(read(&write(&MultiPolygon(vec![]))).unwrap(), MultiPolygon(vec![]));
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).is_err());
        }
        assert!(read(&[bytes, vec![0]].concat()).is_err());
    }
}
