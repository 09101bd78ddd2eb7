use rustc_hash::FxHashMap;

use super::{
    dialect::{DbConnection, ManyRows},
    error::StoreError,
    open::Store,
    venues::UNPOISONED,
};
use crate::geo::Cell;
use crate::model::VenueId;

/// Where venues stood when past events came: a replay counts an event where it was counted at first,
/// whatever became of the venue since.
#[derive(Clone, Debug, Default)]
pub struct VenueMoves {
    /// (The last position at which it stood there, the cell), ascending.
    by_venue: FxHashMap<VenueId, Vec<(i64, Cell)>>,
}

impl VenueMoves {
    /// The cell that the venue stood in when the event at `position` came. `None` when it has stood
    /// where it stands now ever since.
    #[must_use]
    pub fn cell_at(&self, venue: &VenueId, position: i64) -> Option<Cell> {
        if self.by_venue.is_empty() {
            return None;
        }
        let moves = self.by_venue.get(venue)?;
        let at = moves.partition_point(|(until, _)| *until < position);
        moves.get(at).map(|(_, cell)| *cell)
    }
}

static MOVES: ManyRows = ManyRows::new(
    "insert into venue_moved (venue, until, cell) values",
    3,
    // No event came between two moves: the first says where those before it happened.
    "on conflict (venue, until) do nothing",
);

/// Remembers that venues have left these cells, as of the position the store is at.
pub(super) async fn write(connection: &mut DbConnection, left: &[(i64, Cell)]) -> Result<(), StoreError> {
    if left.is_empty() {
        return Ok(());
    }
    let position: i64 = sqlx::query_scalar("select position from meta where one = 1")
        .fetch_one(&mut *connection)
        .await?;
    for (range, statement) in MOVES.cut(left.len()) {
        let mut query = sqlx::query(statement);
        for (venue, cell) in &left[range] {
            query = query.bind(*venue).bind(position).bind(cell.to_u64() as i64);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

impl Store {
    /// The moves that matter to events with positions after `after`.
    ///
    /// # Errors
    /// Those of the database, and [`StoreError::Corrupt`].
    pub async fn venue_moves(&self, after: i64) -> Result<VenueMoves, StoreError> {
        let rows: Vec<(i64, i64, i64)> = sqlx::query_as(
            "select venue, until, cell from venue_moved where until > $1 order by venue, until",
        )
        .bind(after)
        .fetch_all(&self.reader)
        .await?;
        let numbers = self.numbers.read().expect(UNPOISONED);
        let mut moves = VenueMoves::default();
        for (venue, until, cell) in rows {
            let cell = Cell::from_u64(cell as u64).map_err(|error| StoreError::corrupt(error.to_string()))?;
            let id = numbers.id(venue)?.clone();
            moves.by_venue.entry(id).or_default().push((until, cell));
        }
        Ok(moves)
    }
}
