//! A router over a temporary store, with a key of every role.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tower::ServiceExt as _;
use vungxanh::api::{ApiConfig, ApiState, router};
use vungxanh::model::{Area, AreaCode, AreaLevel, Clock, Role, Timestamp, Venue, VenueKind};
use vungxanh::pipeline::{Pipeline, PipelineConfig};
use vungxanh::risk::Rules;
use vungxanh::store::KeyRow;
use vungxanh::tiles::TileCache;

use crate::fixtures::{self, rectangle};

pub const NOW: &str = "2021-05-07T20:00:00+07:00";

pub struct TestApp {
    pub router: Router,
    pub pipeline: Pipeline,
    config: ApiConfig,
    folder: tempfile::TempDir,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A good problem: the type, both titles, the status, the request.
    pub fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        for member in ["type", "title", "title_en", "detail", "instance"] {
            assert!(problem[member].is_string(), "{member} in {problem}");
        }
        assert!(
            problem["instance"]
                .as_str()
                .unwrap()
                .ends_with(self.header("x-request-id"))
        );
        problem
    }
}

impl TestApp {
    pub async fn new() -> Self {
        Self::with(ApiConfig::default()).await
    }

    pub async fn with(config: ApiConfig) -> Self {
        let app = Self::open(tempfile::tempdir().unwrap(), NOW, config).await;
        app.pipeline
            .put_areas(vec![
                area("19", "Thái Nguyên", None, 0.0),
                area("164", "TP Thái Nguyên", Some("19"), 0.15),
            ])
            .await
            .unwrap();
        app.pipeline
            .put_venues(vec![
                venue("v1", "Chợ Thái", VenueKind::Market, 105.84, 21.59),
                venue("v2", "=Quán \"Hoa\", cà phê", VenueKind::Cafe, 105.85, 21.60),
                venue("far", "Chợ xa", VenueKind::Market, 105.55, 21.59),
            ])
            .await
            .unwrap();
        for role in Role::ALL.into_iter().filter(|role| *role != Role::Public) {
            app.key(role.as_str(), role, &[]).await;
        }
        app.key("scoped", Role::Official, &["164"]).await;
        app.key("elsewhere", Role::Official, &["999"]).await;
        app
    }

    /// The server over a folder at an instant.
    async fn open(folder: tempfile::TempDir, now: &str, config: ApiConfig) -> Self {
        let clock = Clock::fixed(Timestamp::parse(now).unwrap());
        let rules = Arc::new(Rules::builtin());
        let pipeline = Pipeline::open(folder.path(), PipelineConfig::default(), clock, rules)
            .await
            .unwrap();
        let tiles = Arc::new(TileCache::new(8 << 20));
        let state = ApiState::new(pipeline.clone(), tiles, config.clone(), None);
        Self {
            router: router(state),
            pipeline,
            config,
            folder,
        }
    }

    /// Waits until live tiles are of the newest snapshot: they never run ahead of what is told of changes.
    pub async fn noted(&self) {
        loop {
            let request = Request::get("/v1/changes").body(Body::empty()).unwrap();
            let answer = self.router.clone().oneshot(request).await.unwrap();
            let greeting = answer.into_body().into_data_stream().next().await;
            let now = format!("\"generation\":{},", self.pipeline.snapshot().generation());
            if String::from_utf8_lossy(&greeting.unwrap().unwrap()).contains(&now) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// The same folder, served again at a later instant.
    pub async fn later(self, now: &str) -> Self {
        self.pipeline.close().await.unwrap();
        let Self {
            router,
            pipeline,
            config,
            folder,
        } = self;
        drop((router, pipeline));
        Self::open(folder, now, config).await
    }

    pub async fn key(&self, id: &str, role: Role, areas: &[&str]) {
        let row = KeyRow {
            id: id.to_owned(),
            secret_sha256: Sha256::digest(b"secret").into(),
            role,
            areas: areas.iter().map(|code| AreaCode::new(code).unwrap()).collect(),
            name: id.to_owned(),
            created_at: Timestamp::parse(NOW).unwrap(),
            expires_at: None,
            revoked_at: None,
        };
        self.pipeline.store().create_key(&row).await.unwrap();
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 64 << 20).await.unwrap().to_vec();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        key: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !key.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer vx_{key}_secret"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    pub async fn get(&self, path: &str, key: &str) -> Answer {
        self.ask("GET", path, key, &[], "").await
    }

    pub async fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.ask(
            "POST",
            path,
            key,
            &[("content-type", "application/json")],
            body.to_string(),
        )
        .await
    }

    pub async fn check_ins(&self, body: &str, headers: &[(&str, &str)]) -> Answer {
        let mut all = vec![("content-type", "application/x-ndjson")];
        all.extend_from_slice(headers);
        self.ask("POST", "/v1/check-ins", "ingest", &all, body.to_owned())
            .await
    }
}

pub fn area(code: &str, name: &str, parent: Option<&str>, inset: f64) -> Area {
    let outline = rectangle(105.5 + inset, 21.4 + inset, 106.2 - inset, 22.0 - inset);
    let level = if parent.is_some() {
        AreaLevel::District
    } else {
        AreaLevel::Province
    };
    Area {
        name: name.to_owned(),
        population: Some(300_000),
        approximate: true,
        ..fixtures::area(code, level, parent, outline)
    }
}

pub fn venue(id: &str, name: &str, kind: VenueKind, lng: f64, lat: f64) -> Venue {
    Venue {
        name: name.to_owned(),
        kind,
        valid_from: Timestamp::parse("2021-01-01T00:00:00+07:00").unwrap(),
        ..fixtures::venue(id, lng, lat)
    }
}

pub fn check_in(id: &str, venue: &str, person: &str) -> String {
    json!({"id": id, "venue": venue, "person": person, "at": "2021-05-07T09:00:00+07:00", "direction": "in"})
        .to_string()
}

pub fn zone(shift: f64) -> Value {
    let (west, south) = (105.83 + shift, 21.61);
    let (east, north) = (west + 0.02, south + 0.02);
    json!({
        "name": "Khu dân cư số 5", "kind": "lockdown", "starts_at": "2021-05-07T00:00:00+07:00",
        "decision": "123/QĐ", "reason": "ổ dịch",
        "geometry": {"type": "Polygon", "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]]}
    })
}
