use std::ops::AddAssign;

use super::{dialect::EMPTY_LOG, error::StoreError, open::Store};
use crate::model::Day;

/// How many rows left with a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retired {
    /// Check-ins.
    pub check_ins: u64,
    /// Declarations.
    pub declarations: u64,
    /// Contacts.
    pub contacts: u64,
    /// Pseudonyms of cases.
    pub case_persons: u64,
}

impl AddAssign for Retired {
    fn add_assign(&mut self, other: Self) {
        self.check_ins += other.check_ins;
        self.declarations += other.declarations;
        self.contacts += other.contacts;
        self.case_persons += other.case_persons;
    }
}

/// Deleted in one transaction: writers wait for milliseconds, not for the whole day.
const ROWS: u32 = 5_000;
/// The same of blocks, each of which holds some hundred scans.
const BLOCKS: u32 = 500;
/// The same of packs.
const PACKS: u32 = 50;

/// What of a day is there to be found: it goes before what it is found in.
const LOOK_UPS: [(&str, u32); 3] = [
    (
        "delete from check_in_key where (hour, id_hash) in (select hour, id_hash from check_in_key \
         where hour >= $2 and hour < $3 limit $4)",
        ROWS,
    ),
    (
        "delete from check_in_venue where seq in (select seq from check_in_venue where day = $1 limit $4)",
        BLOCKS,
    ),
    (
        "delete from check_in_person where seq in (select seq from check_in_person where day = $1 limit $4)",
        BLOCKS,
    ),
];

/// The events of a day: how many of them go next, and how they go.
const EVENTS: [(&str, &str, u32); 3] = [
    (
        "select cast(coalesce(sum(events), 0) as bigint) from \
         (select events from check_in where day = $1 order by position limit $2) as step",
        "delete from check_in where position in \
         (select position from check_in where day = $1 order by position limit $2)",
        PACKS,
    ),
    (
        "select count(*) from (select position from declaration where day = $1 order by position limit $2) as step",
        "delete from declaration where position in \
         (select position from declaration where day = $1 order by position limit $2)",
        ROWS,
    ),
    (
        "select count(*) from (select position from contact where day = $1 order by position limit $2) as step",
        "delete from contact where position in \
         (select position from contact where day = $1 order by position limit $2)",
        ROWS,
    ),
];

impl Store {
    /// Deletes all presence of one local day: check-ins, declarations, contacts, and the pseudonyms
    /// of cases on that day. Sealed first, so that a late repeat cannot come back in. Stopped half-way
    /// it is simply done again. Cases and assessments name nobody and stay.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn delete_day(&self, day: Day) -> Result<Retired, StoreError> {
        sqlx::query("update meta set sealed_before = $1 where one = 1 and sealed_before < $1")
            .bind(day.0 + 1)
            .execute(&self.writer)
            .await?;
        let first_hour = day.first_hour(self.offset).0;
        for (statement, most) in LOOK_UPS {
            loop {
                let query = sqlx::query(statement).bind(day.0).bind(first_hour);
                let query = query.bind(first_hour + 24).bind(most);
                if query.execute(&self.writer).await?.rows_affected() < u64::from(most) {
                    break;
                }
            }
        }
        let mut deleted = [0; 3];
        for ((count, statement, most), deleted) in EVENTS.into_iter().zip(&mut deleted) {
            loop {
                let mut tx = self.write().await?;
                let step: i64 = sqlx::query_scalar(count)
                    .bind(day.0)
                    .bind(most)
                    .fetch_one(&mut *tx)
                    .await?;
                if step == 0 {
                    tx.rollback().await?;
                    break;
                }
                sqlx::query(statement)
                    .bind(day.0)
                    .bind(most)
                    .execute(&mut *tx)
                    .await?;
                // The count of what left keeps positions checkable: present + retired = position.
                sqlx::query("update meta set retired = retired + $1 where one = 1")
                    .bind(step)
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
                *deleted += step as u64;
            }
        }
        let persons = sqlx::query("delete from case_person where day = $1")
            .bind(day.0)
            .execute(&self.writer)
            .await?;
        sqlx::query(EMPTY_LOG).execute(&self.writer).await?;
        let [check_ins, declarations, contacts] = deleted;
        Ok(Retired {
            check_ins,
            declarations,
            contacts,
            case_persons: persons.rows_affected(),
        })
    }

    /// Deletes the presence of every local day before `first_kept`, oldest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn delete_days_before(&self, first_kept: Day) -> Result<Retired, StoreError> {
        let mut retired = Retired::default();
        for day in self.presence_days().await? {
            if day < first_kept {
                retired += self.delete_day(day).await?;
            }
        }
        Ok(retired)
    }

    /// The local days that hold presence, oldest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn presence_days(&self) -> Result<Vec<Day>, StoreError> {
        // Steps from day to day along the indexes, where `distinct` would read every row.
        let mut days = Vec::new();
        let mut after = i64::from(i32::MIN);
        loop {
            let next: Option<i64> = sqlx::query_scalar(
                "select min(day) from (select min(day) as day from check_in where day > $1 \
                 union all select min(day) from declaration where day > $1 \
                 union all select min(day) from contact where day > $1 \
                 union all select min(day) from case_person where day > $1) as days",
            )
            .bind(after)
            .fetch_one(&self.reader)
            .await?;
            let Some(day) = next else { return Ok(days) };
            days.push(Day(
                i32::try_from(day).map_err(|_wide| StoreError::corrupt("a day is out of range"))?
            ));
            after = day;
        }
    }
}
