//! Check-ins in their tables: a row each for the key that tells repeats, packs for the rest.

use std::ops::Range;

use futures_util::TryStreamExt as _;
use sqlx::query::Query;

use super::{
    dialect::{Db, DbArguments, DbConnection, ManyRows},
    error::StoreError,
    events::Row,
    packs::{self, PACK_EVENTS, Packed, PackedScan},
    venues::VenueNumber,
};
use crate::model::{CheckIn, Day, Direction, PersonId, UtcOffset};

static KEYS: ManyRows = ManyRows::new(
    "insert into check_in_key (hour, id_hash, content) values",
    3,
    "on conflict (hour, id_hash) do nothing",
);
static PACKS: ManyRows = ManyRows::new(
    "insert into check_in (position, events, departures, day, body) values",
    5,
    "",
);
static VENUE_BLOCKS: ManyRows = ManyRows::new("insert into check_in_venue (day, node, body) values", 3, "");
static PERSON_BLOCKS: ManyRows = ManyRows::new("insert into check_in_person (day, node, body) values", 3, "");

static OF_VENUES: ManyRows = ManyRows::new(
    "select body from check_in_venue where day = ? and node in (values",
    1,
    ")",
);
static OF_PERSONS: ManyRows = ManyRows::new(
    "select body from check_in_person where day = ? and node in (values",
    1,
    ")",
);

/// A check-in with its place in the sequence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub(super) position: i64,
    pub(super) day: Day,
    pub(super) event: Packed,
}

/// Inserts the check-ins of one transaction, sorted by hour and hash of the id; stops, with `false`, at a key that is
/// there already.
pub(super) async fn insert(
    connection: &mut DbConnection,
    offset: UtcOffset,
    rows: &[Row<'_, CheckIn>],
    venues: &[VenueNumber],
) -> Result<bool, StoreError> {
    let placed = placed(offset, rows, venues)?;
    let sorted = Sorted::new(&placed);
    let mut statements = Vec::new();
    statements.extend(KEYS.cut(rows.len()).into_iter().map(|cut| (Part::Keys, cut)));
    statements.extend(sorted.statements());
    let fill = |(part, (range, text)): (Part, (Range<usize>, &'static str))| {
        let count = range.len() as u64;
        let query = sqlx::query(text);
        let query = match part {
            Part::Keys => rows[range].iter().fold(query, |query, row| {
                query
                    .bind(row.hour)
                    .bind(row.id_hash)
                    .bind(row.event.content.0 as i64)
            }),
            _ => sorted.fill(query, part, range),
        };
        (query, count)
    };
    let mut statements = statements.into_iter();
    let mut next = statements.next().map(fill);
    while let Some((query, count)) = next {
        // SQLite works on a thread of its own: this one packs for the next statement meanwhile.
        let (done, filled) = tokio::join!(query.execute(&mut *connection), async {
            statements.next().map(fill)
        });
        if done?.rows_affected() != count {
            return Ok(false);
        }
        next = filled;
    }
    Ok(true)
}

/// Inserts check-ins that were rows, with their hours, hashes of ids and contents.
pub(super) async fn insert_moved(
    connection: &mut DbConnection,
    keys: &[(i32, i64, i64)],
    placed: &[Placed],
) -> Result<(), StoreError> {
    for (range, text) in KEYS.cut(keys.len()) {
        let query = keys[range]
            .iter()
            .fold(sqlx::query(text), |query, (hour, id_hash, content)| {
                query.bind(*hour).bind(*id_hash).bind(*content)
            });
        query.execute(&mut *connection).await?;
    }
    let sorted = Sorted::new(placed);
    for (part, (range, text)) in sorted.statements() {
        sorted
            .fill(sqlx::query(text), part, range)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

fn placed(
    offset: UtcOffset,
    rows: &[Row<'_, CheckIn>],
    venues: &[VenueNumber],
) -> Result<Vec<Placed>, StoreError> {
    rows.iter()
        .zip(venues)
        .map(|(row, venue)| {
            let record = &row.event.record;
            Ok(Placed {
                position: row.position,
                day: row.day,
                event: Packed {
                    venue: packs::venue_key(venue.ix)?,
                    second: (row.event.at.0 - packs::start_of(row.day, offset).0) as u32,
                    direction: record.direction,
                    method: record.method,
                    party_size: record.party_size,
                    person: record.person,
                },
            })
        })
        .collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Keys,
    Packs,
    Venues,
    Persons,
}

/// A block to be written: its day and node, and which of the sorted scans are in it.
struct Block {
    day: Day,
    node: i64,
    scans: Range<usize>,
}

/// Check-ins sorted for the three tables; bodies are written when their statement is filled.
struct Sorted<'p> {
    placed: &'p [Placed],
    packs: Vec<Range<usize>>,
    by_venue: Scans,
    by_person: Scans,
}

/// Where the scans of one side stand among the check-ins, sorted by day and key, and the blocks they are cut into.
struct Scans {
    order: Vec<u32>,
    blocks: Vec<Block>,
}

impl Scans {
    fn new(placed: &[Placed], key: impl Fn(&Packed, PersonId) -> u32) -> Self {
        let mut found = Self {
            order: Vec::with_capacity(placed.len()),
            blocks: Vec::new(),
        };
        let mut from = 0_u32;
        for day in placed.chunk_by(|a, b| a.day == b.day) {
            // Key and place in one number: sorted faster than pairs are.
            let mut keyed: Vec<u64> = day
                .iter()
                .zip(from..)
                .filter_map(|(one, at)| {
                    let person = one.event.person?;
                    Some(u64::from(key(&one.event, person)) << 32 | u64::from(at))
                })
                .collect();
            keyed.sort_unstable();
            let keys: Vec<u32> = keyed.iter().map(|one| (one >> 32) as u32).collect();
            let begun = found.order.len();
            found.order.extend(keyed.iter().map(|one| *one as u32));
            found
                .blocks
                .extend(packs::cut_blocks(&keys).into_iter().map(|(node, scans)| Block {
                    day: day[0].day,
                    node,
                    scans: begun + scans.start..begun + scans.end,
                }));
            from += day.len() as u32;
        }
        found
    }

    fn body(&self, placed: &[Placed], block: &Block) -> Vec<u8> {
        packs::write_block(self.order[block.scans.clone()].iter().filter_map(|at| {
            let event = &placed[*at as usize].event;
            Some(PackedScan {
                venue: event.venue,
                second: event.second,
                direction: event.direction,
                person: event.person?,
            })
        }))
    }
}

type Statement<'q> = Query<'q, Db, DbArguments>;

impl<'p> Sorted<'p> {
    fn new(placed: &'p [Placed]) -> Self {
        let mut cuts = Vec::new();
        let mut from = 0;
        for run in placed.chunk_by(|a, b| a.day == b.day && a.position + 1 == b.position) {
            let end = from + run.len();
            while from < end {
                let to = end.min(from + PACK_EVENTS);
                cuts.push(from..to);
                from = to;
            }
        }
        Self {
            placed,
            packs: cuts,
            by_venue: Scans::new(placed, |event, _| event.venue),
            by_person: Scans::new(placed, |_, person| packs::person_key(person)),
        }
    }

    fn statements(&self) -> impl Iterator<Item = (Part, (Range<usize>, &'static str))> + use<> {
        let tables = [
            (Part::Packs, &PACKS, self.packs.len()),
            (Part::Venues, &VENUE_BLOCKS, self.by_venue.blocks.len()),
            (Part::Persons, &PERSON_BLOCKS, self.by_person.blocks.len()),
        ];
        tables
            .into_iter()
            .flat_map(|(part, many, count)| many.cut(count).into_iter().map(move |cut| (part, cut)))
    }

    fn fill<'q>(&self, query: Statement<'q>, part: Part, range: Range<usize>) -> Statement<'q> {
        let scans = match part {
            Part::Keys => return query,
            Part::Packs => {
                return self.packs[range].iter().fold(query, |query, pack| {
                    let rows = &self.placed[pack.clone()];
                    let departures = rows.iter().filter(|one| one.event.direction == Direction::Out);
                    query
                        .bind(rows[0].position)
                        .bind(rows.len() as i64)
                        .bind(departures.count() as i64)
                        .bind(rows[0].day.0)
                        .bind(packs::write_pack(rows.iter().map(|one| one.event)))
                });
            }
            Part::Venues => &self.by_venue,
            Part::Persons => &self.by_person,
        };
        scans.blocks[range].iter().fold(query, |query, block| {
            query
                .bind(block.day.0)
                .bind(block.node)
                .bind(scans.body(self.placed, block))
        })
    }
}

/// All scans of people at a venue on a day.
pub(super) async fn scans_at(
    connection: &mut DbConnection,
    day: Day,
    venue: i64,
) -> Result<Vec<PackedScan>, StoreError> {
    let key = packs::venue_key(venue)?;
    let nodes: Vec<i64> = packs::nodes_of(key).collect();
    scans(connection, &OF_VENUES, day, &nodes, |venue, _| venue == key).await
}

/// All scans of some people on a day, wherever; `people` sorted.
pub(super) async fn scans_of(
    connection: &mut DbConnection,
    day: Day,
    people: &[PersonId],
) -> Result<Vec<PackedScan>, StoreError> {
    let keys = people.iter().map(|person| packs::person_key(*person));
    let mut nodes: Vec<i64> = keys.flat_map(packs::nodes_of).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let wanted = |_, person: PersonId| people.binary_search(&person).is_ok();
    scans(connection, &OF_PERSONS, day, &nodes, wanted).await
}

async fn scans(
    connection: &mut DbConnection,
    many: &'static ManyRows,
    day: Day,
    nodes: &[i64],
    wanted: impl Fn(u32, PersonId) -> bool,
) -> Result<Vec<PackedScan>, StoreError> {
    let mut found = Vec::new();
    for (range, text) in many.cut(nodes.len()) {
        let query = nodes[range]
            .iter()
            .fold(sqlx::query_scalar(text).bind(day.0), |query, node| {
                query.bind(*node)
            });
        let mut bodies = query.fetch(&mut *connection);
        while let Some(body) = bodies.try_next().await? {
            let body: Vec<u8> = body;
            packs::read_block(&body, &wanted, &mut found)?;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Store, StoreConfig};

    #[tokio::test]
    async fn looking_for_a_venue_or_a_person_walks_an_index_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), StoreConfig::default()).await.unwrap();
        for (many, index) in [
            (&OF_VENUES, "check_in_venue_node"),
            (&OF_PERSONS, "check_in_person_node"),
        ] {
            for (_, text) in many.cut(1_111) {
                let plan: Vec<(i64, i64, i64, String)> =
                    sqlx::query_as(sqlx::AssertSqlSafe(format!("explain query plan {text}")))
                        .fetch_all(&store.reader)
                        .await
                        .unwrap();
                let steps: Vec<&str> = plan.iter().map(|step| step.3.as_str()).collect();
                let wanted = format!("USING INDEX {index} (day=? AND node=?)");
                assert!(steps.iter().any(|step| step.ends_with(&wanted)), "{steps:?}");
            }
        }
    }
}
