use axum::routing::MethodRouter;

use crate::api::edge::Class;
use crate::api::state::ApiState;
use crate::model::Role;

/// One operation: who may call it, what it takes and answers. The router, the checks of keys and
/// parameters, the `OpenAPI` document and the page at `/docs` are all made from this.
pub struct Route {
    /// Operation id.
    pub id: &'static str,
    /// What it does to the resource.
    pub verb: Verb,
    /// Path with `{parameters}`.
    pub path: &'static str,
    /// Whether `.json`, `.csv` and `.geojson` may stand behind the path.
    pub is_list: bool,
    /// Who may call it.
    pub roles: &'static [Role],
    /// Which gate it passes.
    pub class: Class,
    /// Heading in the documents.
    pub tag: &'static str,
    /// What it does, Vietnamese.
    pub vi: &'static str,
    /// What it does, English.
    pub en: &'static str,
    /// Query parameters that it knows. Others are errors.
    pub query: &'static [Param],
    /// What it takes.
    pub takes: Takes,
    /// What it answers.
    pub answers: Answers,
    /// Its code.
    pub handler: fn() -> MethodRouter<ApiState>,
}

/// HTTP methods in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Reads (HEAD too).
    Get,
    /// Adds or acts.
    Post,
    /// Writes whole.
    Put,
}

/// A query parameter.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// Shape of the value, in words of JSON Schema: `string`, `number`, `integer`.
    pub kind: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// What it means, English.
    pub en: &'static str,
    /// What it means, Vietnamese.
    pub vi: &'static str,
    /// An example.
    pub example: &'static str,
}

/// The body of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// None.
    Nothing,
    /// JSON of a named schema.
    Json(&'static str),
    /// A batch of records of a named schema: NDJSON, JSON array or CSV, perhaps compressed.
    Batch(&'static str),
}

/// The body of a good answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// One object of a named schema.
    One(&'static str),
    /// A page of objects of a named schema.
    List(&'static str),
    /// Something that is not JSON.
    Media(&'static str),
    /// A tile of ours, in one of its formats.
    Tile,
    /// JSON that another standard describes.
    Json(&'static str),
}

impl Route {
    /// Whether anybody may call it.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.roles.contains(&Role::Public)
    }

    /// The names of its query parameters.
    pub fn query_names(&self) -> impl Iterator<Item = &'static str> {
        self.query.iter().map(|param| param.name)
    }

    /// Names of the parameters in its path.
    pub fn path_names(&self) -> impl Iterator<Item = &'static str> {
        self.path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// Its path, and for lists the same with each suffix.
    pub fn paths(&self) -> impl Iterator<Item = String> {
        let suffixes: &[&str] = if self.is_list {
            &["", ".json", ".csv", ".geojson"]
        } else {
            &[""]
        };
        suffixes.iter().map(|suffix| format!("{}{suffix}", self.path))
    }
}

impl Verb {
    /// The method's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}
