use std::io::{self, Read};
use std::ops::ControlFlow;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream::FuturesOrdered};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use crate::api::edge::{ApiError, Caller, FieldError, Held, Query, media, present_place};
use crate::api::state::ApiState;
use crate::api::v1::idempotency::{Slot, idempotency_key};
use crate::ingest::{Encoding, FieldMap, Format, IngestError, ReadSummary, Rejection, decoder, read_events};
use crate::model::EventKind;
use crate::pipeline::Pipeline;
use crate::store::{Appended, IdempotentAnswer, Keyed};

/// Refusals listed one by one in an answer; the rest is counted.
pub(super) const LISTED: usize = 1000;
/// Parts of a body that may wait for the reader.
const PARTS_AHEAD: usize = 8;
/// Chunks of one batch that may wait for their commit.
const CHUNKS_UNDER_WAY: usize = 8;
/// What an event takes in memory beside the text it was read from.
const ROW_BYTES: usize = 256;
const FORMATS: &str = "application/x-ndjson, application/json or text/csv";

/// What became of a batch. It is on the disk when this is sent.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct BatchAnswer {
    /// New events, stored.
    pub accepted: u64,
    /// Repeats of events that were stored before: not counted again, not an error.
    pub duplicates: u64,
    /// Events whose id was stored before with other content; the first stays. Listed among the rejected too.
    pub conflicts: u64,
    /// The first 1,000 refused records, by line.
    #[schema(value_type = Vec<RejectedLine>)]
    pub rejected: Vec<Rejection>,
    /// How many were refused.
    pub rejected_total: u64,
    /// The position after the batch.
    pub position: i64,
}

/// A refused record.
#[derive(Serialize, utoipa::ToSchema)]
pub struct RejectedLine {
    /// Line from 1 (NDJSON; CSV with its header as line 1), or element from 1.
    pub line: u64,
    /// The field at fault.
    pub field: Option<String>,
    /// The value, shortened; never of a field that may name a person.
    pub value: Option<String>,
    /// What is wrong.
    pub reason: String,
    /// What would be accepted.
    pub expected: String,
}

/// `POST /v1/check-ins`.
pub async fn check_ins(
    state: State<ApiState>,
    caller: Caller,
    query: Query,
    request: Request,
) -> Result<Response, ApiError> {
    post(state, &caller, &query, request, EventKind::CheckIn).await
}

/// `POST /v1/declarations`.
pub async fn declarations(
    state: State<ApiState>,
    caller: Caller,
    query: Query,
    request: Request,
) -> Result<Response, ApiError> {
    post(state, &caller, &query, request, EventKind::Declaration).await
}

/// `POST /v1/contacts`.
pub async fn contacts(
    state: State<ApiState>,
    caller: Caller,
    query: Query,
    request: Request,
) -> Result<Response, ApiError> {
    post(state, &caller, &query, request, EventKind::Contact).await
}

/// `POST /v1/assessments`.
pub async fn assessments(
    state: State<ApiState>,
    caller: Caller,
    query: Query,
    request: Request,
) -> Result<Response, ApiError> {
    post(state, &caller, &query, request, EventKind::Assessment).await
}

/// `POST /v1/cases`.
pub async fn cases(
    state: State<ApiState>,
    caller: Caller,
    query: Query,
    request: Request,
) -> Result<Response, ApiError> {
    post(state, &caller, &query, request, EventKind::Case).await
}

async fn post(
    State(state): State<ApiState>,
    caller: &Caller,
    query: &Query,
    request: Request,
    kind: EventKind,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    let key = idempotency_key(headers)?;
    let input = Input {
        kind,
        format: format_of(headers)?,
        encoding: encoding_of(headers)?,
        map: query
            .read_as("map", "field=column pairs joined by commas", FieldMap::parse)?
            .unwrap_or_else(FieldMap::identity),
        is_hashed: key.is_some(),
    };
    let limit = state.config.batch.wire_bytes;
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let entry = state.in_flight.enter()?;
    let Some(idempotency_key) = key else {
        let (answer, _hash) = run(&state, input, body, entry).await?;
        return json(StatusCode::OK, &answer);
    };
    // The same key may name a batch of each kind.
    let slot = Slot::take(
        &state,
        caller.actor(),
        format!("{}:{idempotency_key}", kind_name(kind)),
    )?;
    let now = state.now();
    let store = state.pipeline.store();
    let earlier = store.idempotent_answer(caller.actor(), &slot.name.1, now).await?;
    if let Some(earlier) = earlier {
        if hash_body(body, limit).await? != earlier.body_hash {
            return Err(ApiError::Unprocessable(vec![FieldError::new(
                "Idempotency-Key",
                &slot.name.1,
                "was used with another body",
                "a new key for a new body",
            )]));
        }
        let status = StatusCode::from_u16(earlier.status).unwrap_or(StatusCode::OK);
        return Ok(respond(status, earlier.answer, true));
    }
    let (answer, body_hash) = run(&state, input, body, entry).await?;
    let bytes = serde_json::to_vec(&answer).map_err(ApiError::internal)?;
    let kept = IdempotentAnswer {
        body_hash: body_hash.ok_or_else(|| ApiError::internal("a body was not hashed"))?,
        status: 200,
        answer: bytes.clone(),
    };
    store
        .put_idempotent_answer(caller.actor(), &slot.name.1, &kept, now)
        .await?;
    Ok(respond(StatusCode::OK, bytes, false))
}

struct Input {
    kind: EventKind,
    format: Format,
    encoding: Encoding,
    map: FieldMap,
    /// Whether the body's hash is wanted: it costs as much as the decoding.
    is_hashed: bool,
}

/// Three that run side by side, each with a bounded hand-over: the body is fed, a blocking thread
/// decodes and validates it, and finished chunks are committed.
async fn run(
    state: &ApiState,
    input: Input,
    body: Body,
    entry: Held,
) -> Result<(BatchAnswer, Option<[u8; 32]>), ApiError> {
    let (parts_in, parts_out) = mpsc::channel(PARTS_AHEAD);
    let (chunks_in, chunks_out) = mpsc::channel(1);
    let kind = input.kind;
    let is_hashed = input.is_hashed;
    let reading = {
        let state = state.clone();
        let place = present_place();
        tokio::task::spawn_blocking(move || {
            let _held = (place, entry);
            read_blocking(&state, &input, PartsReader::new(parts_out), &chunks_in)
        })
    };
    let (fed, committed) = tokio::join!(
        feed(body, state.config.batch.wire_bytes, is_hashed, parts_in),
        commit(&state.pipeline, kind, chunks_out)
    );
    let read = reading
        .await
        .map_err(|panic| ApiError::internal(format!("reading a batch: {panic}")))?;
    let mut answer = committed?;
    let stored = answer.accepted + answer.duplicates;
    let hash = fed?;
    read.map_err(|error| unreadable(&error, stored))?;
    if answer.position == 0 {
        answer.position = state.pipeline.store().position().await?;
    }
    Ok((answer, hash))
}

/// Hands the body on, part by part; its SHA-256 when it came whole and somebody wants it.
async fn feed(
    body: Body,
    limit: u64,
    is_hashed: bool,
    parts: mpsc::Sender<io::Result<Bytes>>,
) -> Result<Option<[u8; 32]>, ApiError> {
    let mut stream = body.into_data_stream();
    let mut hash = is_hashed.then(Sha256::new);
    let mut total = 0_u64;
    let mut is_read = true;
    loop {
        let part = match media::next_part(&mut stream).await {
            Ok(Some(part)) => part,
            Ok(None) => return Ok(hash.map(|hash| hash.finalize().into())),
            Err(error) => {
                let _gone = parts
                    .send(Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the body ended early",
                    )))
                    .await;
                return Err(error);
            }
        };
        total += part.len() as u64;
        if total > limit {
            let _gone = parts
                .send(Err(io::Error::new(io::ErrorKind::FileTooLarge, "too large")))
                .await;
            return Err(too_large(limit));
        }
        if let Some(hash) = &mut hash {
            hash.update(&part);
        }
        // A reader that has seen enough (an error, or the end of an array) goes away; the rest of the
        // body is still drawn, within the limit, so that the client hears the answer.
        if is_read {
            is_read = parts.send(Ok(part)).await.is_ok();
        }
    }
}

/// A chunk on its way to the disk, with the room in memory that it was given.
struct Ready {
    batch: Keyed,
    lines: Vec<u64>,
    rejections: Vec<Rejection>,
    held: Option<Held>,
}

fn read_blocking(
    state: &ApiState,
    input: &Input,
    reader: PartsReader,
    chunks: &mpsc::Sender<Ready>,
) -> Result<ReadSummary, IngestError> {
    let limits = &state.config.batch;
    let runtime = tokio::runtime::Handle::current();
    let decoded = decoder(input.encoding, reader, limits)?;
    state.pipeline.with_door(false, |door| {
        read_events(
            input.kind,
            input.format,
            &input.map,
            decoded,
            door,
            limits,
            &mut |chunk| {
                // Waiting here stops the reading of the socket, in three steps: this thread, the parts, the body.
                let cost = chunk.bytes + (chunk.lines.len() + chunk.rejections.len()) * ROW_BYTES;
                let ready = Ready {
                    held: runtime.block_on(state.in_flight.hold(cost)),
                    batch: Keyed::new(chunk.batch),
                    lines: chunk.lines,
                    rejections: chunk.rejections,
                };
                match chunks.blocking_send(ready) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_gone) => ControlFlow::Break(()),
                }
            },
        )
    })
}

/// Commits chunks in their order, several under way at once: those that wait share a transaction.
async fn commit(
    pipeline: &Pipeline,
    kind: EventKind,
    mut chunks: mpsc::Receiver<Ready>,
) -> Result<BatchAnswer, ApiError> {
    let mut answer = BatchAnswer::default();
    let mut under_way = FuturesOrdered::new();
    loop {
        let ready = tokio::select! {
            biased;
            Some(done) = under_way.next() => {
                let (appended, lines): (Appended, Vec<u64>) = done?;
                answer.take(&appended, &lines);
                continue;
            }
            Some(ready) = chunks.recv(), if under_way.len() < CHUNKS_UNDER_WAY => ready,
            else => break,
        };
        answer.reject(ready.rejections);
        if ready.lines.is_empty() {
            continue;
        }
        let appending = pipeline.submit(ready.batch);
        under_way.push_back(async move {
            let appended = appending.await.map_err(ApiError::from)?;
            drop(ready.held);
            Ok::<_, ApiError>((appended, ready.lines))
        });
    }
    answer.rejected.sort_by_key(|rejection| rejection.line);
    for (outcome, count) in [
        ("accepted", answer.accepted),
        ("duplicate", answer.duplicates),
        ("rejected", answer.rejected_total),
    ] {
        metrics::counter!("vungxanh_ingest_events_total", "kind" => kind_name(kind), "outcome" => outcome)
            .increment(count);
    }
    Ok(answer)
}

impl BatchAnswer {
    fn take(&mut self, appended: &Appended, lines: &[u64]) {
        let [accepted, duplicates, conflicts, _sealed] = appended.counts();
        self.accepted += accepted;
        self.duplicates += duplicates;
        self.conflicts += conflicts;
        self.position = appended.position;
        self.reject(Pipeline::refusals(appended, lines));
    }

    fn reject(&mut self, rejections: Vec<Rejection>) {
        self.rejected_total += rejections.len() as u64;
        let room = LISTED.saturating_sub(self.rejected.len());
        self.rejected.extend(rejections.into_iter().take(room));
    }
}

/// The parts of a body as a blocking reader. Only ever used on a blocking thread.
struct PartsReader {
    parts: mpsc::Receiver<io::Result<Bytes>>,
    rest: Bytes,
}

impl PartsReader {
    fn new(parts: mpsc::Receiver<io::Result<Bytes>>) -> Self {
        Self {
            parts,
            rest: Bytes::new(),
        }
    }
}

impl Read for PartsReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.parts.blocking_recv() {
                Some(part) => self.rest = part?,
                None => return Ok(0),
            }
        }
        let length = out.len().min(self.rest.len());
        out[..length].copy_from_slice(&self.rest.split_to(length));
        Ok(length)
    }
}

pub(super) fn format_of(headers: &HeaderMap) -> Result<Format, ApiError> {
    let value = media::media_type(headers).unwrap_or_default();
    match Format::of_content_type(&value) {
        Some(format @ (Format::Json | Format::Ndjson | Format::Csv)) => Ok(format),
        _ => Err(ApiError::UnsupportedMedia {
            field: "Content-Type",
            value: value.chars().take(100).collect(),
            expected: FORMATS.to_owned(),
        }),
    }
}

pub(super) fn encoding_of(headers: &HeaderMap) -> Result<Encoding, ApiError> {
    let value = headers
        .get(header::CONTENT_ENCODING)
        .map_or("", |value| value.to_str().unwrap_or("?"));
    Encoding::of_content_encoding(value).ok_or_else(|| ApiError::UnsupportedMedia {
        field: "Content-Encoding",
        value: value.chars().take(100).collect(),
        expected: "gzip, zstd, br or identity".to_owned(),
    })
}

/// The body's hash, drawn within the limit and thrown away.
async fn hash_body(body: Body, limit: u64) -> Result<[u8; 32], ApiError> {
    let mut stream = body.into_data_stream();
    let mut hash = Sha256::new();
    let mut total = 0_u64;
    while let Some(part) = media::next_part(&mut stream).await? {
        total += part.len() as u64;
        if total > limit {
            return Err(too_large(limit));
        }
        hash.update(&part);
    }
    Ok(hash.finalize().into())
}

pub(super) fn too_large(limit: u64) -> ApiError {
    ApiError::TooLarge(format!(
        "the batch has more than {limit} bytes on the wire; send it in parts"
    ))
}

pub(super) fn unreadable(error: &IngestError, stored: u64) -> ApiError {
    let stands = format!("{error}. {stored} events before that are stored; sending them again is harmless");
    match error {
        IngestError::TooLarge { .. } | IngestError::Bomb { .. } | IngestError::TooManyRecords { .. } => {
            ApiError::TooLarge(stands)
        }
        IngestError::Unsupported { .. } => ApiError::UnsupportedMedia {
            field: "Content-Type",
            value: error.to_string(),
            expected: FORMATS.to_owned(),
        },
        _ => ApiError::Invalid(vec![FieldError {
            field: "body".to_owned(),
            value: None,
            reason: stands,
            expected: "records as the API document describes".to_owned(),
            file: None,
            line: None,
        }]),
    }
}

fn json(status: StatusCode, answer: &BatchAnswer) -> Result<Response, ApiError> {
    let bytes = serde_json::to_vec(answer).map_err(ApiError::internal)?;
    Ok(respond(status, bytes, false))
}

fn respond(status: StatusCode, bytes: Vec<u8>, is_replay: bool) -> Response {
    let headers = [
        (header::CONTENT_TYPE.as_str(), "application/json"),
        (header::CACHE_CONTROL.as_str(), "no-store"),
    ];
    let mut response = (status, headers, bytes).into_response();
    if is_replay {
        response
            .headers_mut()
            .insert("idempotency-replayed", header::HeaderValue::from_static("true"));
    }
    response
}

const fn kind_name(kind: EventKind) -> &'static str {
    match kind {
        EventKind::CheckIn => "check_in",
        EventKind::Declaration => "declaration",
        EventKind::Contact => "contact",
        EventKind::Assessment => "assessment",
        EventKind::Case => "case",
    }
}
