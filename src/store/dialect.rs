//! What differs between SQLite and PostgreSQL, beside the schema files: the connection, the
//! statement that opens a write, statements of many rows, and the meaning of error codes.
//! Every other statement in this floor is in the dialect that both share.

use std::{ops::Range, path::Path, sync::OnceLock, time::Duration};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

/// The database behind the store.
pub(super) type Db = sqlx::Sqlite;
pub(super) type DbPool = sqlx::SqlitePool;
pub(super) type DbConnection = sqlx::SqliteConnection;
pub(super) type DbRow = sqlx::sqlite::SqliteRow;
pub(super) type DbArguments = sqlx::sqlite::SqliteArguments;

/// Takes the write lock at once: a read that turns into a write later could not wait for it.
pub(super) const BEGIN_WRITE: &str = "begin immediate";

/// How statements of many rows insert. A constraint that fails ends the transaction in any case, so SQLite need not
/// be able to take back one statement of it: without `or fail` it copies every page that a statement touches.
const INSERT_MANY: &str = "insert or fail into ";

/// Asks for the engine's version, `3.51.3`.
pub(super) const ENGINE_VERSION: &str = "select sqlite_version()";

/// Answers `ok`, or a line for each damage to the file.
pub(super) const CHECK_FILE: &str = "pragma integrity_check";

/// Answers a row for each reference to a row that is not there.
pub(super) const CHECK_REFERENCES: &str = "pragma foreign_key_check";

/// Writes a consistent copy to a path.
pub(super) const COPY_INTO: &str = "vacuum into $1";

/// Folds the write-ahead log into the file and empties it: what was deleted is gone from both.
pub(super) const EMPTY_LOG: &str = "pragma wal_checkpoint(truncate)";

/// Gives back the memory that a connection keeps for what it may need again.
pub(super) const REST: &str = "pragma shrink_memory";

/// The oldest SQLite without the WAL-reset bug.
pub(super) const OLDEST_ENGINE: (u32, u32, u32) = (3, 51, 3);

const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How a connection of the store is opened.
pub(super) fn connect_options(file: &Path, writes: bool) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(writes)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL: the commit is on the disk before it is acknowledged. Batches make it cheap.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        // Deleted presence rows are overwritten, not only unlinked.
        .pragma("secure_delete", "on")
        .pragma("temp_store", "memory")
        .pragma("journal_size_limit", "268435456");
    // Negative sizes are KiB. The writer keeps the keys of the open hour at hand: those of a million check-ins an hour
    // are 27 MB. Each commit writes most of their pages to the log, so the log holds several commits (65,536 pages)
    // before it is folded into the file: a page goes there once for all of them.
    if writes {
        options
            .pragma("cache_size", "-49152")
            .pragma("wal_autocheckpoint", "65536")
    } else {
        options
            // Rows cross from SQLite's thread in a channel: a longer one is woken less often.
            .row_buffer_size(1_000)
            .pragma("cache_size", "-8192")
            .pragma("query_only", "on")
    }
}

/// How a finished copy is opened: one file, no log beside it.
pub(super) fn connect_copy(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Delete)
        .pragma("query_only", "on")
}

/// What a database error means for the caller.
pub(super) enum Failure {
    Busy,
    Full,
    Corrupt,
    Disk,
    Other,
}

/// Reads the primary result code (the low byte of SQLite's extended code).
pub(super) fn failure(error: &sqlx::Error) -> Failure {
    let code = match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => return Failure::Busy,
        sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => return Failure::Disk,
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => return Failure::Corrupt,
        sqlx::Error::Database(database) => database.code().and_then(|code| code.parse::<u32>().ok()),
        _ => None,
    };
    match code.map(|code| code & 0xff) {
        Some(5 | 6) => Failure::Busy,
        Some(13) => Failure::Full,
        Some(11 | 26) => Failure::Corrupt,
        // Read-only, I/O error, cannot open.
        Some(8 | 10 | 14) => Failure::Disk,
        _ => Failure::Other,
    }
}

/// A statement with many rows of placeholders. Placeholders are anonymous: SQLite looks numbered
/// ones up in a list, which is quadratic in their number. Texts are made once for a few sizes, so
/// that prepared statements are found again; a batch is cut into those sizes.
pub(super) struct ManyRows {
    head: &'static str,
    columns: usize,
    tail: &'static str,
    texts: [OnceLock<String>; SIZES.len()],
}

/// 1,000 rows of up to 32 columns stay below SQLite's 32,766 parameters.
const SIZES: [usize; 4] = [1000, 100, 10, 1];

impl ManyRows {
    pub(super) const fn new(head: &'static str, columns: usize, tail: &'static str) -> Self {
        Self {
            head,
            columns,
            tail,
            texts: [const { OnceLock::new() }; SIZES.len()],
        }
    }

    /// Cuts `count` rows into ranges, each with its statement.
    pub(super) fn cut(&'static self, count: usize) -> Vec<(Range<usize>, &'static str)> {
        let mut cuts = Vec::new();
        let mut from = 0;
        for (size, text) in SIZES.into_iter().zip(&self.texts) {
            while count - from >= size {
                let text = text.get_or_init(|| self.text(size)).as_str();
                cuts.push((from..from + size, text));
                from += size;
            }
        }
        cuts
    }

    /// The smallest statement that holds `count` rows, and how many it takes; the largest where none holds them all. For
    /// questions, where the same row may stand twice: those who have fewer rows than it takes repeat one.
    pub(super) fn holding(&'static self, count: usize) -> (usize, &'static str) {
        let nth = SIZES.iter().rposition(|size| *size >= count).unwrap_or(0);
        let text = self.texts[nth].get_or_init(|| self.text(SIZES[nth]));
        (SIZES[nth], text.as_str())
    }

    fn text(&self, rows: usize) -> String {
        let row = format!("({})", vec!["?"; self.columns].join(","));
        let rows = vec![row; rows].join(",");
        match self.head.strip_prefix("insert into ") {
            Some(head) => format!("{INSERT_MANY}{head} {rows} {}", self.tail),
            None => format!("{} {rows} {}", self.head, self.tail),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static ROWS: ManyRows = ManyRows::new("insert into t (a, b) values", 2, "on conflict do nothing");

    #[test]
    fn a_batch_is_cut_without_gaps_into_known_sizes() {
        let cuts = ROWS.cut(2134);
        let sizes: Vec<usize> = cuts.iter().map(|(range, _)| range.len()).collect();
        assert_eq!(sizes, [1000, 1000, 100, 10, 10, 10, 1, 1, 1, 1]);
        assert!(cuts.windows(2).all(|pair| pair[0].0.end == pair[1].0.start));
        assert_eq!(
            cuts.last().map(|(_, text)| *text),
            Some("insert or fail into t (a, b) values (?,?) on conflict do nothing")
        );
        assert!(ROWS.cut(0).is_empty());
    }

    #[test]
    fn a_question_is_one_statement_as_long_as_one_holds_it() {
        let sizes = [1, 2, 10, 11, 1000, 1001].map(|count| ROWS.holding(count).0);
        assert_eq!(sizes, [1, 10, 10, 100, 1000, 1000]);
        assert_eq!(ROWS.holding(3).1.matches("(?,?)").count(), 10);
    }
}
