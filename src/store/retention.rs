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

/// Rows deleted in one transaction: writers wait for milliseconds, not for the whole day.
const STEP: u32 = 5_000;

const EVENTS: [&str; 3] = [
    "delete from check_in where position in (select position from check_in where day = $1 limit $2)",
    "delete from declaration where position in (select position from declaration where day = $1 limit $2)",
    "delete from contact where position in (select position from contact where day = $1 limit $2)",
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
        let mut deleted = [0; 3];
        for (statement, deleted) in EVENTS.into_iter().zip(&mut deleted) {
            loop {
                let mut tx = self.write().await?;
                let step = sqlx::query(statement)
                    .bind(day.0)
                    .bind(STEP)
                    .execute(&mut *tx)
                    .await?
                    .rows_affected();
                // The count of what left keeps positions checkable: present + retired = position.
                sqlx::query("update meta set retired = retired + $1 where one = 1")
                    .bind(step as i64)
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
                *deleted += step;
                if step < u64::from(STEP) {
                    break;
                }
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
