use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Live, explainable, privacy-keeping safe-venue maps.
#[derive(Debug, Parser)]
#[command(name = "vungxanh", version, about, propagate_version = true)]
pub struct Cli {
    /// Settings file (TOML).
    #[arg(long, global = true, env = "VUNGXANH_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Log filter, such as `info` or `vungxanh=debug,warn`.
    #[arg(long, global = true, env = "VUNGXANH_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// Log as JSON lines.
    #[arg(long, global = true, env = "VUNGXANH_LOG_JSON")]
    pub log_json: bool,
    /// Time to run at: an instant (RFC 3339 with offset), or one with `x` and a speed behind it.
    #[arg(long, global = true, env = "VUNGXANH_CLOCK", value_name = "INSTANT[xSPEED]")]
    pub clock: Option<String>,
    /// Whole hours east of UTC that local days follow.
    #[arg(
        long,
        global = true,
        env = "VUNGXANH_UTC_OFFSET",
        value_name = "HOURS",
        allow_hyphen_values = true
    )]
    pub utc_offset: Option<i8>,
    /// Folder of your own rule files (TOML), laid over those that come with the program.
    #[arg(long, global = true, env = "VUNGXANH_RULES", value_name = "DIR")]
    pub rules: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the whole system with a generated outbreak in Thái Nguyên.
    Demo(DemoArgs),
    /// Serve a data folder.
    Serve(ServeArgs),
    /// Read records from a file into a data folder, or send them to a running server.
    Import(ImportArgs),
    /// Sum whole files, without a data folder.
    #[command(subcommand)]
    Aggregate(AggregateCommand),
    /// Make, list and revoke keys.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Write data out.
    #[command(subcommand)]
    Export(ExportCommand),
    /// Look at rules, check rule files, and see what another rule would change.
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Copy a data folder's database into one consistent file.
    Backup {
        /// The data folder.
        #[arg(long, env = "VUNGXANH_DATA")]
        data: PathBuf,
        /// The file to write; must not exist.
        #[arg(long)]
        to: PathBuf,
    },
    /// Make a new data folder from a backup, and check it.
    Restore {
        /// The new data folder; must not hold a database.
        #[arg(long, env = "VUNGXANH_DATA")]
        data: PathBuf,
        /// The backup file.
        #[arg(long)]
        from: PathBuf,
    },
    /// Put sealed days back out of a folder that `export history` wrote. No server may run meanwhile.
    Rebuild {
        /// The data folder; its venues (and cases) are there already.
        #[arg(long, env = "VUNGXANH_DATA")]
        data: PathBuf,
        /// The folder of `export history`.
        #[arg(long)]
        from: PathBuf,
    },
    /// Verify the integrity of a data folder.
    Check {
        /// The data folder.
        #[arg(long, env = "VUNGXANH_DATA")]
        data: PathBuf,
    },
}

/// Options of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080", env = "VUNGXANH_LISTEN")]
    pub listen: String,
    /// Data folder; without it a temporary one, removed at the end.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Seed: the same seed makes the same outbreak.
    #[arg(long, default_value_t = 3)]
    pub seed: u64,
    /// Simulated people with the app.
    #[arg(long, default_value_t = 60_000, value_parser = clap::value_parser!(u32).range(200..=2_000_000))]
    pub people: u32,
    /// Venues.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(100..=500_000))]
    pub venues: u32,
    /// Days of history.
    #[arg(long, default_value_t = 21, value_parser = clap::value_parser!(u32).range(7..=60))]
    pub days: u32,
    /// How fast the simulated clock runs.
    #[arg(long, default_value_t = 60.0)]
    pub speed: f64,
    /// Your own basemap (`PMTiles`, vector or pictures), drawn below the map.
    #[arg(long, env = "VUNGXANH_BASEMAP", value_name = "FILE.pmtiles")]
    pub basemap: Option<PathBuf>,
}

/// Options of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The data folder; made when missing.
    #[arg(long, env = "VUNGXANH_DATA")]
    pub data: PathBuf,
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, env = "VUNGXANH_LISTEN")]
    pub listen: Option<String>,
    /// Your own basemap (`PMTiles`, vector or pictures), drawn below the map.
    #[arg(long, env = "VUNGXANH_BASEMAP", value_name = "FILE.pmtiles")]
    pub basemap: Option<PathBuf>,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImportKind {
    /// Administrative units.
    Areas,
    /// What was reported of areas: tests, care, vaccination, findings.
    AreaReports,
    /// Public places.
    Venues,
    /// Check-ins.
    CheckIns,
    /// Health declarations.
    Declarations,
    /// Bluetooth contacts.
    Contacts,
    /// Safety assessments.
    Assessments,
    /// Cases.
    Cases,
    /// Zones.
    Zones,
}

/// Options of `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// What the file holds.
    pub kind: ImportKind,
    /// The file (CSV, NDJSON, JSON, Parquet, GeoJSON; .gz, .zst and .br are opened), or `-` for standard input.
    pub file: PathBuf,
    /// Import into this data folder.
    #[arg(
        long,
        env = "VUNGXANH_DATA",
        required_unless_present = "to",
        conflicts_with = "to"
    )]
    pub data: Option<PathBuf>,
    /// Send to this server instead.
    #[arg(long, value_name = "URL", requires = "key")]
    pub to: Option<String>,
    /// Key for --to.
    #[arg(long, env = "VUNGXANH_KEY", hide_env_values = true)]
    pub key: Option<String>,
    /// Our field = their column, or = 'constant': `--map at=time,venue=place,kind='other'`.
    #[arg(long, value_name = "FIELD=COLUMN,…")]
    pub map: Option<String>,
    /// Format, when the file's name does not tell: csv, ndjson, json, geojson, parquet.
    #[arg(long)]
    pub format: Option<String>,
    /// Write whole past days into the history, replacing what is there (check-ins only).
    #[arg(long)]
    pub backfill: bool,
    /// Stop, and keep nothing of the file's rest, at the first rejected record.
    #[arg(long)]
    pub strict: bool,
}

/// What to sum.
#[derive(Debug, Subcommand)]
pub enum AggregateCommand {
    /// Visits and distinct people per cell and hour of a Parquet file of check-ins. Exact figures: not for publication.
    CheckIns(AggregateCheckInsArgs),
}

/// Options of `aggregate check-ins`.
#[derive(Debug, Args)]
pub struct AggregateCheckInsArgs {
    /// The Parquet file: venue, at, person; direction and `party_size` where there are such columns.
    pub file: PathBuf,
    /// The venues' places, as Parquet: id, lng, lat.
    #[arg(long, required_unless_present = "data", conflicts_with = "data")]
    pub venues: Option<PathBuf>,
    /// The venues of this data folder instead.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Our field = their column: `--map at=time,venue=place`.
    #[arg(long, value_name = "FIELD=COLUMN,…")]
    pub map: Option<String>,
    /// The same for --venues: `--venues-map id=place`.
    #[arg(long, value_name = "FIELD=COLUMN,…", requires = "venues")]
    pub venues_map: Option<String>,
    /// The file to write, .parquet or .csv; must not exist. Without it only the totals are said.
    #[arg(long)]
    pub to: Option<PathBuf>,
    /// Rows held at once, MiB; a larger file is read several times.
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    pub memory_mb: u64,
    /// Threads; as many as the machine has by default.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Say the totals, the seconds and a digest of all sums as one line of JSON.
    #[arg(long)]
    pub json: bool,
}

/// The key commands.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key; its secret is printed once.
    Create(KeyCreateArgs),
    /// List keys, without secrets.
    List {
        /// The data folder.
        #[arg(long, env = "VUNGXANH_DATA")]
        data: PathBuf,
    },
    /// Revoke a key.
    Revoke {
        /// The data folder.
        #[arg(long, env = "VUNGXANH_DATA")]
        data: PathBuf,
        /// The key's id (the part between `vx_` and the second `_`).
        id: String,
    },
}

/// Options of `key create`.
#[derive(Debug, Args)]
pub struct KeyCreateArgs {
    /// The data folder; a running server takes the key at once.
    #[arg(long, env = "VUNGXANH_DATA")]
    pub data: PathBuf,
    /// ingest, official, approver, analyst or admin.
    #[arg(long)]
    pub role: String,
    /// Area codes an official may act in; all when none is given.
    #[arg(long = "area", value_name = "CODE")]
    pub areas: Vec<String>,
    /// A label for lists and the audit log.
    #[arg(long, default_value = "")]
    pub name: String,
}

/// The rule commands.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// List the rules that come with the program.
    List,
    /// Read rule files and say what is wrong with them, with file and line.
    Check {
        /// Rule files (TOML).
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Say which places two rules of one kind give different levels, from what was released.
    Diff(RulesDiffArgs),
}

/// Options of `rules diff`.
#[derive(Debug, Args)]
pub struct RulesDiffArgs {
    /// A rule for areas or cells: its id, id@version, or a rule file (.toml).
    pub a: String,
    /// The other one.
    pub b: String,
    /// The data folder; a server may run on it meanwhile.
    #[arg(long, env = "VUNGXANH_DATA")]
    pub data: PathBuf,
    /// The instant (RFC 3339 with offset); now by default.
    #[arg(long, value_name = "INSTANT")]
    pub at: Option<String>,
}

/// What to export.
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// Sealed days' sums as Parquet, for analysts. Exact figures: not for publication.
    History(ExportHistoryArgs),
    /// The public tiles as one `PMTiles` archive, for newsrooms and for use without a network.
    Tiles(ExportTilesArgs),
}

/// Options of `export tiles`.
#[derive(Debug, Args)]
pub struct ExportTilesArgs {
    /// The data folder; a server may run on it meanwhile.
    #[arg(long, env = "VUNGXANH_DATA")]
    pub data: PathBuf,
    /// The archive to write; must not exist.
    #[arg(long, value_name = "FILE.pmtiles")]
    pub to: PathBuf,
    /// Layers, joined by commas.
    #[arg(long, default_value = "cells,venues,areas,zones")]
    pub layers: String,
    /// The instant shown (RFC 3339 with offset), to the minute; now by default.
    #[arg(long, value_name = "INSTANT")]
    pub at: Option<String>,
    /// The span that ends at --at (ISO 8601: PT6H, P14D).
    #[arg(long, default_value = "P7D", value_name = "DURATION")]
    pub window: String,
    /// Only tiles that touch this box, degrees.
    #[arg(
        long,
        value_name = "MIN_LNG,MIN_LAT,MAX_LNG,MAX_LAT",
        allow_hyphen_values = true
    )]
    pub bbox: Option<String>,
    /// First zoom.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=16))]
    pub minzoom: u8,
    /// Last zoom. From 14 on every venue is shown and cells get no finer: maps enlarge the last tiles.
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u8).range(0..=16))]
    pub maxzoom: u8,
}

/// Options of `export history`.
#[derive(Debug, Args)]
pub struct ExportHistoryArgs {
    /// The data folder.
    #[arg(long, env = "VUNGXANH_DATA")]
    pub data: PathBuf,
    /// The folder to write (cells, venues and areas, for `rebuild`), or, ending in .parquet, one file of the cells.
    #[arg(long)]
    pub to: PathBuf,
}
