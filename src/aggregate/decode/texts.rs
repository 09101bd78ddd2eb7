use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};
use parquet::errors::Result;

use crate::aggregate::decode::Meaning;
use crate::aggregate::decode::packed::{Packed, broken};

/// Reads a column of texts through their meaning, page by page.
pub(super) struct TextReader<'a, M: Meaning> {
    meaning: &'a M,
    pages: Box<dyn PageReader>,
    is_nullable: bool,
    /// What each text of the dictionary means.
    dictionary: Vec<M::Value>,
    /// Rows of the page that are left.
    left: usize,
    /// Which of them have a value; `None` where all have.
    levels: Option<Packed>,
    values: Values,
    /// Of the rows being read: whether each has a value.
    present: Vec<bool>,
}

enum Values {
    Places(Packed),
    /// Each text behind its length in four bytes, from this byte on.
    Plain(Bytes, usize),
}

/// Whether texts of these encodings are read here; others are left to the crate, which makes an object of each.
pub(super) fn reads(mut encodings: impl Iterator<Item = Encoding>) -> bool {
    encodings.all(|encoding| {
        // The last two are those of levels.
        #[expect(deprecated, reason = "old writers name it for levels that are not there")]
        let is_known = matches!(
            encoding,
            Encoding::PLAIN
                | Encoding::PLAIN_DICTIONARY
                | Encoding::RLE_DICTIONARY
                | Encoding::RLE
                | Encoding::BIT_PACKED
        );
        is_known
    })
}

impl<'a, M: Meaning> TextReader<'a, M> {
    pub(super) fn new(meaning: &'a M, pages: Box<dyn PageReader>, is_nullable: bool) -> Self {
        Self {
            meaning,
            pages,
            is_nullable,
            dictionary: Vec::new(),
            left: 0,
            levels: None,
            values: Values::Plain(Bytes::new(), 0),
            present: Vec::new(),
        }
    }

    /// Adds what the next rows mean to `out`; fewer when the chunk ends.
    pub(super) fn read(&mut self, rows: usize, out: &mut Vec<M::Value>) -> Result<()> {
        let mut wanted = rows;
        while wanted > 0 && (self.left > 0 || self.next_page()?) {
            let taken = wanted.min(self.left);
            let (first, values) = (out.len(), self.present(taken)?);
            let read = match &mut self.values {
                Values::Places(places) => places.read(values, &self.dictionary, out)?,
                Values::Plain(data, at) => {
                    for _ in 0..values {
                        out.push(self.meaning.text(next_text(data, at)?));
                    }
                    values
                }
            };
            if read < values {
                return Err(broken("has a page with too few values"));
            }
            if values < taken {
                spread(out, first, &self.present, self.meaning.absent());
            }
            self.left -= taken;
            wanted -= taken;
        }
        Ok(())
    }

    /// Passes over rows; whole pages of them are not even unpacked. Gives how many there were.
    pub(super) fn skip(&mut self, rows: usize) -> Result<usize> {
        let mut wanted = rows;
        while wanted > 0 {
            if self.left == 0 {
                let Some(next) = self.pages.peek_next_page()? else {
                    break;
                };
                if let Some(levels) = next
                    .num_levels
                    .filter(|levels| !next.is_dict && *levels <= wanted)
                {
                    self.pages.skip_next_page()?;
                    wanted -= levels;
                    continue;
                }
                if !self.next_page()? {
                    break;
                }
            }
            let taken = wanted.min(self.left);
            let values = self.present(taken)?;
            match &mut self.values {
                Values::Places(places) => {
                    places.skip(values)?;
                }
                Values::Plain(data, at) => {
                    for _ in 0..values {
                        next_text(data, at)?;
                    }
                }
            }
            self.left -= taken;
            wanted -= taken;
        }
        Ok(rows - wanted)
    }

    /// How many of the next rows have a value; which ones, where not all have.
    fn present(&mut self, rows: usize) -> Result<usize> {
        let Some(levels) = &mut self.levels else {
            return Ok(rows);
        };
        self.present.clear();
        if levels.read(rows, &[false, true], &mut self.present)? < rows {
            return Err(broken("has a page with too few levels"));
        }
        Ok(self.present.iter().filter(|is_there| **is_there).count())
    }

    /// Opens the next page that has rows; `false` at the end of the chunk.
    fn next_page(&mut self) -> Result<bool> {
        while let Some(page) = self.pages.get_next_page()? {
            match page {
                Page::DictionaryPage { buf, num_values, .. } => {
                    // A number may lie: room is made as texts are found.
                    self.dictionary.clear();
                    let mut at = 0;
                    for _ in 0..num_values {
                        self.dictionary.push(self.meaning.text(next_text(&buf, &mut at)?));
                    }
                }
                Page::DataPage {
                    buf,
                    num_values,
                    encoding,
                    def_level_encoding,
                    ..
                } => {
                    let mut values = buf;
                    self.levels = None;
                    if self.is_nullable {
                        if def_level_encoding != Encoding::RLE {
                            return Err(broken(
                                "marks its nulls in an encoding that nobody writes any more",
                            ));
                        }
                        let length = cut_off(&mut values, 4)?;
                        let length = u32::from_le_bytes(length[..].try_into().expect("four bytes"));
                        self.levels = Some(Packed::levels(cut_off(&mut values, length as usize)?));
                    }
                    self.begin(num_values, encoding, values)?;
                }
                Page::DataPageV2 {
                    buf,
                    num_values,
                    encoding,
                    def_levels_byte_len,
                    rep_levels_byte_len,
                    ..
                } => {
                    let mut values = buf;
                    cut_off(&mut values, rep_levels_byte_len as usize)?;
                    let levels = cut_off(&mut values, def_levels_byte_len as usize)?;
                    self.levels = self.is_nullable.then(|| Packed::levels(levels));
                    self.begin(num_values, encoding, values)?;
                }
            }
            if self.left > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn begin(&mut self, rows: u32, encoding: Encoding, values: Bytes) -> Result<()> {
        self.left = rows as usize;
        self.values = match encoding {
            // A page of nulls may hold nothing at all.
            _ if values.is_empty() => Values::Plain(values, 0),
            Encoding::PLAIN => Values::Plain(values, 0),
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => Values::Places(Packed::new(values)?),
            _ => return Err(broken("has a page of an encoding that its index does not name")),
        };
        Ok(())
    }
}

/// Cuts bytes off the front, if there are so many.
fn cut_off(bytes: &mut Bytes, count: usize) -> Result<Bytes> {
    if count <= bytes.len() {
        Ok(bytes.split_to(count))
    } else {
        Err(broken("has a page that ends inside its levels"))
    }
}

/// The text at a byte, which moves behind it.
fn next_text<'d>(data: &'d [u8], at: &mut usize) -> Result<&'d [u8]> {
    let cut = || broken("ends inside a text");
    let rest = data.get(*at..).unwrap_or_default();
    let (length, rest) = rest.split_first_chunk().ok_or_else(cut)?;
    let length = u32::from_le_bytes(*length) as usize;
    *at += 4 + length;
    rest.get(..length).ok_or_else(cut)
}

/// Moves the values that stand from `first` on to the rows that have one; the others become `absent`. From the
/// back, so that nothing is overwritten.
pub(super) fn spread<T: Copy>(values: &mut Vec<T>, first: usize, present: &[bool], absent: T) {
    let mut left = values.len() - first;
    values.resize(first + present.len(), absent);
    for (row, is_there) in present.iter().enumerate().rev() {
        values[first + row] = if *is_there && left > 0 {
            left -= 1;
            values[first + left]
        } else {
            absent
        };
    }
}
