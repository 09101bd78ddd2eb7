//! Floor 6: composition. Turns a command line into a running system: opens the store, starts the
//! pipeline, serves the API, reads files in, makes keys. Decides nothing that a floor below decides.

mod aggregate;
mod demo;
mod draft;
mod export;
mod history;
mod import;
mod import_remote;
mod keys;
mod rules;
mod run;
mod serve;
mod upkeep;

pub use run::main;
