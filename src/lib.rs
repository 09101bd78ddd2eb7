//! Vùng Xanh ("green zone"): live, explainable, privacy-keeping safe-venue maps.
//!
//! Streams of check-ins, declarations, contacts, venue assessments and cases become sums per H3 cell and
//! venue, risk levels that carry their reasons, and vector tiles and zone APIs. One program, one data folder.
//!
//! # The way of a check-in
//! 1. [`api`] takes `POST /v1/check-ins`: key and role first, then a bounded, decompressed stream.
//! 2. [`ingest`] reads it line by line. A good line becomes a [`model::CheckIn`] whose person is a pseudonym
//!    of that local day; a bad one becomes a rejection that names line, field, value and what was expected.
//! 3. [`pipeline`] lets chunks that wait share a transaction: [`store`] commits it, recognising repeats by (hour, id)
//!    and giving each accepted event the next position. A check-in is a row by its key only; what it says is packed, once
//!    in the order of positions and twice to be found, by venue and by person. The next transaction runs while this one is folded. Where events
//!    come faster than they can be stored, batches stop reading their sockets and new ones are refused with 429.
//! 4. The accepted events are folded into the [`index::Ledger`]: sums per (cell of resolution 9, hour),
//!    (venue, hour) and (area, hour). Folding commutes, so order never matters; an event counts where its venue stood
//!    when it was committed, also after a restart.
//! 5. The answer goes out: what it acknowledges is on the disk.
//! 6. Within a tenth of a second the publisher computes what went stale through [`risk`], rebuilds the touched
//!    shards, and swaps in the next [`index::Snapshot`]; its generation wakes whoever listens to changes.
//!
//! # The way of a tile
//! 1. [`api`] parses `/tiles/{layers}/{z}/{x}/{y}` into integers, settles the format by the ending or `Accept`, and takes
//!    the present snapshot: no lock.
//! 2. The tile cache answers, or one thread encodes while the others wait. A tile that takes less time than to hand it on
//!    is made where it was asked for; of others as many at once as there are processors, first come first served. A tile is
//!    kept in the coding that was asked for. A live tile stays good until the log of changes names it; one of another window or of a past instant until something that it rests on differs: a change
//!    elsewhere, or of an hour that it does not count, encodes nothing.
//! 3. [`tiles`] asks the snapshot what stands in the tile: released figures for the public, exact ones for
//!    officials and analysts. Outlines of hexagons are copied from blocks that were encoded once; areas and zones
//!    come from a pyramid: simplified once for each zoom between the joints of their borders, cut once for each tile,
//!    from pieces of the tiles above. Which venues a zoom has room for is found out once for each state of the venues, and
//!    after a change only in the squares around it; what is drawn of them lies side by side in the order of the map. Equal
//!    content is equal bytes. All formats are written from the
//!    same features.
//! 4. The answer carries an `ETag` made of the content, one for each coding; an unchanged tile answers 304.
//!
//! # The way of a change
//! 1. With each snapshot [`index`] says which cells, venues, areas and zones *may* differ from the one before.
//! 2. [`tiles`] compares what tiles say of them, for the public and for officials, and finds the tiles in which those
//!    that really differ stand. Nothing is encoded for it. The last of these lists are the log of changes.
//! 3. `/v1/changes` wakes its readers; each takes from the log what changed since it was told last. Nothing is queued for
//!    anybody: who was away too long is told to load everything again.
//!
//! # The way of a day
//! An hour after local midnight the day closes: its activity is *released* (small numbers hidden, so that no
//! hidden figure can be computed from what is shown), after a Sunday also the week's cases. What was released
//! is stored and never edited. When a day leaves the retention its sums go into the history, its presence
//! rows (who, where, when) are deleted, and then its keys: each day's are made of the day's before, and the
//! days that have left are cut off, so nobody can say any more who a pseudonym was. The sums of sealed days
//! go out as Parquet (`export history`), and out of these files `rebuild` makes the same days, bit for bit.
//!
//! # The way of a file of check-ins
//! `aggregate check-ins` needs no data folder: [`aggregate`] finds each venue's cell once, each name once a dictionary,
//! deals the rows by cell to parts that fit a core's cache, and tells people apart there by all their bits.
//!
//! # The way of a restart
//! It loads the last checkpoint and replays the events after it: the result is the same, bit for bit. A checkpoint is a
//! list of parts, each in a file of its own, known by its checksum and written only when something changed in it; one
//! part that is missing or another than was written, and everything is replayed. An event
//! counts where it counted when it came, though its venue may have moved since ([`store::VenueMoves`]). The areas'
//! sums are a function of the stored cases and the present areas: when an area changes they are made again, live
//! as after a restart. A write that reported an error may have happened all the same: events are caught up by
//! position, registries are read again, before anything else is written.
//!
//! # The way of a question about the epidemic
//! `/v1/areas/{code}/trend`, `/v1/hot-spots`, `/v1/clusters` and `/v1/forecasts` are for those who see exact figures. [`api`] collects cases and
//! residents of areas or cells from the snapshot, [`risk::methods`] holds the published methods on plain numbers, and what went
//! in can be had as a list and counted again.
//!
//! # The way of an area's level
//! 1. A week closes and its counts are released. [`levels`] gives [`risk`] what everybody may know of each area: released
//!    counts of one and two weeks, residents and indicators as they were registered when the week ended, and the newest
//!    published report of each figure that nobody can count here ([`model::AreaReport`]: tests, admissions, coverage, what
//!    officials found).
//! 2. The rule in force (`data/rules/area-*.toml`: tables, conditions on the units below and on neighbours, what officials
//!    declare, adjustments) decides from the leaves up which levels are possible, again until neighbours agree: each rests
//!    on strictly higher ones. Who borders on whom is found from the outlines when a rule asks first. Only where one level is
//!    left is there a level; nothing is guessed.
//! 3. `?rules=` asks any other rule the same question of the same figures, `rules diff` asks two, and `/v1/bulletin` lays two
//!    weeks side by side.
//!
//! # The way of a rule
//! 1. Every rule is a file: those that come with the program, with an operator's folder laid over them. Each is read and
//!    checked as a whole; what is wrong is named with file, line, field, value and what was expected.
//! 2. SIGHUP or `POST /v1/rules/reload` has [`pipeline`] read all of them again. With one that is wrong nothing changes.
//! 3. Good ones are put in force between two publications: what rests on rules is computed anew as a start with them would,
//!    and the tiles that show something else are announced. Releases that stand are never edited.
//!
//! # The floors
//! Imports go down only; `tests/it/floors.rs` holds the table and checks it.
//!
//! | floor | modules |
//! |---|---|
//! | 1 | [`geo`] |
//! | 2 | [`model`], [`filter`], [`archive`] |
//! | 3 | [`risk`], [`store`], [`ingest`], [`aggregate`], [`index`] |
//! | 4 | [`levels`], and on it [`tiles`] |
//! | 5 | [`pipeline`], [`api`] |
//! | 6 | [`demo`], [`app`], [`config`], [`telemetry`] |
//!
//! # Invariants, written as absences
//! - `geo`, `model` and `risk` do no IO and read no clock; time comes in as a parameter.
//! - A published snapshot never changes; no reader holds a lock.
//! - No figure on a public map comes from raw counts: it comes from a release.
//! - No phone number, name or document number exists anywhere past `ingest`.
//! - Nothing is acknowledged that is not on the disk; nothing is counted twice.
//! - No key makes a pseudonym of a day that has left the retention.
//! - No commit waits for a checkpoint to be encoded or written.
//! - A tile depends on nothing but (snapshot, rules for cells and for areas of the past, layers, format, z/x/y, resolution, at, window, audience, filter).
//! - No week that was published is told otherwise because an area is registered otherwise later.
//! - A filter sees nothing of a thing but what its audience is shown of it.
//! - No live tile changes without being announced; none is announced that did not change, but where so many did that
//!   those above them are named.

pub mod aggregate;
pub mod api;
pub mod app;
pub mod archive;
pub mod config;
pub mod demo;
pub mod filter;
pub mod geo;
pub mod index;
pub mod ingest;
pub mod levels;
pub mod model;
pub mod pipeline;
pub mod risk;
pub mod store;
pub mod telemetry;
pub mod tiles;
