use std::collections::BTreeMap;

use rustc_hash::FxHashSet;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    dialect::DbConnection,
    error::StoreError,
    packs::{self, PackedScan},
};
use crate::model::{Day, Timestamp, UtcOffset};

/// Packs and blocks read at once.
const PAGE: u32 = 64;

/// The scans of a day in a sum that does not know their order: equal for equal scans.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Sum {
    scans: u64,
    hashes: u64,
}

impl Sum {
    fn add(&mut self, scan: PackedScan) {
        self.scans += 1;
        let body = packs::write_block(std::iter::once(scan));
        self.hashes = self.hashes.wrapping_add(xxh3_64(&body));
    }
}

/// Reads every pack and block, and says what does not fit: places, venues, keys, and what tracing would find.
pub(super) async fn check_ins(
    connection: &mut DbConnection,
    offset: UtcOffset,
) -> Result<Vec<String>, StoreError> {
    let mut problems = Vec::new();
    let venues: Vec<i64> = sqlx::query_scalar("select ix from venue")
        .fetch_all(&mut *connection)
        .await?;
    let venues: FxHashSet<i64> = venues.into_iter().collect();
    let [mut shared, mut strangers, mut miscounted] = [0_u64; 3];
    let mut by_day: BTreeMap<i32, Sum> = BTreeMap::new();
    let mut by_hour: BTreeMap<i32, i64> = BTreeMap::new();
    let (mut after, mut end) = (i64::MIN, i64::MIN);
    loop {
        let page: Vec<(i64, i64, i64, i32, Vec<u8>)> = sqlx::query_as(
            "select position, events, departures, day, body from check_in where position > $1 \
             order by position limit $2",
        )
        .bind(after)
        .bind(PAGE)
        .fetch_all(&mut *connection)
        .await?;
        let Some(last) = page.last() else { break };
        after = last.0;
        for (position, events, departures, day, body) in page {
            shared += u64::from(position < end);
            end = position + events;
            let rows = packs::read_pack(&body)?;
            let outs = rows
                .iter()
                .filter(|row| row.direction == crate::model::Direction::Out);
            miscounted += u64::from(rows.len() as i64 != events || outs.count() as i64 != departures);
            let midnight = packs::start_of(Day(day), offset);
            for row in rows {
                strangers += u64::from(!venues.contains(&i64::from(row.venue)));
                let at: Timestamp = midnight.plus_s(i64::from(row.second));
                *by_hour.entry(at.hour().0).or_default() += 1;
                if let Some(person) = row.person {
                    by_day.entry(day).or_default().add(PackedScan {
                        venue: row.venue,
                        second: row.second,
                        direction: row.direction,
                        person,
                    });
                }
            }
        }
    }
    for (count, meaning) in [
        (shared, "packs of check-ins share positions"),
        (strangers, "check-ins name a venue that is not registered"),
        (miscounted, "packs do not hold the check-ins they are said to"),
    ] {
        if count != 0 {
            problems.push(format!("{count} {meaning}"));
        }
    }
    problems.extend(keys(connection, offset, &by_hour).await?);
    for side in [VENUES, PERSONS] {
        problems.extend(blocks(connection, &side, &by_day).await?);
    }
    Ok(problems)
}

/// Every check-in of a day that is not sealed has its key. Of a sealed day keys go first.
async fn keys(
    connection: &mut DbConnection,
    offset: UtcOffset,
    by_hour: &BTreeMap<i32, i64>,
) -> Result<Option<String>, StoreError> {
    let sealed: i32 = sqlx::query_scalar("select sealed_before from meta where one = 1")
        .fetch_one(&mut *connection)
        .await?;
    let open = i64::from(sealed) * 24 - i64::from(offset.hours());
    let rows: Vec<(i32, i64)> = sqlx::query_as(
        "select hour, count(*) from check_in_key where hour >= $1 group by hour order by hour",
    )
    .bind(open)
    .fetch_all(&mut *connection)
    .await?;
    let keyed: BTreeMap<i32, i64> = rows.into_iter().collect();
    let of = |counts: &BTreeMap<i32, i64>, hour| counts.get(&hour).copied().unwrap_or(0);
    let hours = by_hour.keys().chain(keyed.keys()).copied();
    let strays = hours
        .filter(|hour| i64::from(*hour) >= open && of(&keyed, *hour) != of(by_hour, *hour))
        .count();
    Ok((strays > 0).then(|| format!("in {strays} hours there is not one key for each check-in")))
}

/// One of the two tables of blocks.
struct Side {
    name: &'static str,
    page: &'static str,
    key: fn(&PackedScan) -> u32,
}

const VENUES: Side = Side {
    name: "venue",
    page: "select seq, day, node, body from check_in_venue where seq > $1 order by seq limit $2",
    key: |scan| scan.venue,
};

const PERSONS: Side = Side {
    name: "person",
    page: "select seq, day, node, body from check_in_person where seq > $1 order by seq limit $2",
    key: |scan| packs::person_key(scan.person),
};

/// Blocks hold the scans of the packs, each where it is looked for. Of a sealed day they go first.
async fn blocks(
    connection: &mut DbConnection,
    side: &Side,
    by_day: &BTreeMap<i32, Sum>,
) -> Result<Vec<String>, StoreError> {
    let sealed: i32 = sqlx::query_scalar("select sealed_before from meta where one = 1")
        .fetch_one(&mut *connection)
        .await?;
    let mut found: BTreeMap<i32, Sum> = BTreeMap::new();
    let mut misplaced = 0_u64;
    let mut after = i64::MIN;
    let mut scans = Vec::new();
    loop {
        let page: Vec<(i64, i32, i64, Vec<u8>)> = sqlx::query_as(side.page)
            .bind(after)
            .bind(PAGE)
            .fetch_all(&mut *connection)
            .await?;
        let Some(last) = page.last() else { break };
        after = last.0;
        for (_, day, node, body) in page {
            scans.clear();
            packs::read_block(&body, |_, _| true, &mut scans)?;
            for scan in &scans {
                misplaced += u64::from(!packs::is_in((side.key)(scan), node));
                found.entry(day).or_default().add(*scan);
            }
        }
    }
    let of = |sums: &BTreeMap<i32, Sum>, day| sums.get(&day).copied().unwrap_or_default();
    let days = by_day.keys().chain(found.keys()).copied();
    let strays = days
        .filter(|day| *day >= sealed && of(&found, *day) != of(by_day, *day))
        .collect::<std::collections::BTreeSet<_>>();
    let mut problems = Vec::new();
    if misplaced > 0 {
        problems.push(format!(
            "{misplaced} scans stand where nobody looks for them by {}",
            side.name
        ));
    }
    if !strays.is_empty() {
        problems.push(format!(
            "on {} days a search by {} finds other scans than there are",
            strays.len(),
            side.name
        ));
    }
    Ok(problems)
}
