use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use crate::app::import::{Source, open, progress};
use crate::config::{ImportArgs, ImportKind};
use crate::ingest::{Encoding, Format};

/// Streams the file to a server's `POST /v1/…` as it stands on the disk. Blocks.
pub fn send_blocking(args: &ImportArgs) -> anyhow::Result<ExitCode> {
    let (Some(to), Some(key)) = (&args.to, &args.key) else {
        bail!("--to needs --key");
    };
    let path = match args.kind {
        ImportKind::CheckIns => "check-ins",
        ImportKind::Declarations => "declarations",
        ImportKind::Contacts => "contacts",
        ImportKind::Assessments => "assessments",
        ImportKind::Cases => "cases",
        ImportKind::AreaReports => "area-reports",
        ImportKind::Areas | ImportKind::Venues | ImportKind::Zones => {
            bail!(
                "registries are imported on the server's machine with --data; --to takes events and area reports"
            )
        }
    };
    if args.map.is_some() || args.backfill || args.strict {
        bail!("--map, --backfill and --strict work with --data, not with --to");
    }
    let source = Source::of(args)?;
    let content_type = match source.format {
        Format::Csv => "text/csv",
        Format::Json => "application/json",
        Format::Ndjson => "application/x-ndjson",
        Format::GeoJson | Format::Parquet => bail!("--to sends CSV, JSON and NDJSON"),
    };
    let bar = progress(source.bytes);
    let mut reader = bar.wrap_read(open(&args.file)?);
    let url = format!("{}/v1/{path}", to.trim_end_matches('/'));
    let config = ureq::Agent::config_builder().http_status_as_error(false).build();
    let agent = ureq::Agent::new_with_config(config);
    let mut request = agent
        .post(&url)
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", content_type);
    if source.encoding != Encoding::Identity {
        request = request.header("content-encoding", source.encoding.as_str());
    }
    let mut response = request
        .send(ureq::SendBody::from_reader(&mut reader))
        .with_context(|| format!("POST {url}"))?;
    bar.finish_and_clear();
    let status = response.status();
    let body = response
        .body_mut()
        .read_to_string()
        .context("the server's answer")?;
    writeln!(std::io::stdout(), "{body}")?;
    Ok(if status.is_success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
