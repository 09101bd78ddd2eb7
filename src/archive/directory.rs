use crate::archive::codec::{gzip, put_varint, take_varint};

/// The most that the compressed first directory may take: a header and it are read in one go of 16,384 bytes.
pub(super) const MAX_ROOT_BYTES: usize = 16_384 - super::header::HEADER_BYTES;
/// Entries of a directory below the first one, to begin with.
const LEAF_ENTRIES: usize = 4096;

/// A run of tiles with equal content, or (run length 0) a directory below this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The number of the first tile.
    pub id: u64,
    /// How many tiles; 0 for a directory.
    pub run: u32,
    /// Bytes.
    pub length: u32,
    /// From the beginning of the tiles, or of the directories.
    pub offset: u64,
}

/// A directory's bytes, before compression: the count, then ids as steps, runs, lengths and offsets, column
/// after column. An offset that follows on the entry before is written as 0, any other as one more than it is.
pub(super) fn to_bytes(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::with_capacity(entries.len() * 5 + 8);
    put_varint(&mut out, entries.len() as u64);
    let mut last = 0;
    for entry in entries {
        put_varint(&mut out, entry.id - last);
        last = entry.id;
    }
    for entry in entries {
        put_varint(&mut out, entry.run.into());
    }
    for entry in entries {
        put_varint(&mut out, entry.length.into());
    }
    let mut follows = None;
    for entry in entries {
        put_varint(
            &mut out,
            if follows == Some(entry.offset) {
                0
            } else {
                entry.offset + 1
            },
        );
        follows = Some(entry.offset + u64::from(entry.length));
    }
    out
}

/// Reads a directory. What is wrong with it comes back in words.
pub(super) fn from_bytes(mut bytes: &[u8]) -> Result<Vec<Entry>, &'static str> {
    const CUT: &str = "a directory ends too soon";
    let rest = &mut bytes;
    let count = take_varint(rest).ok_or(CUT)?;
    if count == 0 {
        return Err("a directory has no entries");
    }
    // Every entry has four numbers of at least a byte: nothing is reserved for what cannot be there.
    if count > rest.len() as u64 / 4 {
        return Err(CUT);
    }
    let mut entries = vec![
        Entry {
            id: 0,
            run: 0,
            length: 0,
            offset: 0
        };
        count as usize
    ];
    let mut id = 0_u64;
    for (place, entry) in entries.iter_mut().enumerate() {
        let step = take_varint(rest).ok_or(CUT)?;
        if place > 0 && step == 0 {
            return Err("a directory names a tile twice");
        }
        id = id.checked_add(step).ok_or("a tile's number is too large")?;
        entry.id = id;
    }
    for entry in &mut entries {
        let run = take_varint(rest).ok_or(CUT)?;
        entry.run = u32::try_from(run).map_err(|_large| "a run is too long")?;
    }
    for entry in &mut entries {
        let length = take_varint(rest).ok_or(CUT)?;
        entry.length = u32::try_from(length).map_err(|_large| "a tile is too long")?;
        if length == 0 {
            return Err("a tile has no bytes");
        }
    }
    let mut follows = None;
    for entry in &mut entries {
        entry.offset = match (take_varint(rest).ok_or(CUT)?, follows) {
            (0, None) => return Err("the first offset of a directory follows on nothing"),
            (0, Some(offset)) => offset,
            (more, _) => more - 1,
        };
        let end = entry.offset.checked_add(u64::from(entry.length));
        follows = Some(end.ok_or("an offset is too large")?);
    }
    Ok(entries)
}

/// The entry that speaks for a tile: its run holds it, or it is a directory that may.
pub(super) fn find(entries: &[Entry], id: u64) -> Option<&Entry> {
    let after = entries.partition_point(|entry| entry.id <= id);
    let entry = &entries[after.checked_sub(1)?];
    (entry.run == 0 || id - entry.id < u64::from(entry.run)).then_some(entry)
}

/// The compressed first directory and all those below it, one after the other. Where all entries fit into the
/// first there are none below; otherwise the first only points at them, and they grow until it fits.
pub(super) fn build(entries: &[Entry]) -> (Vec<u8>, Vec<u8>) {
    // Larger ones hardly ever shrink so far, and leaves are right all the same.
    if entries.len() < MAX_ROOT_BYTES * 5 {
        let root = gzip(&to_bytes(entries));
        if root.len() <= MAX_ROOT_BYTES {
            return (root, Vec::new());
        }
    }
    let mut size = LEAF_ENTRIES;
    loop {
        let (mut pointers, mut leaves) = (Vec::new(), Vec::new());
        for part in entries.chunks(size) {
            let leaf = gzip(&to_bytes(part));
            pointers.push(Entry {
                id: part[0].id,
                run: 0,
                length: leaf.len() as u32,
                offset: leaves.len() as u64,
            });
            leaves.extend_from_slice(&leaf);
        }
        let root = gzip(&to_bytes(&pointers));
        if root.len() <= MAX_ROOT_BYTES {
            return (root, leaves);
        }
        size *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::codec::gunzip;

    fn entry(id: u64, run: u32, length: u32, offset: u64) -> Entry {
        Entry {
            id,
            run,
            length,
            offset,
        }
    }

    #[test]
    fn columns_are_written_as_the_specification_says() {
        let entries = [entry(5, 2, 300, 0), entry(7, 1, 10, 300), entry(200, 1, 300, 0)];
        let bytes = to_bytes(&entries);
        assert_eq!(
            bytes,
            [
                3, // entries
                5, 2, 0xc1, 0x01, // ids: 5, +2, +193
                2, 1, 1, // runs
                0xac, 0x02, 10, 0xac, 0x02, // lengths
                1, 0, 1, // offsets: 0 + 1, follows, 0 + 1
            ]
        );
        assert_eq!(from_bytes(&bytes).unwrap(), entries);
        for cut in 0..bytes.len() {
            assert!(from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn directories_that_lie_are_refused() {
        for (bytes, reason) in [
            (vec![0], "a directory has no entries"),
            (vec![0xff, 0xff, 0x7f, 1, 1, 1, 1], "a directory ends too soon"),
            (vec![2, 1, 0, 1, 1, 1, 1, 1, 0], "a directory names a tile twice"),
            (vec![1, 1, 1, 0, 1], "a tile has no bytes"),
            (
                vec![1, 1, 1, 1, 0],
                "the first offset of a directory follows on nothing",
            ),
        ] {
            assert_eq!(from_bytes(&bytes).unwrap_err(), reason);
        }
    }

    #[test]
    fn a_tile_is_found_in_its_run_and_nowhere_else() {
        let tiles = [entry(5, 2, 300, 0), entry(9, 1, 10, 300)];
        let found: Vec<u64> = (0..12).filter(|id| find(&tiles, *id).is_some()).collect();
        assert_eq!(found, [5, 6, 9]);
        let pointers = [entry(5, 0, 300, 0)];
        assert_eq!(find(&pointers, 4), None);
        assert_eq!(find(&pointers, 1_000), Some(&pointers[0]));
    }

    #[test]
    fn many_entries_go_into_leaves_and_the_root_fits() {
        // Lengths without a pattern, so that nothing shrinks.
        let mut offset = 0;
        let mut length = 1_u32;
        let entries: Vec<Entry> = (0..400_000)
            .map(|place: u64| {
                length = length.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let one = entry(place * 3, 1, (length >> 12) + 1, offset);
                offset += u64::from(one.length);
                one
            })
            .collect();
        let (root, leaves) = build(&entries);
        assert!(root.len() <= MAX_ROOT_BYTES && !leaves.is_empty());
        let pointers = from_bytes(&gunzip(&root, 1 << 20).unwrap()).unwrap();
        let mut back = Vec::new();
        for pointer in &pointers {
            assert_eq!(pointer.run, 0);
            let end = pointer.offset as usize + pointer.length as usize;
            let leaf = gunzip(&leaves[pointer.offset as usize..end], 1 << 24).unwrap();
            back.extend(from_bytes(&leaf).unwrap());
        }
        assert_eq!(back, entries);
        assert!(build(&entries[..1000]).1.is_empty());
    }
}
