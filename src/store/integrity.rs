use std::path::Path;

use sqlx::{ConnectOptions, Connection};

use super::{
    dialect::{CHECK_FILE, CHECK_REFERENCES, COPY_INTO, DbConnection, connect_copy, connect_options},
    error::StoreError,
    inspect,
    open::Store,
};

/// How many events of each kind are present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventCounts {
    /// Check-ins.
    pub check_ins: u64,
    /// Declarations.
    pub declarations: u64,
    /// Contacts.
    pub contacts: u64,
    /// Assessments.
    pub assessments: u64,
    /// Cases.
    pub cases: u64,
}

impl EventCounts {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.check_ins + self.declarations + self.contacts + self.assessments + self.cases
    }
}

/// What an inspection of the folder found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReport {
    /// Position of the last accepted event.
    pub position: i64,
    /// Events deleted by retention.
    pub retired: u64,
    /// Events present.
    pub counts: EventCounts,
    /// What is wrong; empty when all is well.
    pub problems: Vec<String>,
}

impl CheckReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Counts that must be zero, with what it means when they are not.
const MUST_BE_ZERO: [(&str, &str); 7] = [
    (
        "events share a position with another event",
        "select count(*) from (select position from (select position from declaration \
         union all select position from contact union all select position from assessment \
         union all select position from case_report) as p group by position having count(*) > 1) as shared",
    ),
    (
        "events share a position with a check-in",
        "select count(*) from (select position from declaration union all select position from contact \
         union all select position from assessment union all select position from case_report) as p \
         join check_in c on c.position = (select max(x.position) from check_in x where x.position <= p.position) \
         where p.position < c.position + c.events",
    ),
    (
        "events lie outside the positions given so far",
        "select count(*) from (select position, position as until from declaration \
         union all select position, position from contact union all select position, position from assessment \
         union all select position, position from case_report \
         union all select position, position + events - 1 from check_in) as p, meta m \
         where p.position < 1 or p.until > m.position",
    ),
    (
        "assessments name a venue that is not registered",
        "select count(*) from assessment a where not exists (select 1 from venue v where v.ix = a.venue)",
    ),
    (
        "reports are of an area that is not registered",
        "select count(*) from area_report r where not exists (select 1 from area_version a where a.code = r.area)",
    ),
    (
        "reports say nothing",
        "select count(*) from area_report where coalesce(adults_one_dose_percent, elderly_full_dose_percent, \
         population_full_dose_percent, at_risk_full_dose_percent, test_positivity_percent, tests_7d_per_100k, \
         oxygen_7d_per_100k, deaths_7d_per_100k, admissions_7d_per_100k, covid_beds_percent, care_ready) is null \
         and findings is null",
    ),
    (
        "reports hold a figure that cannot be",
        "select count(*) from area_report where adults_one_dose_percent not between 0 and 100 \
         or elderly_full_dose_percent not between 0 and 100 or population_full_dose_percent not between 0 and 100 \
         or at_risk_full_dose_percent not between 0 and 100 or test_positivity_percent not between 0 and 100 \
         or covid_beds_percent not between 0 and 100 or tests_7d_per_100k < 0 or oxygen_7d_per_100k < 0 \
         or deaths_7d_per_100k < 0 or admissions_7d_per_100k < 0",
    ),
];

impl Store {
    /// How many events of each kind are present.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn event_counts(&self) -> Result<EventCounts, StoreError> {
        count_events(&mut *self.reader.acquire().await?).await
    }

    /// Inspects everything: the file itself, references, positions against recounts, the audit chain.
    /// Reads the whole store; other work goes on meanwhile.
    ///
    /// # Errors
    /// Those of the database; damage that can be named is in the report instead.
    pub async fn check(&self) -> Result<CheckReport, StoreError> {
        let mut problems = Vec::new();
        // One read transaction: writers go on, and all counts are of the same moment.
        let mut tx = self.reader.begin().await?;
        let pages: Vec<String> = sqlx::query_scalar(CHECK_FILE).fetch_all(&mut *tx).await?;
        problems.extend(pages.into_iter().filter(|line| line != "ok"));
        let strays = sqlx::query(CHECK_REFERENCES).fetch_all(&mut *tx).await?;
        if !strays.is_empty() {
            problems.push(format!("{} rows refer to rows that are not there", strays.len()));
        }
        for (meaning, statement) in MUST_BE_ZERO {
            let found: i64 = sqlx::query_scalar(statement).fetch_one(&mut *tx).await?;
            if found != 0 {
                problems.push(format!("{found} {meaning}"));
            }
        }
        let (position, retired): (i64, i64) =
            sqlx::query_as("select position, retired from meta where one = 1")
                .fetch_one(&mut *tx)
                .await?;
        let counts = count_events(&mut tx).await?;
        match inspect::check_ins(&mut tx, self.offset).await {
            Ok(found) => problems.extend(found),
            Err(StoreError::Corrupt { reason }) => problems.push(reason),
            Err(error) => return Err(error),
        }
        tx.rollback().await?;
        if counts.total() as i64 + retired != position {
            problems.push(format!(
                "{} events present and {retired} retired do not make position {position}",
                counts.total()
            ));
        }
        if let Some(seq) = self.broken_audit().await? {
            problems.push(format!("the audit log is broken at entry {seq}"));
        }
        Ok(CheckReport {
            position,
            retired: retired as u64,
            counts,
            problems,
        })
    }

    /// Writes a consistent copy of the store to a new file while work goes on, then opens and checks
    /// the copy. Returns the position that the copy holds.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when the file is there already, [`StoreError::Io`], [`StoreError::Corrupt`]
    /// when the copy is not sound.
    pub async fn backup_to(&self, file: &Path) -> Result<i64, StoreError> {
        let io = |source| StoreError::Io {
            path: file.to_owned(),
            source,
        };
        if tokio::fs::try_exists(file).await.map_err(io)? {
            return Err(StoreError::Exists(file.display().to_string()));
        }
        // Complete under another name first: whoever finds the file finds all of it.
        let partial = file.with_extension("partial");
        match tokio::fs::remove_file(&partial).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
        let target = partial.to_str().ok_or_else(|| StoreError::Io {
            path: partial.clone(),
            source: std::io::Error::other("the path is not UTF-8"),
        })?;
        let mut source = connect_options(&self.folder().join("vungxanh.sqlite"), true)
            .create_if_missing(false)
            .connect()
            .await?;
        sqlx::query(COPY_INTO).bind(target).execute(&mut source).await?;
        source.close().await?;
        let copy = tokio::fs::File::open(&partial).await.map_err(io)?;
        copy.sync_all().await.map_err(io)?;

        let mut copy = connect_copy(&partial).connect().await?;
        let found: String = sqlx::query_scalar(CHECK_FILE).fetch_one(&mut copy).await?;
        let position = sqlx::query_scalar("select position from meta where one = 1")
            .fetch_one(&mut copy)
            .await?;
        copy.close().await?;
        if found != "ok" {
            return Err(StoreError::corrupt(format!("the copy is not sound: {found}")));
        }
        tokio::fs::rename(&partial, file).await.map_err(io)?;
        Ok(position)
    }
}

async fn count_events(connection: &mut DbConnection) -> Result<EventCounts, StoreError> {
    let (check_ins, declarations, contacts, assessments, cases): (i64, i64, i64, i64, i64) = sqlx::query_as(
        "select (select cast(coalesce(sum(events), 0) as bigint) from check_in), (select count(*) from declaration), \
                 (select count(*) from contact), (select count(*) from assessment), \
                 (select count(*) from case_report)",
    )
    .fetch_one(connection)
    .await?;
    Ok(EventCounts {
        check_ins: check_ins as u64,
        declarations: declarations as u64,
        contacts: contacts as u64,
        assessments: assessments as u64,
        cases: cases as u64,
    })
}
