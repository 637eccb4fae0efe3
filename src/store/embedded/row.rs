//! Rows as they lie in the file, and the sums that show when one was altered.

use std::collections::BTreeMap;

use rusqlite::Row;

use crate::store::{Key, Record, Table};

/// The columns that [`Stored::read`] wants, in its order.
pub(super) const COLUMNS: &str = "tbl, parent, id, revision, born, sum, text, v";

/// The format of a record's text that is written, and the only one read.
pub(super) const VERSION: i64 = 1;

/// One row of the table `record`.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) record: Record,
    /// The record's first revision: the order of creation.
    pub(super) born: u64,
    pub(super) sum: u64,
    /// The format of its text.
    pub(super) version: i64,
    /// Whether it is as it was written.
    pub(super) whole: bool,
}

impl Stored {
    pub(super) fn new(record: Record, born: u64) -> Self {
        let sum = sum(&record, born, VERSION);
        Stored { record, born, sum, version: VERSION, whole: true }
    }

    /// A row that a search for `table` gave. SQLite looks at the key only while it descends, so
    /// even the table has to be compared.
    pub(super) fn read(table: Table, row: &Row<'_>) -> rusqlite::Result<Self> {
        let key = Key::new(table, row.get::<_, String>(1)?, row.get::<_, String>(2)?);
        let record = Record { key, revision: number(row, 3)?, text: row.get(6)? };
        let (born, found, version) = (number(row, 4)?, number(row, 5)?, row.get(7)?);
        let whole =
            found == sum(&record, born, version) && row.get_ref(0)?.as_str()? == table.name();
        Ok(Stored { record, born, sum: found, version, whole })
    }
}

/// What the rows of one table and parent must come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// How many there are.
    pub(super) count: i64,
    /// Their sums, each xor-ed with the others.
    pub(super) sums: u64,
}

impl Tally {
    pub(super) fn add(&mut self, sum: u64) {
        self.count += 1;
        self.sums ^= sum;
    }

    pub(super) fn remove(&mut self, sum: u64) {
        self.count -= 1;
        self.sums ^= sum;
    }
}

/// Tallies by parent.
pub(super) type Tallies = BTreeMap<String, Tally>;

/// SQLite's integers are signed: the same 64 bits.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

/// The first version is left out: it was not written down in the first format of the file.
fn sum(record: &Record, born: u64, version: i64) -> u64 {
    let key = &record.key;
    let texts = [key.table.name(), &key.parent, &key.id, &record.text];
    let of_texts = texts.into_iter().fold(Sum::default(), Sum::text);
    let sum = of_texts.number(record.revision).number(born);
    if version == 1 { sum.0 } else { sum.number(version.cast_unsigned()).0 }
}

/// FNV-1a over words of eight bytes: each step is a bijection, so a change within any one word
/// changes the sum; the rotation brings high bits down, which a product alone never does.
pub(super) struct Sum(pub(super) u64);

impl Default for Sum {
    fn default() -> Self {
        Sum(0xcbf2_9ce4_8422_2325)
    }
}

impl Sum {
    pub(super) fn number(self, word: u64) -> Self {
        Sum((self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29))
    }

    pub(super) fn text(self, text: &str) -> Self {
        let (words, rest) = text.as_bytes().as_chunks::<8>();
        let rest = rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        let words = words.iter().map(|word| u64::from_le_bytes(*word));
        words.fold(self.number(text.len() as u64), Sum::number).number(rest)
    }
}
