//! Floor 3: R-trees, the cell table, the ledger, the snapshot.
