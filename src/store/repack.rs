use super::{
    check_ins::{self, Placed},
    codes::Code,
    dialect::DbConnection,
    error::StoreError,
    packs::{self, Packed},
    replay,
};
use crate::model::{Day, Direction, Method, Timestamp, UtcOffset};

/// Rows that are packed together: as many as a transaction of a busy server has.
const TOGETHER: u32 = 50_000;

/// Position, day, venue, person, at, direction, method, party size.
type OldRow = (i64, i32, i64, Option<Vec<u8>>, i64, i64, i64, u16);

/// Moves check-ins from rows, as schemas before the fifth had them, into packs. Each keeps its position, so that
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
                "select position, day, venue, person, at, direction, method, party_size from check_in_row \
                 where position > $1 order by position limit $2",
            )
            .bind(after)
            .bind(TOGETHER)
            .fetch_all(&mut *connection)
            .await?;
            let Some(last) = rows.last() else { break };
            after = last.0;
            let mut placed = rows
                .into_iter()
                .map(|row| read(row, offset))
                .collect::<Result<Vec<Placed>, _>>()?;
            // Days side by side, each in the order of positions.
            placed.sort_by_key(|one| one.day);
            check_ins::insert_moved(connection, &placed).await?;
        }
    }
    sqlx::query("drop table check_in_row").execute(connection).await?;
    Ok(())
}

fn read(row: OldRow, offset: UtcOffset) -> Result<Placed, StoreError> {
    let (position, day, venue, person, at, direction, method, party_size) = row;
    let second = Timestamp(at).0 - packs::start_of(Day(day), offset).0;
    let second = u32::try_from(second).ok().filter(|second| *second < 86_400);
    Ok(Placed {
        position,
        day: Day(day),
        event: Packed {
            venue: packs::venue_key(venue)?,
            second: second.ok_or_else(|| {
                StoreError::corrupt(format!("check-in {position} stands in a day that is not its"))
            })?,
            direction: Direction::from_code(direction)?,
            method: Method::from_code(method)?,
            party_size,
            person: replay::person(person)?,
        },
    })
}
