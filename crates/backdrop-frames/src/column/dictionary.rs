//! The texts of a column.

use crate::hash_key::HashKey;
use crate::room;
use hashbrown::HashTable;

/// How many different texts a column may have, however few rows there are: all that fit codes of 16 bits.
const TEXTS_FREE: usize = u16::MAX as usize;

/// Beyond that, there may be one text for as many rows: a column that hardly repeats itself is no better as codes.
const ROWS_PER_TEXT: usize = 4;

/// What an allocator takes for a text besides its bytes, about.
const ALLOCATION_BYTES: usize = 16;

/// The different texts of a column, in the order in which they were first seen.
#[derive(Clone, Debug)]
pub(crate) struct Dictionary {
    pub(crate) texts: Vec<Box<str>>,
    /// Places in `texts`, by hash.
    places: HashTable<u32>,
    hash_key: HashKey,
    /// Of the texts themselves.
    texts_bytes: usize,
}

/// How much a dictionary may hold when a text is added.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// How many rows the frame has.
    pub(crate) rows: usize,
    /// How many bytes the texts of a column may take.
    pub(crate) texts_bytes_max: usize,
}

impl Dictionary {
    pub(crate) fn new(hash_key: HashKey) -> Self {
        Self { texts: Vec::new(), places: HashTable::new(), hash_key, texts_bytes: 0 }
    }

    /// The text of a code; a code of 0 has none.
    pub(crate) fn text(&self, code: u32) -> Option<&str> {
        code.checked_sub(1).map(|place| &*self.texts[place as usize])
    }

    /// The code of a text that some row may have.
    pub(crate) fn code(&self, text: &str) -> Option<u32> {
        let is_it = |place: &u32| *self.texts[*place as usize] == *text;
        self.places.find(self.hash_key.hash(text), is_it).map(|place| place + 1)
    }

    /// The code of a text, which is added if it is new; `None` if there is no room for it.
    pub(crate) fn code_or_add(&mut self, text: &str, room: Room) -> Option<u32> {
        if let Some(code) = self.code(text) {
            return Some(code);
        }
        let texts = self.texts.len() + 1;
        let is_too_many = texts > TEXTS_FREE && texts > room.rows / ROWS_PER_TEXT;
        if is_too_many || self.texts_bytes + text.len() + ALLOCATION_BYTES > room.texts_bytes_max {
            return None;
        }
        Some(self.add(text.into()))
    }

    fn add(&mut self, text: Box<str>) -> u32 {
        let Self { texts, places, hash_key, texts_bytes } = self;
        let place = u32::try_from(texts.len()).expect("a frame has fewer than 2^32 rows, and so texts");
        *texts_bytes += text.len() + ALLOCATION_BYTES;
        let hash = hash_key.hash(&text);
        room::push(texts, text);
        places.insert_unique(hash, place, |place| hash_key.hash(&texts[*place as usize]));
        place + 1
    }

    /// The texts of some codes only, given for each code in their order, and their new codes.
    pub(crate) fn only(&self, is_used: &[bool]) -> (Self, Vec<u32>) {
        let mut dictionary = Self::new(self.hash_key);
        let codes = is_used.iter().zip(0..).map(|(is_used, code)| match self.text(code) {
            Some(text) if *is_used => dictionary.add(text.into()),
            _ => 0,
        });
        let codes = codes.collect();
        dictionary.texts.shrink_to_fit();
        (dictionary, codes)
    }

    /// The memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        room::bytes(&self.texts) + self.texts_bytes + self.places.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Room = Room { rows: 10, texts_bytes_max: 1 << 30 };

    fn dictionary() -> Dictionary {
        Dictionary::new(HashKey([1, 2]))
    }

    #[test]
    fn a_text_keeps_its_code() {
        let mut texts = dictionary();
        let codes = ["a", "", "é", "a", ""].map(|text| texts.code_or_add(text, ROOM));
        assert_eq!(codes, [1, 2, 3, 1, 2].map(Some));
        assert_eq!(
            (texts.text(3), texts.text(0), texts.code("é"), texts.code("b")),
            (Some("é"), None, Some(3), None)
        );
    }

    #[test]
    fn it_holds_a_text_for_four_rows_and_as_many_as_16_bits_in_any_case() {
        let mut texts = dictionary();
        for text in 0..TEXTS_FREE {
            assert!(texts.code_or_add(&text.to_string(), ROOM).is_some());
        }
        assert_eq!(texts.code_or_add("7", ROOM), Some(8));
        let rows = (TEXTS_FREE + 1) * 4;
        assert_eq!(texts.code_or_add("new", Room { rows: rows - 1, ..ROOM }), None);
        assert_eq!(texts.code_or_add("new", Room { rows, ..ROOM }), Some(65_536));
    }

    #[test]
    fn its_texts_take_no_more_than_they_may() {
        let mut texts = dictionary();
        let room = Room { texts_bytes_max: 2 * ALLOCATION_BYTES + 9, ..ROOM };
        assert_eq!(texts.code_or_add("12345", room), Some(1));
        assert_eq!(texts.code_or_add("67890", room), None);
        assert_eq!(texts.code_or_add("6789", room), Some(2));
        assert!(texts.bytes() > room.texts_bytes_max);
    }

    #[test]
    fn texts_can_be_left_out() {
        let mut texts = dictionary();
        for text in ["a", "b", "c"] {
            texts.code_or_add(text, ROOM);
        }
        let (only, codes) = texts.only(&[true, false, true, true]);
        assert_eq!(codes, [0, 0, 1, 2]);
        assert_eq!((only.code("a"), only.code("b"), only.code("c")), (None, Some(1), Some(2)));
    }
}
