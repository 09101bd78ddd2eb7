use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use crate::config::Settings;
use crate::store::{CheckReport, Store, StoreConfig};

const DATABASE: &str = "vungxanh.sqlite";

/// Verifies a folder and says what it holds; a server may run meanwhile.
pub async fn check(data: &Path, settings: &Settings) -> anyhow::Result<ExitCode> {
    must_exist(data)?;
    let store = open_beside(data, settings).await?;
    let report = store.check().await?;
    store.close().await;
    print(&report)
}

/// Writes one consistent file; a server may run meanwhile.
pub async fn backup(data: &Path, to: &Path, settings: &Settings) -> anyhow::Result<ExitCode> {
    must_exist(data)?;
    let store = open_beside(data, settings).await?;
    let position = store.backup_to(to).await?;
    store.close().await;
    writeln!(
        std::io::stdout(),
        "{} holds every event up to position {position}. The pseudonym key ({}) is not in it: keep it apart.",
        to.display(),
        data.join("pseudonym.key").display(),
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Makes a new folder of a backup and checks it.
pub async fn restore(data: &Path, from: &Path, settings: &Settings) -> anyhow::Result<ExitCode> {
    let database = data.join(DATABASE);
    for name in [
        DATABASE,
        "vungxanh.sqlite-wal",
        "vungxanh.sqlite-shm",
        "ledger.checkpoint",
    ] {
        if data.join(name).exists() {
            bail!("{} exists: restore into a new folder", data.join(name).display());
        }
    }
    std::fs::create_dir_all(data).with_context(|| format!("folder {}", data.display()))?;
    // Parts of a checkpoint hold who was where: none of another folder's may stay beside these events.
    for entry in std::fs::read_dir(data)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("ledger-") && name.ends_with(".part") {
            bail!(
                "{} exists: restore into a new folder",
                data.join(&*name).display()
            );
        }
    }
    std::fs::copy(from, &database).with_context(|| format!("copying {}", from.display()))?;
    let store = open_beside(data, settings).await?;
    let report = store.check().await?;
    store.close().await;
    print(&report)
}

fn print(report: &CheckReport) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout();
    writeln!(out, "position {}, retired {}", report.position, report.retired)?;
    let counts = &report.counts;
    writeln!(
        out,
        "check-ins {}, declarations {}, contacts {}, assessments {}, cases {}",
        counts.check_ins, counts.declarations, counts.contacts, counts.assessments, counts.cases
    )?;
    for problem in &report.problems {
        writeln!(out, "PROBLEM: {problem}")?;
    }
    if report.is_ok() {
        writeln!(out, "ok")?;
        Ok(ExitCode::SUCCESS)
    } else {
        Ok(ExitCode::FAILURE)
    }
}

/// A stopwatch: how long a command took is said to people, and decides nothing.
#[expect(clippy::disallowed_methods, reason = "time spent, not the time it is")]
pub fn begun() -> std::time::Instant {
    std::time::Instant::now()
}

/// Refuses a folder without a database: reading commands make none.
pub fn must_exist(data: &Path) -> anyhow::Result<()> {
    if data.join(DATABASE).is_file() {
        Ok(())
    } else {
        bail!("{} holds no {DATABASE}", data.display());
    }
}

/// Opens a folder's store beside a server that may be running.
pub async fn open_beside(data: &Path, settings: &Settings) -> anyhow::Result<Store> {
    let config = StoreConfig {
        utc_offset: settings.offset,
    };
    Store::open_beside(data, config)
        .await
        .with_context(|| format!("--data {}", data.display()))
}
