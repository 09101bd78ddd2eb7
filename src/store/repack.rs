use sqlx::FromRow;

use super::{
    check_ins::{self, Placed},
    codes::Code,
    dialect::DbConnection,
    error::StoreError,
    packs::{self, Packed},
    replay,
};
use crate::model::{Day, Direction, Method, UtcOffset};

/// Rows that are packed together: as many as a transaction of a busy server has.
const TOGETHER: u32 = 50_000;

#[derive(FromRow)]
struct OldRow {
    position: i64,
    hour: i32,
    id_hash: i64,
    content: i64,
    day: i32,
    venue: i64,
    person: Option<Vec<u8>>,
    at: i64,
    direction: i64,
    method: i64,
    party_size: u16,
}

/// Moves check-ins from rows, as schemas before the sixth had them, into packs. Each keeps its position, so that
/// checkpoints and the moves of venues stay true.
pub(super) async fn move_rows(connection: &mut DbConnection) -> Result<(), StoreError> {
    let offset: Option<i32> = sqlx::query_scalar("select utc_offset from meta where one = 1")
        .fetch_optional(&mut *connection)
        .await?;
    // A new folder has no offset yet, and no rows.
    if let Some(offset) = offset {
        let offset = i8::try_from(offset).ok().and_then(UtcOffset::new);
        let offset = offset.ok_or_else(|| StoreError::corrupt("the offset of local days is out of range"))?;
        let mut after = 0;
        loop {
            let rows: Vec<OldRow> = sqlx::query_as(
                "select position, hour, id_hash, content, day, venue, person, at, direction, method, party_size \
                 from check_in_row where position > $1 order by position limit $2",
            )
            .bind(after)
            .bind(TOGETHER)
            .fetch_all(&mut *connection)
            .await?;
            let Some(last) = rows.last() else { break };
            after = last.position;
            let mut keys: Vec<(i32, i64, i64)> = rows
                .iter()
                .map(|row| (row.hour, row.id_hash, row.content))
                .collect();
            keys.sort_unstable();
            let mut placed = rows
                .into_iter()
                .map(|row| read(row, offset))
                .collect::<Result<Vec<Placed>, _>>()?;
            // Days side by side, each in the order of positions.
            placed.sort_by_key(|one| one.day);
            check_ins::insert_moved(connection, &keys, &placed).await?;
        }
    }
    sqlx::query("drop table check_in_row").execute(connection).await?;
    Ok(())
}

fn read(row: OldRow, offset: UtcOffset) -> Result<Placed, StoreError> {
    let day = Day(row.day);
    let second = u32::try_from(row.at - packs::start_of(day, offset).0).ok();
    let second = second.filter(|second| *second < 86_400).ok_or_else(|| {
        StoreError::corrupt(format!(
            "check-in {} stands in a day that is not its",
            row.position
        ))
    })?;
    Ok(Placed {
        position: row.position,
        day,
        event: Packed {
            venue: packs::venue_key(row.venue)?,
            second,
            direction: Direction::from_code(row.direction)?,
            method: Method::from_code(row.method)?,
            party_size: row.party_size,
            person: replay::person(row.person)?,
        },
    })
}
