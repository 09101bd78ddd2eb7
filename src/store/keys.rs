use sqlx::FromRow;

use super::{error::StoreError, open::Store, text};
use crate::model::{AreaCode, Role, Timestamp};

/// An access key. The secret itself is never stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Public part of the key.
    pub id: String,
    /// SHA-256 of the secret part (32 random bytes: no slow hash is needed).
    pub secret_sha256: [u8; 32],
    /// What it may do.
    pub role: Role,
    /// Areas it is limited to; empty for all.
    pub areas: Vec<AreaCode>,
    /// What it is for, for people.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it opens nothing.
    pub expires_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// What was answered to a request that carried an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotentAnswer {
    /// Hash of the request's body: the same key with another body is a mistake of the client.
    pub body_hash: [u8; 32],
    /// HTTP status.
    pub status: u16,
    /// Body of the answer.
    pub answer: Vec<u8>,
}

/// How long an answer is kept, seconds.
const ANSWER_AGE_S: i64 = 24 * 3600;

const ALL: &str = "select id, secret_sha256, role, areas, name, created_at, expires_at, revoked_at \
     from access_key order by created_at, id";

impl Store {
    /// Stores a new key.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when the id is taken.
    pub async fn create_key(&self, key: &KeyRow) -> Result<(), StoreError> {
        let made = sqlx::query(
            "insert into access_key (id, secret_sha256, role, areas, name, created_at, expires_at, revoked_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (id) do nothing",
        )
        .bind(key.id.as_str())
        .bind(key.secret_sha256.as_slice())
        .bind(key.role.as_str())
        .bind(text::write(&key.areas))
        .bind(key.name.as_str())
        .bind(key.created_at.0)
        .bind(key.expires_at.map(|at| at.0))
        .bind(key.revoked_at.map(|at| at.0))
        .execute(&self.writer)
        .await?;
        if made.rows_affected() == 1 {
            Ok(())
        } else {
            Err(StoreError::Exists(key.id.clone()))
        }
    }

    /// A key, expired and revoked ones included: the caller judges. Read afresh each time, so that a
    /// key made or revoked beside the running server counts at once.
    ///
    /// # Errors
    /// Those of the database, and [`StoreError::Corrupt`].
    pub async fn load_key(&self, id: &str) -> Result<Option<KeyRow>, StoreError> {
        let row: Option<Row> = sqlx::query_as(
            "select id, secret_sha256, role, areas, name, created_at, expires_at, revoked_at \
             from access_key where id = $1",
        )
        .bind(id)
        .fetch_optional(&self.reader)
        .await?;
        row.map(Row::key).transpose()
    }

    /// Every key, oldest first.
    ///
    /// # Errors
    /// As [`Store::load_key`].
    pub async fn list_keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(ALL).fetch_all(&self.reader).await?;
        rows.into_iter().map(Row::key).collect()
    }

    /// Takes a key back; whether there was one to take back.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn revoke_key(&self, id: &str, at: Timestamp) -> Result<bool, StoreError> {
        let revoked =
            sqlx::query("update access_key set revoked_at = $1 where id = $2 and revoked_at is null")
                .bind(at.0)
                .bind(id)
                .execute(&self.writer)
                .await?;
        Ok(revoked.rows_affected() == 1)
    }

    /// What was answered to this idempotency key of this access key in the last 24 hours.
    ///
    /// # Errors
    /// Those of the database, and [`StoreError::Corrupt`].
    pub async fn idempotent_answer(
        &self,
        key_id: &str,
        idem_key: &str,
        now: Timestamp,
    ) -> Result<Option<IdempotentAnswer>, StoreError> {
        let row: Option<(Vec<u8>, u16, Vec<u8>)> = sqlx::query_as(
            "select body_hash, status, answer from idempotency \
             where key_id = $1 and idem_key = $2 and made_at > $3",
        )
        .bind(key_id)
        .bind(idem_key)
        .bind(now.0 - ANSWER_AGE_S)
        .fetch_optional(&self.reader)
        .await?;
        row.map(|(body_hash, status, answer)| {
            Ok(IdempotentAnswer {
                body_hash: digest(&body_hash)?,
                status,
                answer,
            })
        })
        .transpose()
    }

    /// Keeps an answer for 24 hours and forgets older ones. The first answer stays.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn put_idempotent_answer(
        &self,
        key_id: &str,
        idem_key: &str,
        answer: &IdempotentAnswer,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query("delete from idempotency where made_at <= $1")
            .bind(now.0 - ANSWER_AGE_S)
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "insert into idempotency (key_id, idem_key, body_hash, status, answer, made_at) \
             values ($1, $2, $3, $4, $5, $6) on conflict (key_id, idem_key) do nothing",
        )
        .bind(key_id)
        .bind(idem_key)
        .bind(answer.body_hash.as_slice())
        .bind(answer.status)
        .bind(answer.answer.as_slice())
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }
}

/// A SHA-256 column.
pub(super) fn digest(bytes: &[u8]) -> Result<[u8; 32], StoreError> {
    let digest = bytes.try_into();
    digest.map_err(|_length| StoreError::corrupt("a hash does not have 32 bytes"))
}

#[derive(FromRow)]
struct Row {
    id: String,
    secret_sha256: Vec<u8>,
    role: String,
    areas: String,
    name: String,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl Row {
    fn key(self) -> Result<KeyRow, StoreError> {
        Ok(KeyRow {
            id: self.id,
            secret_sha256: digest(&self.secret_sha256)?,
            role: Role::parse(&self.role)
                .ok_or_else(|| StoreError::corrupt(format!("a key has role {}", self.role)))?,
            areas: text::read(&self.areas)?,
            name: self.name,
            created_at: Timestamp(self.created_at),
            expires_at: self.expires_at.map(Timestamp),
            revoked_at: self.revoked_at.map(Timestamp),
        })
    }
}
