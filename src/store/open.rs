use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
    time::Duration,
};

use sqlx::{
    ConnectOptions, Transaction,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use super::{
    dialect::{BEGIN_WRITE, Db, DbPool, REST, connect_options},
    error::StoreError,
    migrate,
    venues::VenueNumbers,
};
use crate::model::UtcOffset;

const READERS: u32 = 4;
const WRITE_QUEUE: Duration = Duration::from_secs(20);

/// What the store must know of the deployment.
#[derive(Clone, Copy, Debug)]
pub struct StoreConfig {
    /// Where local days are cut. Fixed for the life of a folder.
    pub utc_offset: UtcOffset,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            utc_offset: UtcOffset::VIETNAM,
        }
    }
}

/// One data folder, open. Cheap to share: clones see the same connections.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) writer: DbPool,
    pub(super) reader: DbPool,
    pub(super) offset: UtcOffset,
    pub(super) numbers: Arc<RwLock<VenueNumbers>>,
    folder: PathBuf,
    _lock: Option<Arc<File>>,
}

impl Store {
    /// Opens a folder as its one server, making folder and schema where missing.
    ///
    /// # Errors
    /// [`StoreError::FolderInUse`] when another process serves from it; [`StoreError::OldEngine`],
    /// [`StoreError::NewerSchema`] and [`StoreError::OtherOffset`] when this program must not touch it.
    pub async fn open(folder: &Path, config: StoreConfig) -> Result<Self, StoreError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::Io { path, source }
        };
        std::fs::create_dir_all(folder).map_err(io(folder))?;
        let path = folder.join("vungxanh.lock");
        let lock = File::create(&path).map_err(io(&path))?;
        // The lock goes with the process, however it ends: no stale file to remove by hand.
        match lock.try_lock() {
            Ok(()) => Self::connect(folder, config, Some(lock)).await,
            Err(TryLockError::WouldBlock) => Err(StoreError::FolderInUse {
                folder: folder.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(StoreError::Io { path, source }),
        }
    }

    /// Opens a folder beside a server that may be running, for what is safe to write next to it: keys.
    /// Events and registries go through the server, which keeps venue numbers and sums in memory.
    ///
    /// # Errors
    /// As [`Store::open`], but never [`StoreError::FolderInUse`].
    pub async fn open_beside(folder: &Path, config: StoreConfig) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder).map_err(|source| StoreError::Io {
            path: folder.to_owned(),
            source,
        })?;
        Self::connect(folder, config, None).await
    }

    /// The folder it lives in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where local days are cut.
    #[must_use]
    pub const fn utc_offset(&self) -> UtcOffset {
        self.offset
    }

    /// Whether a write could be made now: the readiness check.
    ///
    /// # Errors
    /// Why not.
    pub async fn ready(&self) -> Result<(), StoreError> {
        Ok(self.write().await?.rollback().await?)
    }

    /// Gives back the memory that writing took, until something is written again.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn rest(&self) -> Result<(), StoreError> {
        sqlx::query(REST).execute(&self.writer).await?;
        Ok(())
    }

    /// Closes every connection; the log is folded into the database file.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    /// A transaction on the one writing connection; callers queue for it.
    pub(super) async fn write(&self) -> Result<Transaction<'static, Db>, StoreError> {
        Ok(self.writer.begin_with(BEGIN_WRITE).await?)
    }

    async fn connect(folder: &Path, config: StoreConfig, lock: Option<File>) -> Result<Self, StoreError> {
        let file = folder.join("vungxanh.sqlite");
        let options = |writes| -> SqliteConnectOptions {
            // Bound values are never logged anyway; statements of 1,000 rows would be noise.
            connect_options(&file, writes).disable_statement_logging()
        };
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .acquire_timeout(WRITE_QUEUE)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options(true))
            .await?;
        migrate::check_engine(&mut *writer.acquire().await?).await?;
        migrate::migrate(&writer).await?;
        let wanted = i64::from(config.utc_offset.hours());
        sqlx::query(
            "insert into meta (one, position, retired, sealed_before, utc_offset) \
             values (1, 0, 0, -2147483648, $1) on conflict (one) do nothing",
        )
        .bind(wanted)
        .execute(&writer)
        .await?;
        let found: i64 = sqlx::query_scalar("select utc_offset from meta where one = 1")
            .fetch_one(&writer)
            .await?;
        if found != wanted {
            return Err(StoreError::other_offset(found, config.utc_offset));
        }
        let reader = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(WRITE_QUEUE)
            .connect_with(options(false))
            .await?;
        let numbers = VenueNumbers::load(&mut *reader.acquire().await?).await?;
        Ok(Self {
            writer,
            reader,
            offset: config.utc_offset,
            numbers: Arc::new(RwLock::new(numbers)),
            folder: folder.to_owned(),
            _lock: lock.map(Arc::new),
        })
    }
}
