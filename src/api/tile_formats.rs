//! What the documents say of the formats that tiles come in.

use maud::{Markup, html};
use utoipa::openapi::{ContentBuilder, Response, ResponseBuilder, schema::ObjectBuilder};

use crate::tiles::TileFormat;

/// How a format is asked for, Vietnamese and English.
const ASKING: (&str, &str) = (
    "Ô bản đồ có ba định dạng: MVT (`application/vnd.mapbox-vector-tile`, đuôi `.mvt` hoặc `.pbf`), MapLibre Tiles \
     (`application/vnd.maplibre-tile`, đuôi `.mlt`) và, khi chỉ có lớp `cells`, ô lục giác dạng gọn \
     (`application/vnd.vungxanh.cells`, đuôi `.cells`). Đuôi quyết định; không có đuôi thì theo `Accept` và trọng số: với mỗi \
     định dạng tính khoảng nói đúng nhất, bằng nhau thì định dạng được nêu rõ nhất, rồi đến MVT. Không có `Accept`, là `*/*`, hoặc \
     không nhận định dạng nào ở đây (phần mềm bản đồ gửi đủ thứ): trả lời MVT, không bao giờ 406. Mỗi định dạng có ETag riêng; \
     `Vary: Accept, Accept-Encoding`. `/tiles/{layers}.mlt.json` là TileJSON của MapLibre Tiles, có `\"encoding\":\"mlt\"`.",
    "A tile comes in three formats: MVT (`application/vnd.mapbox-vector-tile`, ending `.mvt` or `.pbf`), MapLibre Tiles \
     (`application/vnd.maplibre-tile`, ending `.mlt`) and, for the layer `cells` alone, compact cells \
     (`application/vnd.vungxanh.cells`, ending `.cells`). The ending decides; without one, `Accept` and its weights: for each \
     format the most exact range counts, of equals the format that is named most exactly, then MVT. Without `Accept`, with `*/*`, \
     and where it admits none of these (map software sends all kinds of things) the answer is MVT, never 406. Each format has its \
     own ETags; `Vary: Accept, Accept-Encoding`. `/tiles/{layers}.mlt.json` is the TileJSON of MapLibre Tiles, with \
     `\"encoding\":\"mlt\"`.",
);
/// What compact cells are made of, Vietnamese and English.
const COMPACT_CELLS: (&str, &str) = (
    include_str!("../../docs/cells-format.vi.md"),
    include_str!("../../docs/cells-format.en.md"),
);

/// For the `OpenAPI` document: a description of an operation that answers a tile.
#[must_use]
pub fn description(vietnamese: &str) -> String {
    format!(
        "{vietnamese}\n\n{}\n\n{}\n\n{}\n\n{}",
        ASKING.0, ASKING.1, COMPACT_CELLS.0, COMPACT_CELLS.1
    )
}

/// For the `OpenAPI` document: the answer with a tile in it, in each format. `schema` is that of its bytes.
#[must_use]
pub fn response(schema: fn() -> ObjectBuilder) -> Response {
    let formats = TileFormat::ALL.into_iter();
    let response = ResponseBuilder::new().description("The tile, in the format asked for");
    formats
        .fold(response, |response, format| {
            let content = ContentBuilder::new().schema(Some(schema())).build();
            response.content(format.media_type(), content)
        })
        .build()
}

/// For the page: the same in one language, its parts in backticks made code by `with_code`.
pub fn page(is_english: bool, with_code: impl Fn(&str) -> Markup) -> Markup {
    let say = |(vi, en): (&'static str, &'static str)| if is_english { en } else { vi };
    html! {
        p { (with_code(say(ASKING))) }
        p { a href={ "/formats?lang=" (say(("vi", "en"))) } { (say(("Xem hai định dạng cạnh nhau", "See two formats side by side"))) } }
        details {
            summary { (say(("Ô lục giác dạng gọn: từng byte", "Compact cells, byte by byte"))) }
            pre.text { (say(COMPACT_CELLS)) }
        }
    }
}
