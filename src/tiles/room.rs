//! Room for bytes that a thread keeps from tile to tile: what is given back to the allocator after each tile has to be
//! cleared by the system before the next.

use std::cell::RefCell;

/// So many pieces are kept, each of at most so many bytes.
const PIECES: usize = 6;
const BYTES: usize = 1 << 20;

thread_local! {
    static KEPT: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Empty room for about so many bytes.
pub(super) fn take(bytes: usize) -> Vec<u8> {
    let kept = KEPT.with_borrow_mut(Vec::pop);
    let mut room = kept.unwrap_or_default();
    room.reserve(bytes);
    room
}

/// Keeps room for later, whatever it holds.
pub(super) fn give(mut room: Vec<u8>) {
    KEPT.with_borrow_mut(|kept| {
        if kept.len() < PIECES && room.capacity() <= BYTES {
            room.clear();
            kept.push(room);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_comes_back_empty_and_not_too_much_is_kept() {
        give(vec![7; 100]);
        let room = take(10);
        assert!(room.is_empty() && room.capacity() >= 100);
        give(vec![7; BYTES + 1]);
        assert!(take(1).capacity() <= BYTES);
        (0..3 * PIECES).for_each(|_| give(vec![1]));
        assert_eq!(KEPT.with_borrow(Vec::len), PIECES);
    }
}
