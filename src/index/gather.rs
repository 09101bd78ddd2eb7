use crate::model::Hour;

/// Goes through the sorted rows of many days together, key by key, and gives `each` those of one group of keys after
/// the other, sorted by key and hour. `group_of` names a key's group and the last key of that group; rows of keys
/// without a group are passed over. What `each` leaves of its rows' memory is used again. No key is `u64::MAX`.
pub(super) fn gather<I, S, G>(
    mut days: Vec<I>,
    group_of: impl Fn(u64) -> Option<(G, u64)>,
    mut each: impl FnMut(G, &mut Vec<(u64, Hour, S)>),
) where
    I: Iterator<Item = (u64, Hour, S)>,
{
    let mut heads: Vec<Option<(u64, Hour, S)>> = days.iter_mut().map(Iterator::next).collect();
    let key_of = |row: &Option<(u64, Hour, S)>| row.as_ref().map_or(u64::MAX, |row| row.0);
    // Beside the rows, so that the smallest is found in one pass over a few cache lines.
    let mut keys: Vec<u64> = heads.iter().map(key_of).collect();
    let mut open: Option<(G, u64)> = None;
    let mut rows: Vec<(u64, Hour, S)> = Vec::new();
    while let Some(key) = keys.iter().copied().min().filter(|key| *key != u64::MAX) {
        if open.as_ref().is_none_or(|(_, last)| key > *last) {
            if let Some((group, _)) = open.take() {
                each(group, &mut rows);
                rows.clear();
            }
            open = group_of(key);
        }
        let start = rows.len();
        for ((rest, next), own) in days.iter_mut().zip(&mut heads).zip(&mut keys) {
            if *own != key {
                continue;
            }
            while let Some(row) = next.take_if(|row| row.0 == key) {
                rows.push(row);
                *next = rest.next();
            }
            *own = key_of(next);
        }
        if open.is_none() {
            rows.clear();
        } else if !rows[start..].is_sorted_by_key(|row| row.1) {
            rows[start..].sort_by_key(|row| row.1);
        }
    }
    if let Some((group, _)) = open {
        each(group, &mut rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_a_group_come_together_and_sorted() {
        let day = |rows: &[(u64, i32)]| {
            let rows: Vec<(u64, Hour, u32)> = rows.iter().map(|row| (row.0, Hour(row.1), 1)).collect();
            rows.into_iter()
        };
        let days = vec![
            day(&[(1, 5), (1, 6), (12, 7), (99, 1)]),
            day(&[]),
            day(&[(1, 4), (3, 9), (12, 8), (25, 9), (99, 2)]),
        ];
        let mut groups = Vec::new();
        gather(
            days,
            |key| (key < 90).then_some((key / 10, key / 10 * 10 + 9)),
            |group, rows| {
                let rows: Vec<(u64, i32)> = rows.iter().map(|row| (row.0, row.1.0)).collect();
                groups.push((group, rows));
            },
        );
        assert_eq!(
            groups,
            [
                (0, vec![(1, 4), (1, 5), (1, 6), (3, 9)]),
                (1, vec![(12, 7), (12, 8)]),
                (2, vec![(25, 9)]),
            ]
        );
    }
}
