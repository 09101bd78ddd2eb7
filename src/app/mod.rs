//! Floor 6: composition. Turns a command line into a running system: opens the store, starts the
//! pipeline, serves the API, reads files in, makes keys. Decides nothing that a floor below decides.
