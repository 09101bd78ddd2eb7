use std::borrow::Cow;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::Response,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::edge::{ApiError, Freshness, Query, answer, csv};

/// Rows a page when nobody says.
const DEFAULT_LIMIT: u32 = 100;
/// The most rows a page.
const MAX_LIMIT: u32 = 10_000;
/// Vertices of the outlines of a page: about 5 MB of text.
const MAX_VERTICES: usize = 200_000;

/// A row of a list: an object in JSON, a line in CSV, a feature in GeoJSON.
pub trait ListRow: Serialize {
    /// The members that CSV shows, in order.
    const COLUMNS: &'static [&'static str];

    /// Its GeoJSON geometry, EPSG:4326.
    fn geometry(&self) -> Option<Cow<'_, Value>>;
}

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListFormat {
    /// `{"as_of":…,"items":[…],"links":[…]}`.
    Json,
    /// RFC 4180, safe for spreadsheets.
    Csv,
    /// A `FeatureCollection`.
    GeoJson,
}

/// What is asked of a list: its format, and which page.
#[derive(Clone, Debug)]
pub struct ListAsk {
    /// The parameters.
    pub query: Query,
    /// How to write it.
    pub format: ListFormat,
    limit: usize,
    after: Option<String>,
    has_bom: bool,
    headers: HeaderMap,
    path: String,
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// Its items.
    pub items: Vec<T>,
    /// Key of its last item when more follow.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The page up to where its outlines have too many vertices; the next page begins there. Its first item stays
    /// however large it is, so that pages get to the end.
    #[must_use]
    pub fn within_vertices(mut self, vertices: impl Fn(&T) -> usize, key: impl Fn(&T) -> String) -> Self {
        let mut sum = 0;
        let over = self.items.iter().position(|item| {
            sum += vertices(item);
            sum > MAX_VERTICES
        });
        if let Some(over) = over.map(|at| at.max(1)).filter(|at| *at < self.items.len()) {
            self.items.truncate(over);
            self.next = self.items.last().map(key);
        }
        self
    }

    /// The same page of other items.
    pub fn map<U>(self, turn: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(turn).collect(),
            next: self.next,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for ListAsk {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::from_request_parts(parts, state).await?;
        let path = parts.uri.path().to_owned();
        let format = match path.rsplit_once('.') {
            Some((_, "csv")) => ListFormat::Csv,
            Some((_, "geojson")) => ListFormat::GeoJson,
            _ => ListFormat::Json,
        };
        let after = query.read_as("cursor", "the cursor of a `next` link", |text| {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
            bytes
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .ok_or("is no cursor")
        })?;
        Ok(Self {
            format,
            limit: query.whole("limit", 1, MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT) as usize,
            after,
            has_bom: query.whole("bom", 0, 1)? == Some(1),
            headers: parts.headers.clone(),
            path,
            query,
        })
    }
}

impl ListAsk {
    /// The page that was asked for of all items in their order; `key` names an item for ever.
    pub fn page<T>(&self, items: Vec<T>, key: impl Fn(&T) -> String) -> Page<T> {
        let start = self.after.as_ref().map_or(0, |after| {
            // The item may be gone since: in a list sorted by key the page then starts where it stood.
            items
                .iter()
                .position(|item| key(item) == *after)
                .map(|found| found + 1)
                .or_else(|| items.iter().position(|item| key(item) > *after))
                .unwrap_or(items.len())
        });
        let more = items.len().saturating_sub(start) > self.limit;
        let items: Vec<T> = items.into_iter().skip(start).take(self.limit).collect();
        let next = items.last().filter(|_| more).map(&key);
        Page { items, next }
    }

    /// The address of the page after that key, with every other parameter kept.
    fn next_href(&self, key: &str) -> String {
        let mut href = format!("{}?", self.path);
        let cursor = BASE64_URL_SAFE_NO_PAD.encode(key);
        let kept = self.query.pairs().filter(|(name, _)| *name != "cursor");
        for (name, value) in kept.chain([("cursor", cursor.as_str())]) {
            if !href.ends_with('?') {
                href.push('&');
            }
            href.push_str(name);
            href.push('=');
            href.extend(percent_encoding::utf8_percent_encode(
                value,
                percent_encoding::NON_ALPHANUMERIC,
            ));
        }
        href
    }

    /// Writes a page in the format asked for.
    ///
    /// # Errors
    /// 500 when a row cannot be written.
    pub fn write<R: ListRow>(
        &self,
        as_of: &str,
        page: &Page<R>,
        freshness: Freshness,
    ) -> Result<Response, ApiError> {
        self.write_beside(as_of, page, freshness, None)
    }

    /// The same with members that JSON and GeoJSON have beside the list.
    ///
    /// # Errors
    /// As [`ListAsk::write`].
    pub fn write_beside<R: ListRow>(
        &self,
        as_of: &str,
        page: &Page<R>,
        freshness: Freshness,
        beside: Option<Value>,
    ) -> Result<Response, ApiError> {
        let next = page.next.as_ref().map(|key| self.next_href(key));
        let (kind, body) = match self.format {
            ListFormat::Json => {
                let links: Vec<Value> = next
                    .iter()
                    .map(|href| json!({"rel": "next", "type": "application/json", "href": href}))
                    .collect();
                let body = ListBody {
                    as_of,
                    items: &page.items,
                    links,
                    beside,
                };
                let bytes = serde_json::to_vec(&body).map_err(ApiError::internal)?;
                ("application/json", bytes)
            }
            ListFormat::GeoJson => {
                let links: Vec<Value> = next
                    .iter()
                    .map(|href| json!({"rel": "next", "type": "application/geo+json", "href": href}))
                    .collect();
                let body = Collection {
                    kind: "FeatureCollection",
                    as_of,
                    features: page.items.iter().map(Feature::of).collect(),
                    links,
                    beside,
                };
                let bytes = serde_json::to_vec(&body).map_err(ApiError::internal)?;
                ("application/geo+json", bytes)
            }
            ListFormat::Csv => (
                "text/csv; charset=utf-8; header=present",
                self.csv(&page.items)?.into_bytes(),
            ),
        };
        let mut response = answer(&self.headers, kind, freshness, body);
        let link = next.and_then(|href| HeaderValue::try_from(format!("<{href}>; rel=\"next\"")).ok());
        if let Some(link) = link {
            response.headers_mut().insert(header::LINK, link);
        }
        Ok(response)
    }

    fn csv<R: ListRow>(&self, rows: &[R]) -> Result<String, ApiError> {
        let mut out = String::new();
        if self.has_bom {
            out.push('\u{feff}');
        }
        let names: Vec<Value> = R::COLUMNS.iter().map(|name| json!(name)).collect();
        csv::write_record(&mut out, names.iter());
        for row in rows {
            let value = serde_json::to_value(row).map_err(ApiError::internal)?;
            let cells = R::COLUMNS
                .iter()
                .map(|name| value.get(*name).unwrap_or(&Value::Null));
            csv::write_record(&mut out, cells);
        }
        Ok(out)
    }
}

#[derive(Serialize)]
struct Collection<'a, R> {
    #[serde(rename = "type")]
    kind: &'static str,
    as_of: &'a str,
    features: Vec<Feature<'a, R>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Value>,
    #[serde(flatten)]
    beside: Option<Value>,
}

/// A row as a GeoJSON feature; its outline is borrowed, for it may be large.
#[derive(Serialize)]
struct Feature<'a, R> {
    #[serde(rename = "type")]
    kind: &'static str,
    geometry: Option<Cow<'a, Value>>,
    properties: &'a R,
}

impl<'a, R: ListRow> Feature<'a, R> {
    fn of(row: &'a R) -> Self {
        Self {
            kind: "Feature",
            geometry: row.geometry(),
            properties: row,
        }
    }
}

#[derive(Serialize)]
struct ListBody<'a, R> {
    as_of: &'a str,
    items: &'a [R],
    links: Vec<Value>,
    #[serde(flatten)]
    beside: Option<Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(after: Option<&str>, limit: usize) -> ListAsk {
        ListAsk {
            query: Query::read("kind=a&cursor=old").unwrap(),
            format: ListFormat::Json,
            limit,
            after: after.map(str::to_owned),
            has_bom: false,
            headers: HeaderMap::new(),
            path: "/v1/venues".to_owned(),
        }
    }

    #[test]
    fn pages_follow_each_other_without_gap_or_repeat() {
        let all: Vec<String> = (0..25).map(|n| format!("{n:02}")).collect();
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let page = ask(after.as_deref(), 7).page(all.clone(), String::clone);
            seen.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn a_page_ends_where_its_outlines_grow_too_large_and_the_next_goes_on_there() {
        let sizes = [("a", 150_000), ("b", 50_000), ("c", 1), ("d", 900_000), ("e", 3)];
        let mut pages = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = ask(after.as_deref(), 10)
                .page(sizes.to_vec(), |item| item.0.to_owned())
                .within_vertices(|item| item.1, |item| item.0.to_owned());
            pages.push(page.items.iter().map(|item| item.0).collect::<String>());
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(pages, ["ab", "c", "d", "e"]);
    }

    #[test]
    fn a_page_after_an_item_that_is_gone_starts_where_it_stood() {
        let page = ask(Some("b"), 10).page(vec!["a", "c"], |item| (*item).to_owned());
        assert_eq!(page.items, ["c"]);
    }

    #[test]
    fn the_next_link_keeps_the_other_parameters() {
        let href = ask(None, 1).next_href("x/y");
        assert!(href.starts_with("/v1/venues?kind=a&cursor="), "{href}");
        assert!(!href.contains("old"));
    }
}
