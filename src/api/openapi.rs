use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, HttpMethod, InfoBuilder, OpenApi, OpenApiBuilder, PathsBuilder, Ref,
    Required, ResponseBuilder, Schema,
    path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem},
    request_body::RequestBodyBuilder,
    schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type},
    security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
};

use crate::api::edge::{FieldError, Problem};
use crate::api::records;
use crate::api::routes::{Answers, Param, Route, Takes, Verb};
use crate::api::table::ROUTES;
use crate::api::tile_formats;
use crate::api::v1::{
    air, area_reports, areas, bulletin, cells, clusters, events, forecasts, hot_spots, marks, registry, risk,
    rules, trend, venue_assessments, venue_marks, venues, view, zones,
};
use crate::model::Role;

/// The `OpenAPI` 3.1 document of everything in the table.
#[must_use]
pub fn document() -> OpenApi {
    let mut paths = PathsBuilder::new();
    for route in ROUTES {
        let method = match route.verb {
            Verb::Get => HttpMethod::Get,
            Verb::Post => HttpMethod::Post,
            Verb::Put => HttpMethod::Put,
        };
        paths = paths.path(route.path, PathItem::new(method, operation(route)));
    }
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Vùng Xanh")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "Bản đồ địa điểm an toàn. A live, explainable, privacy-keeping safe-venue map: events in, \
                     cells, venues, areas, zones and tiles out. Without a key only released figures are seen.",
                ))
                .build(),
        )
        .paths(paths.build())
        .components(Some(components()))
        .build()
}

fn operation(route: &Route) -> OperationBuilder {
    let roles: Vec<&str> = route.roles.iter().map(|role| role.as_str()).collect();
    let mut description = if route.answers == Answers::Tile {
        tile_formats::description(route.vi)
    } else {
        route.vi.to_owned()
    };
    if !route.is_public() {
        description.push_str("\n\nKey of the role ");
        description.push_str(&roles.join(" or "));
        description.push('.');
    }
    if route.is_list {
        description.push_str(
            "\n\nThe same path with `.json`, `.csv` or `.geojson` gives the same list in that form.",
        );
    }
    let mut operation = OperationBuilder::new()
        .operation_id(Some(route.id))
        .tag(route.tag)
        .summary(Some(route.en))
        .description(Some(description));
    for name in route.path_names() {
        operation = operation.parameter(path_parameter(name));
    }
    for param in route.query {
        operation = operation.parameter(query_parameter(param));
    }
    if route.path.ends_with("/publish") || route.path.ends_with("/lift") {
        operation = operation.parameter(
            ParameterBuilder::new()
                .name("If-Match")
                .parameter_in(ParameterIn::Header)
                .required(Required::True)
                .description(Some("ETag of the version that was read, such as \"v1\""))
                .schema(Some(text()))
                .build(),
        );
    }
    if let Takes::Batch(_) = route.takes {
        operation = operation.parameter(
            ParameterBuilder::new()
                .name("Idempotency-Key")
                .parameter_in(ParameterIn::Header)
                .required(Required::False)
                .description(Some(
                    "The same key with the same body gets the first answer again, for a day",
                ))
                .schema(Some(text()))
                .build(),
        );
    }
    operation = operation.request_body(takes(route));
    operation = responses(route, operation);
    operation = if route.is_public() {
        operation
            .security(SecurityRequirement::default())
            .security(SecurityRequirement::new("key", Vec::<String>::new()))
    } else {
        operation.security(SecurityRequirement::new("key", Vec::<String>::new()))
    };
    operation
}

fn takes(route: &Route) -> Option<utoipa::openapi::request_body::RequestBody> {
    let of = |name: &str| Ref::from_schema_name(name);
    match route.takes {
        Takes::Nothing => None,
        Takes::Json(name) => Some(
            RequestBodyBuilder::new()
                .required(Some(Required::True))
                .content(
                    "application/json",
                    ContentBuilder::new().schema(Some(of(name))).build(),
                )
                .build(),
        ),
        Takes::Batch(name) => Some(
            RequestBodyBuilder::new()
                .required(Some(Required::True))
                .description(Some(
                    "Streamed. Content-Encoding gzip, zstd or br. CSV has a header line with the same names.",
                ))
                .content(
                    "application/x-ndjson",
                    ContentBuilder::new().schema(Some(of(name))).build(),
                )
                .content(
                    "application/json",
                    ContentBuilder::new()
                        .schema(Some(ArrayBuilder::new().items(of(name)).build()))
                        .build(),
                )
                .content("text/csv", ContentBuilder::new().schema(Some(text())).build())
                .build(),
        ),
    }
}

fn responses(route: &Route, operation: OperationBuilder) -> OperationBuilder {
    let content = |kind: &str, schema: Option<Schema>| {
        ResponseBuilder::new()
            .description("OK")
            .content(kind, ContentBuilder::new().schema(schema).build())
            .build()
    };
    let good = match route.answers {
        Answers::One(name) => ResponseBuilder::new()
            .description("OK")
            .content(
                "application/json",
                ContentBuilder::new()
                    .schema(Some(Ref::from_schema_name(name)))
                    .build(),
            )
            .build(),
        Answers::List(name) => ResponseBuilder::new()
            .description("One page; `links` names the next")
            .content(
                "application/json",
                ContentBuilder::new().schema(Some(list_of(name))).build(),
            )
            .content("text/csv", ContentBuilder::new().schema(Some(text())).build())
            .content(
                "application/geo+json",
                ContentBuilder::new().schema(Some(object())).build(),
            )
            .build(),
        Answers::Media(kind) => content(kind, Some(text().into())),
        Answers::Tile => tile_formats::response(text),
        Answers::Json(_) => content("application/json", Some(object().into())),
    };
    let creates = matches!(route.id, "postZone" | "postMark");
    let mut operation = operation.response(if creates { "201" } else { "200" }, good);
    if matches!(route.verb, Verb::Put) {
        operation = operation.response(
            "201",
            ResponseBuilder::new()
                .description("New")
                .content(
                    "application/json",
                    ContentBuilder::new()
                        .schema(Some(Ref::from_schema_name("RegistryAnswer")))
                        .build(),
                )
                .build(),
        );
    }
    if route.answers == Answers::Tile || route.id == "getBasemapTile" {
        operation = operation.response(
            "204",
            ResponseBuilder::new().description("Nothing in this tile").build(),
        );
    }
    if route.verb == Verb::Get {
        operation = operation.response("304", ResponseBuilder::new().description("Not changed").build());
    }
    operation.response(
        "default",
        ResponseBuilder::new()
            .description("A problem (RFC 9457)")
            .content(
                "application/problem+json",
                ContentBuilder::new()
                    .schema(Some(Ref::from_schema_name("Problem")))
                    .build(),
            )
            .build(),
    )
}

fn list_of(name: &str) -> Schema {
    let link = ObjectBuilder::new()
        .property("rel", text())
        .property("type", text())
        .property("href", text());
    let list = ObjectBuilder::new()
        .property("as_of", text())
        .required("as_of")
        .property("items", ArrayBuilder::new().items(Ref::from_schema_name(name)))
        .required("items")
        .property("links", ArrayBuilder::new().items(link))
        .required("links");
    let list = match name {
        "HotSpotRow" | "LocationRow" => list
            .property("span", Ref::from_schema_name("Span"))
            .required("span")
            .property("left_out", Ref::from_schema_name("LeftOut")),
        "ForecastRow" => list.property("counts_with", object()),
        _ => list,
    };
    list.build().into()
}

fn path_parameter(name: &str) -> Parameter {
    let description = match name {
        "h3" => "H3 cell, 15 hexadecimal digits, resolution 0 to 9",
        "code" => "Official code of the area",
        "layers" => "One or several of cells, venues, areas, zones joined by commas",
        "z" => "Zoom, 0 to 16",
        "x" => "Column",
        "y" => "Row; `.mvt`, `.pbf`, `.mlt` or `.cells` may follow",
        "name" => "light.json or dark.json",
        _ => "Id",
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(text()))
        .build()
}

fn query_parameter(param: &Param) -> Parameter {
    let kind = match param.kind {
        "integer" => Type::Integer,
        "number" => Type::Number,
        _ => Type::String,
    };
    let example = match kind {
        Type::Integer | Type::Number => serde_json::from_str(param.example).unwrap_or(json!(param.example)),
        _ => json!(param.example),
    };
    let example = (!param.example.is_empty()).then_some(example);
    ParameterBuilder::new()
        .name(param.name)
        .parameter_in(ParameterIn::Query)
        .required(if param.required {
            Required::True
        } else {
            Required::False
        })
        .description(Some(format!("{} · {}", param.en, param.vi)))
        .schema(Some(
            ObjectBuilder::new().schema_type(SchemaType::Type(kind)).build(),
        ))
        .example(example)
        .build()
}

fn components() -> utoipa::openapi::Components {
    let roles: Vec<&str> = Role::ALL.map(Role::as_str).to_vec();
    let scheme = SecurityScheme::Http({
        let mut http = Http::new(HttpAuthScheme::Bearer);
        http.description = Some(format!(
            "`vx_<id>_<secret>`, made with `vungxanh key create`. Roles: {}.",
            roles.join(", ")
        ));
        http
    });
    let mut schemas = Vec::new();
    macro_rules! add {
        ($($kind:ty),* $(,)?) => {$(
            schemas.push((<$kind as ToSchema>::name().to_string(), <$kind as utoipa::PartialSchema>::schema()));
            <$kind as ToSchema>::schemas(&mut schemas);
        )*};
    }
    add!(
        Problem,
        FieldError,
        events::BatchAnswer,
        events::RejectedLine,
        cells::CellRow,
        cells::CellAnswer,
        venues::VenueRow,
        venues::VenueAnswer,
        venues::VenueRiskAnswer,
        venues::VenueHoursAnswer,
        air::VenueAirAnswer,
        venue_marks::VenueMarkRow,
        venue_assessments::VenueAssessmentRow,
        forecasts::ForecastRow,
        areas::AreaRow,
        areas::AreaAnswer,
        areas::AreaLevelAnswer,
        areas::AreaHistoryAnswer,
        area_reports::AreaReportRow,
        area_reports::AreaReportsAnswer,
        trend::AreaTrendAnswer,
        clusters::ClustersAnswer,
        clusters::LocationRow,
        hot_spots::HotSpotRow,
        rules::RuleRow,
        rules::ReloadAnswer,
        rules::RuleAnswer,
        trend::TriangleRow,
        bulletin::BulletinRow,
        zones::ZoneRow,
        zones::ZoneAnswer,
        marks::MarkRecord,
        marks::MarkAnswer,
        marks::MarksAnswer,
        risk::RiskAtAnswer,
        risk::RiskInAnswer,
        registry::RegistryAnswer,
        view::Span,
        records::CheckInRecord,
        records::DeclarationRecord,
        records::ContactRecord,
        records::AssessmentRecord,
        records::CaseRecord,
        records::VenueRecord,
        records::AreaRecord,
        records::AreaReportRecord,
        records::ZoneRecord,
        records::Polygon,
    );
    ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .security_scheme("key", scheme)
        .build()
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))
}

fn object() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::Object))
}
