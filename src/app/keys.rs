use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

use crate::app::upkeep::open_beside;
use crate::config::{KeyCommand, KeyCreateArgs, Settings};
use crate::model::{AreaCode, Role, Timestamp};
use crate::store::{KeyRow, Store};

/// Runs a key command beside a server that may be running.
pub async fn run(command: KeyCommand, settings: &Settings) -> anyhow::Result<ExitCode> {
    match command {
        KeyCommand::Create(args) => create(args, settings).await,
        KeyCommand::List { data } => list(&data, settings).await,
        KeyCommand::Revoke { data, id } => revoke(&data, &id, settings).await,
    }
}

/// Makes a key and stores its hash; the answer is the whole secret, which nothing keeps.
pub async fn make(
    store: &Store,
    role: Role,
    areas: Vec<AreaCode>,
    name: String,
    now: Timestamp,
) -> anyhow::Result<String> {
    let id = random_hex::<6>()?;
    let secret = random_hex::<32>()?;
    let token = format!("vx_{id}_{secret}");
    store
        .create_key(&KeyRow {
            id,
            secret_sha256: Sha256::digest(secret.as_bytes()).into(),
            role,
            areas,
            name,
            created_at: now,
            expires_at: None,
            revoked_at: None,
        })
        .await?;
    Ok(token)
}

async fn create(args: KeyCreateArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    let role = Role::ALL
        .into_iter()
        .find(|role| role.as_str() == args.role && *role != Role::Public)
        .with_context(|| {
            format!(
                "--role `{}`: expected ingest, official, approver, analyst or admin",
                args.role
            )
        })?;
    let areas = args
        .areas
        .iter()
        .map(|code| AreaCode::new(code).with_context(|| format!("--area `{code}`")))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let store = open_beside(&args.data, settings).await?;
    let token = make(&store, role, areas, args.name, settings.clock.now()).await?;
    store.close().await;
    writeln!(std::io::stdout(), "{token}")?;
    Ok(ExitCode::SUCCESS)
}

async fn list(data: &Path, settings: &Settings) -> anyhow::Result<ExitCode> {
    let store = open_beside(data, settings).await?;
    let mut out = std::io::stdout();
    for key in store.list_keys().await? {
        let areas: Vec<&str> = key.areas.iter().map(AreaCode::as_str).collect();
        writeln!(
            out,
            "{}\t{}\t{}\t{}\tcreated {}{}",
            key.id,
            key.role.as_str(),
            if areas.is_empty() {
                "all areas".to_owned()
            } else {
                areas.join(",")
            },
            key.name,
            key.created_at.to_rfc3339(settings.offset),
            key.revoked_at.map_or(String::new(), |at| format!(
                "\trevoked {}",
                at.to_rfc3339(settings.offset)
            )),
        )?;
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn revoke(data: &Path, id: &str, settings: &Settings) -> anyhow::Result<ExitCode> {
    let store = open_beside(data, settings).await?;
    let found = store.revoke_key(id, settings.clock.now()).await?;
    store.close().await;
    if !found {
        bail!("no key `{id}` in force; `vungxanh key list` shows them");
    }
    Ok(ExitCode::SUCCESS)
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).expect("a nibble is below 16");
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn random_hex<const N: usize>() -> anyhow::Result<String> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes).context("the system gives no randomness")?;
    Ok(hex(&bytes))
}
