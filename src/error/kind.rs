//! The one table of error kinds: what each is called and numbered at every door.

/// What sort of failure an [`Error`](super::Error) is.
///
/// The numbers are part of the C ABI: they never change, and a retired one is never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The request is malformed or contradicts itself.
    Invalid,
    /// Nothing has that name or id.
    NotFound,
    /// The name, address, port or device is taken already.
    Exists,
    /// It cannot go while something else depends on it.
    InUse,
    /// A pool, a bridge or a table is full.
    Exhausted,
    /// The caller lacks a right, or the object is not the caller's to change.
    Denied,
    /// This kernel or this version cannot do it.
    Unsupported,
    /// The kernel refused a request; `errno` is set.
    Kernel,
    /// The state directory cannot be read or written.
    Store,
    /// Another process holds the state directory for too long.
    Busy,
    /// Something did not happen in time.
    Timeout,
    /// netberth broke one of its own promises.
    Bug,
}

/// One row of the table.
struct Row {
    kind: Kind,
    name: &'static str,
    code: i32,
    http: u16,
    exit: u8,
}

const fn row(kind: Kind, name: &'static str, code: i32, http: u16, exit: u8) -> Row {
    Row { kind, name, code, http, exit }
}

/// Kind, name in JSON, C return code, HTTP status, exit status of the command line.
const TABLE: [Row; 12] = [
    row(Kind::Invalid, "invalid", -1, 400, 2),
    row(Kind::NotFound, "not_found", -2, 404, 3),
    row(Kind::Exists, "exists", -3, 403, 4),
    row(Kind::InUse, "in_use", -4, 403, 5),
    row(Kind::Exhausted, "exhausted", -5, 507, 6),
    row(Kind::Denied, "denied", -6, 403, 7),
    row(Kind::Unsupported, "unsupported", -7, 501, 8),
    row(Kind::Kernel, "kernel", -8, 500, 9),
    row(Kind::Store, "store", -9, 500, 10),
    row(Kind::Busy, "busy", -10, 503, 11),
    row(Kind::Timeout, "timeout", -11, 504, 12),
    row(Kind::Bug, "bug", -12, 500, 13),
];

impl Kind {
    /// Every kind, in the order of the table.
    pub fn all() -> impl Iterator<Item = Kind> {
        TABLE.iter().map(|row| row.kind)
    }

    const fn row(self) -> &'static Row {
        // The table is in declaration order; `every_kind_is_at_its_own_row` holds that.
        #[expect(clippy::indexing_slicing, reason = "the enum and the table have equal length")]
        &TABLE[self as usize]
    }

    /// The word in JSON, for example `"not_found"`.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The negative number that a C function returns.
    pub const fn code(self) -> i32 {
        self.row().code
    }

    /// The HTTP status.
    pub const fn http(self) -> u16 {
        self.row().http
    }

    /// The exit status of the command line.
    pub const fn exit(self) -> u8 {
        self.row().exit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_at_its_own_row() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.kind as usize, index);
            assert_eq!(row.kind.code(), -i32::try_from(index).unwrap() - 1);
        }
    }
}
