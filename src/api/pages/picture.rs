use tiny_skia::{
    Color, FillRule, FilterQuality, LineCap, LineJoin, Paint, Path, PathBuilder, Pattern, Pixmap, Shader,
    SpreadMode, Stroke, Transform,
};

use crate::api::pages::view::PageView;
use crate::api::pages::words::Language;
use crate::geo::{BBox, LngLat, WorldPoint};
use crate::model::AreaLevel;

/// Light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// Which picture is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PictureRequest {
    /// An area's code, or `None` for everything.
    pub area: Option<String>,
    /// Pixels, 256..=[`PictureRequest::MAX_SIDE`].
    pub width: u32,
    /// Pixels, 256..=[`PictureRequest::MAX_SIDE`].
    pub height: u32,
    /// Which letters stand in the areas.
    pub language: Language,
    /// Which colours.
    pub theme: Theme,
}

impl PictureRequest {
    /// The shortest side, pixels.
    pub const MIN_SIDE: u32 = 256;
    /// The longest side, pixels: 10 MB of pixels at most.
    pub const MAX_SIDE: u32 = 1600;
    /// Sides are multiples of this, so that there are few pictures to keep.
    const STEP: u32 = 64;

    /// The side that is drawn for the one wanted, pixels.
    #[must_use]
    pub fn snap(wanted: u32) -> u32 {
        let side = wanted.clamp(Self::MIN_SIDE, Self::MAX_SIDE);
        (side + Self::STEP / 2) / Self::STEP * Self::STEP
    }
}

/// Draws the map of a view as PNG; `None` where the view has nothing to show, or not that area.
/// A pure function of view and request.
#[must_use]
pub fn draw(view: &PageView, request: &PictureRequest) -> Option<Vec<u8>> {
    let bounds = match &request.area {
        None => view.bounds?,
        Some(code) => {
            let row = view.areas.iter().find(|row| row.area.code.as_str() == code)?;
            BBox::around(&row.area.geometry)?
        }
    };
    let mut pixmap = Pixmap::new(request.width, request.height)?;
    let mut canvas = Canvas {
        frame: Frame::fit(&bounds, request.width, request.height),
        scale: (request.width.min(request.height) as f32 / 600.0).clamp(0.35, 3.0),
        theme: request.theme,
        pixmap: &mut pixmap,
    };
    canvas.paint(view, request.language);
    pixmap.encode_png().ok()
}

/// Red, green, blue.
type Rgb = [u8; 3];

/// Level colours, 0 to 4: those of `styles/light.json` and `styles/dark.json`.
fn level_colour(theme: Theme, level: u8) -> Rgb {
    const LIGHT: [Rgb; 5] = [
        [180, 186, 194],
        [31, 138, 107],
        [246, 224, 94],
        [240, 138, 36],
        [158, 27, 50],
    ];
    const DARK: [Rgb; 5] = [
        [93, 103, 115],
        [47, 169, 133],
        [244, 226, 122],
        [242, 149, 61],
        [209, 52, 75],
    ];
    let level = usize::from(level.min(4));
    match theme {
        Theme::Light => LIGHT[level],
        Theme::Dark => DARK[level],
    }
}

fn paper(theme: Theme) -> Rgb {
    match theme {
        Theme::Light => [238, 241, 244],
        Theme::Dark => [15, 20, 26],
    }
}

/// What lies inside areas, below their colour.
fn land(theme: Theme) -> Rgb {
    match theme {
        Theme::Light => [251, 250, 246],
        Theme::Dark => [24, 32, 41],
    }
}

fn ink(theme: Theme) -> Rgb {
    match theme {
        Theme::Light => [31, 39, 51],
        Theme::Dark => [238, 242, 246],
    }
}

struct Canvas<'a> {
    frame: Frame,
    /// Stroke widths and dots grow with the picture.
    scale: f32,
    theme: Theme,
    pixmap: &'a mut Pixmap,
}

impl Canvas<'_> {
    fn paint(&mut self, view: &PageView, language: Language) {
        self.pixmap.fill(solid(paper(self.theme), 255));
        let main = view.main_tier();
        let (ink, paper, land) = (ink(self.theme), paper(self.theme), land(self.theme));
        let violet = match self.theme {
            Theme::Light => [106_u8, 27, 154],
            Theme::Dark => [197, 138, 240],
        };
        // Colours belong to the main tier alone. Finer areas would cover them, wider ones lend their outline.
        let of = |wanted: fn(Option<AreaLevel>, Option<AreaLevel>) -> bool| {
            view.areas
                .iter()
                .filter(move |row| wanted(Some(row.area.level), main))
        };
        for row in of(|tier, main| tier == main) {
            if let Some(path) = self.frame.polygons(&row.area.geometry) {
                self.fill(&path, land, 255);
                self.fill(&path, level_colour(self.theme, row.level), 150);
                self.hatch(&path, row.level);
                self.line(&path, paper, 2.6, 255);
                self.line(&path, ink, 1.0, 150);
            }
        }
        for row in of(|tier, main| tier < main) {
            if let Some(path) = self.frame.polygons(&row.area.geometry) {
                self.line(&path, ink, 2.4, 210);
            }
        }
        for zone in &view.zones {
            if let Some(path) = self.frame.polygons(&zone.geometry) {
                self.fill(&path, violet, 40);
                self.line(&path, violet, 2.2, 255);
            }
        }
        // Lowest level first, so that the worst lies on top.
        for venue in view.venues.iter().rev() {
            let (x, y) = self.frame.point(venue.at);
            if let Some(dot) =
                PathBuilder::from_circle(x, y, (2.6 + f32::from(venue.level) * 0.8) * self.scale)
            {
                self.fill(&dot, level_colour(self.theme, venue.level), 255);
                self.line(&dot, paper, 1.2, 255);
            }
        }
        for row in view.areas.iter().filter(|row| Some(row.area.level) == main) {
            if let Some(at) = label_point(&row.area.geometry) {
                let letter = language.text(&format!("level.{}.letter", row.level.min(4)));
                self.letter(self.frame.point(at), &letter, row.level);
            }
        }
    }

    fn fill(&mut self, path: &Path, colour: Rgb, alpha: u8) {
        self.pixmap.fill_path(
            path,
            &paint(colour, alpha),
            FillRule::EvenOdd,
            Transform::identity(),
            None,
        );
    }

    fn line(&mut self, path: &Path, colour: Rgb, width: f32, alpha: u8) {
        let stroke = Stroke {
            width: width * self.scale,
            line_cap: LineCap::Round,
            line_join: LineJoin::Round,
            ..Stroke::default()
        };
        self.pixmap
            .stroke_path(path, &paint(colour, alpha), &stroke, Transform::identity(), None);
    }

    /// The level's pattern: dots for yellow, stripes for orange, a grid of stripes for red.
    fn hatch(&mut self, path: &Path, level: u8) {
        let side = (9.0 * self.scale).round().max(4.0) as u32;
        let Some(mut tile) = Pixmap::new(side, side) else {
            return;
        };
        let end = side as f32;
        let mut strokes = PathBuilder::new();
        match level {
            2 => strokes.push_circle(end / 2.0, end / 2.0, end / 8.0),
            3 => diagonal(&mut strokes, end),
            4 => {
                diagonal(&mut strokes, end);
                strokes.move_to(-end, 0.0);
                strokes.line_to(end, end * 2.0);
                strokes.move_to(0.0, 0.0);
                strokes.line_to(end, end);
                strokes.move_to(0.0, -end);
                strokes.line_to(end * 2.0, end);
            }
            _ => return,
        }
        let Some(strokes) = strokes.finish() else { return };
        let colour = paint(ink(self.theme), 120);
        if level == 2 {
            tile.fill_path(&strokes, &colour, FillRule::Winding, Transform::identity(), None);
        } else {
            let stroke = Stroke {
                width: self.scale,
                ..Stroke::default()
            };
            tile.stroke_path(&strokes, &colour, &stroke, Transform::identity(), None);
        }
        let shader = Pattern::new(
            tile.as_ref(),
            SpreadMode::Repeat,
            FilterQuality::Nearest,
            1.0,
            Transform::identity(),
        );
        let pattern = Paint {
            shader,
            anti_alias: true,
            ..Paint::default()
        };
        self.pixmap
            .fill_path(path, &pattern, FillRule::EvenOdd, Transform::identity(), None);
    }

    /// A disc with the level's letter, so that the picture reads without colour.
    fn letter(&mut self, (x, y): (f32, f32), letter: &str, level: u8) {
        let radius = 11.0 * self.scale;
        let Some(disc) = PathBuilder::from_circle(x, y, radius) else {
            return;
        };
        self.fill(&disc, paper(self.theme), 235);
        self.line(&disc, level_colour(self.theme, level), 2.2, 255);
        if let Some(glyph) = glyph(letter) {
            let size = radius * 0.52;
            if let Some(glyph) = glyph.transform(Transform::from_row(size, 0.0, 0.0, size, x, y)) {
                self.line(&glyph, ink(self.theme), 2.0, 255);
            }
        }
    }
}

fn diagonal(strokes: &mut PathBuilder, end: f32) {
    // The neighbours' strokes too, so that the tile repeats without a seam.
    for shift in [-end, 0.0, end] {
        strokes.move_to(shift, end);
        strokes.line_to(shift + end, 0.0);
    }
}

/// The letters that levels use, drawn as strokes in a box from -1 to 1: no font is needed for them.
fn glyph(letter: &str) -> Option<Path> {
    let mut b = PathBuilder::new();
    let mut line = |points: &[(f32, f32)]| {
        for (index, &(x, y)) in points.iter().enumerate() {
            if index == 0 {
                b.move_to(x, y);
            } else {
                b.line_to(x, y);
            }
        }
    };
    let arc = |from: f32, to: f32| -> Vec<(f32, f32)> {
        (0..=24)
            .map(|step| (from + (to - from) * step as f32 / 24.0).to_radians())
            .map(|angle| (angle.cos() * 0.85, angle.sin()))
            .collect()
    };
    let d = [
        (-0.6, -1.0),
        (0.0, -1.0),
        (0.55, -0.65),
        (0.75, 0.0),
        (0.55, 0.65),
        (0.0, 1.0),
        (-0.6, 1.0),
        (-0.6, -1.0),
    ];
    match letter {
        "X" => {
            line(&[(-0.7, -1.0), (0.7, 1.0)]);
            line(&[(0.7, -1.0), (-0.7, 1.0)]);
        }
        "V" => line(&[(-0.75, -1.0), (0.0, 1.0), (0.75, -1.0)]),
        "C" => line(&arc(-45.0, -315.0)),
        "O" => line(&arc(0.0, 360.0)),
        "G" => {
            line(&arc(-45.0, -360.0));
            line(&[(0.85, 0.0), (0.2, 0.0)]);
        }
        "Đ" => {
            line(&d);
            line(&[(-1.0, 0.0), (-0.05, 0.0)]);
        }
        "Y" => {
            line(&[(-0.75, -1.0), (0.0, 0.0), (0.75, -1.0)]);
            line(&[(0.0, 0.0), (0.0, 1.0)]);
        }
        "R" => line(&[
            (-0.6, 1.0),
            (-0.6, -1.0),
            (0.2, -1.0),
            (0.65, -0.5),
            (0.2, 0.0),
            (-0.6, 0.0),
            (0.1, 0.0),
            (0.7, 1.0),
        ]),
        _ => {
            line(&[
                (-0.55, -0.55),
                (-0.3, -0.95),
                (0.3, -0.95),
                (0.55, -0.5),
                (0.0, 0.1),
                (0.0, 0.45),
            ]);
            line(&[(0.0, 0.95), (0.0, 1.0)]);
        }
    }
    b.finish()
}

fn solid(colour: Rgb, alpha: u8) -> Color {
    Color::from_rgba8(colour[0], colour[1], colour[2], alpha)
}

fn paint(colour: Rgb, alpha: u8) -> Paint<'static> {
    Paint {
        shader: Shader::SolidColor(solid(colour, alpha)),
        anti_alias: true,
        ..Paint::default()
    }
}

/// How world fractions (EPSG:3857, 0..=1) become pixels.
struct Frame {
    left: f64,
    top: f64,
    /// Pixels per world width.
    scale: f64,
}

impl Frame {
    /// The box in the middle of the picture with a margin around it.
    fn fit(bounds: &BBox, width: u32, height: u32) -> Self {
        let corner = |lng: f64, lat: f64| {
            LngLat::new(lng, lat).map_or(WorldPoint { x: 0.5, y: 0.5 }, WorldPoint::project)
        };
        let (nw, se) = (
            corner(bounds.min_lng, bounds.max_lat),
            corner(bounds.max_lng, bounds.min_lat),
        );
        let (span_x, span_y) = ((se.x - nw.x).max(1e-6), (se.y - nw.y).max(1e-6));
        let scale = (f64::from(width) / span_x).min(f64::from(height) / span_y) * 0.92;
        Self {
            left: f64::midpoint(nw.x, se.x) - f64::from(width) / scale / 2.0,
            top: f64::midpoint(nw.y, se.y) - f64::from(height) / scale / 2.0,
            scale,
        }
    }

    fn point(&self, at: LngLat) -> (f32, f32) {
        let world = WorldPoint::project(at);
        (
            ((world.x - self.left) * self.scale) as f32,
            ((world.y - self.top) * self.scale) as f32,
        )
    }

    fn polygons(&self, shape: &::geo::MultiPolygon<f64>) -> Option<Path> {
        let mut builder = PathBuilder::new();
        for polygon in shape {
            for ring in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
                self.add(
                    &mut builder,
                    ring.0.iter().filter_map(|c| LngLat::new(c.x, c.y).ok()),
                );
            }
        }
        builder.finish()
    }

    /// Adds a closed ring; corners closer than half a pixel to the last are left out.
    fn add(&self, builder: &mut PathBuilder, corners: impl Iterator<Item = LngLat>) {
        let mut last: Option<(f32, f32)> = None;
        for at in corners {
            let (x, y) = self.point(at);
            match last {
                None => builder.move_to(x, y),
                Some((px, py)) if (x - px).abs() + (y - py).abs() < 0.5 => continue,
                Some(_) => builder.line_to(x, y),
            }
            last = Some((x, y));
        }
        if last.is_some() {
            builder.close();
        }
    }
}

/// A point inside, for the letter.
fn label_point(shape: &::geo::MultiPolygon<f64>) -> Option<LngLat> {
    use ::geo::{Centroid, Contains, InteriorPoint};
    let centroid = shape.centroid().filter(|point| shape.contains(point));
    let point = centroid.or_else(|| shape.interior_point())?;
    LngLat::new(point.x(), point.y()).ok()
}
