use sha2::{Digest, Sha256};
use sqlx::FromRow;

use super::{dialect::DbConnection, error::StoreError, keys::digest, open::Store};
use crate::model::Timestamp;

/// One entry of the audit log: who did or looked at what, and why. Never a name or a phone number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Id of the key that acted.
    pub actor: String,
    /// What was done, such as `mark.approve` or `stays.read`.
    pub action: String,
    /// To what: an id.
    pub subject: String,
    /// The reason given.
    pub reason: Option<String>,
}

impl Store {
    /// Appends an entry. Each carries SHA-256 over the hash before it and its own content: an entry
    /// that is changed or taken out later breaks the chain. Returns the new head.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn append_audit(&self, entry: &AuditEntry) -> Result<[u8; 32], StoreError> {
        let mut tx = self.write().await?;
        let hash = append(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(hash)
    }

    /// The latest entries, newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn audit_log(&self, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select seq, at, actor, action, subject, reason, hash from audit order by seq desc limit $1",
        )
        .bind(limit)
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(|row| row.entry()).collect())
    }

    /// The number of the first entry that does not follow from the one before; `None` for a whole chain.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn broken_audit(&self) -> Result<Option<i64>, StoreError> {
        let (mut after, mut before) = (0, [0; 32]);
        loop {
            let rows: Vec<Row> = sqlx::query_as(
                "select seq, at, actor, action, subject, reason, hash from audit \
                 where seq > $1 order by seq limit 1000",
            )
            .bind(after)
            .fetch_all(&self.reader)
            .await?;
            if rows.is_empty() {
                return Ok(None);
            }
            for row in rows {
                let expected = link(before, after + 1, &row.entry());
                if row.seq != after + 1 || row.hash != expected {
                    return Ok(Some(row.seq));
                }
                (after, before) = (row.seq, expected);
            }
        }
    }
}

/// Appends an entry inside a transaction: what is written and who wrote it are there together, or neither.
pub(super) async fn append(
    connection: &mut DbConnection,
    entry: &AuditEntry,
) -> Result<[u8; 32], StoreError> {
    let last: Option<(i64, Vec<u8>)> =
        sqlx::query_as("select seq, hash from audit order by seq desc limit 1")
            .fetch_optional(&mut *connection)
            .await?;
    let (seq, before) = match last {
        Some((seq, hash)) => (seq + 1, digest(&hash)?),
        None => (1, [0; 32]),
    };
    let hash = link(before, seq, entry);
    sqlx::query(
        "insert into audit (seq, at, actor, action, subject, reason, hash) \
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(seq)
    .bind(entry.at.0)
    .bind(entry.actor.as_str())
    .bind(entry.action.as_str())
    .bind(entry.subject.as_str())
    .bind(entry.reason.as_deref())
    .bind(hash.as_slice())
    .execute(&mut *connection)
    .await?;
    Ok(hash)
}

/// Lengths before texts: no two entries have the same bytes.
fn link(before: [u8; 32], seq: i64, entry: &AuditEntry) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(seq.to_be_bytes());
    hash.update(entry.at.0.to_be_bytes());
    let reason = entry.reason.as_deref();
    for text in [
        Some(entry.actor.as_str()),
        Some(&entry.action),
        Some(&entry.subject),
        reason,
    ] {
        let length = text.map_or(u64::MAX, |text| text.len() as u64);
        hash.update(length.to_be_bytes());
        hash.update(text.unwrap_or_default().as_bytes());
    }
    hash.finalize().into()
}

#[derive(FromRow)]
struct Row {
    seq: i64,
    at: i64,
    actor: String,
    action: String,
    subject: String,
    reason: Option<String>,
    hash: Vec<u8>,
}

impl Row {
    fn entry(&self) -> AuditEntry {
        AuditEntry {
            at: Timestamp(self.at),
            actor: self.actor.clone(),
            action: self.action.clone(),
            subject: self.subject.clone(),
            reason: self.reason.clone(),
        }
    }
}
