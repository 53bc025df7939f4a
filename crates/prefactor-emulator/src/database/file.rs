//! The file: an SQLite database with one table, the log.
//!
//! It is written ahead (WAL) and synchronised at checkpoints only: what is committed has been handed to the system, so it
//! survives the end of the process, however it comes. A loss of power leaves the file whole, perhaps without its last
//! entries.

use std::fs;
use std::io::Read;
use std::path::Path;

use bytes::Bytes;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, params};

use super::effect::Entry;
use super::error::DatabaseError;

/// "pfem": says in the file's header whose it is.
const APPLICATION_ID: u32 = 0x7066_656d;

/// Grows when entries are written in another way.
const FORMAT: u32 = 1;

/// The part of an SQLite file that says what it is.
const HEADER_BYTES: usize = 72;

#[derive(Debug)]
pub(super) struct File {
    connection: Connection,
    /// The number of the last entry: they have no gaps.
    last: i64,
}

impl File {
    /// Opens or makes the file. One that is not ours is left as it is.
    pub(super) fn open(path: &Path) -> Result<Self, DatabaseError> {
        check_header(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        // Until all is read and found well, nothing is moved from the log ahead into the file.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.busy_handler(None)?;
        connection
            .execute_batch("PRAGMA page_size = 16384; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;")?;
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if tables == 0 {
            connection.execute_batch(&format!(
                "PRAGMA application_id = {APPLICATION_ID};
                 PRAGMA user_version = {FORMAT};
                 CREATE TABLE log (
                     number INTEGER PRIMARY KEY,
                     entry TEXT NOT NULL,
                     body BLOB NOT NULL,
                     checksum INTEGER NOT NULL
                 );"
            ))?;
        }
        connection.execute_batch("COMMIT; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")?;
        Ok(Self { connection, last: 0 })
    }

    /// Reads the whole log in order, and checks it.
    pub(super) fn entries(
        &mut self,
        mut each: impl FnMut(Entry, &[u8]) -> Result<(), DatabaseError>,
    ) -> Result<(), DatabaseError> {
        let mut statement =
            self.connection.prepare("SELECT number, entry, body, checksum FROM log ORDER BY number")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let damaged = |_| DatabaseError::damaged(format!("entry {} can't be read", self.last + 1));
            let number: i64 = row.get(0)?;
            let entry = row.get_ref(1)?.as_bytes().map_err(damaged)?;
            let body = row.get_ref(2)?.as_blob().map_err(damaged)?;
            if number != self.last + 1 {
                return Err(DatabaseError::damaged(format!("entry {} is missing", self.last + 1)));
            }
            if row.get::<_, u32>(3).ok() != Some(checksum(entry, body)) {
                return Err(DatabaseError::damaged(format!("entry {number} has changed")));
            }
            let entry = serde_json::from_slice(entry)
                .map_err(|error| DatabaseError::damaged(format!("entry {number}: {error}")))?;
            each(entry, body)?;
            self.last = number;
        }
        drop(rows);
        drop(statement);
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        Ok(())
    }

    /// Appends entries in one transaction; they are committed when this returns.
    pub(super) fn append(&mut self, entries: &[(Entry, Bytes)]) -> Result<(), DatabaseError> {
        let transaction = self.connection.transaction()?;
        {
            let mut insert = transaction
                .prepare("INSERT INTO log (number, entry, body, checksum) VALUES (?1, ?2, ?3, ?4)")?;
            for (number, (entry, body)) in (self.last + 1..).zip(entries) {
                let entry =
                    serde_json::to_string(entry).map_err(|error| DatabaseError::Failed(Box::new(error)))?;
                insert.execute(params![number, entry, &body[..], checksum(entry.as_bytes(), body)])?;
            }
        }
        transaction.commit()?;
        self.last += entries.len() as i64;
        Ok(())
    }
}

/// Reads without SQLite whether it is a file of ours, so that another's is not even locked. Opened as SQLite will open it,
/// for the system says better than SQLite why it can't be.
fn check_header(path: &Path) -> Result<(), DatabaseError> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    let file = fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let file = file.map_err(DatabaseError::Open)?;
    if !file.metadata().map_err(DatabaseError::Open)?.is_file() {
        return Err(DatabaseError::Foreign);
    }
    file.take(HEADER_BYTES as u64).read_to_end(&mut header).map_err(DatabaseError::Open)?;
    // A file without content was made by someone who wanted its name: `mktemp`, say.
    if header.is_empty() {
        return Ok(());
    }
    let number =
        |at: usize| header.get(at..at + 4).and_then(|bytes| Some(u32::from_be_bytes(bytes.try_into().ok()?)));
    if !header.starts_with(b"SQLite format 3\0") || number(68) != Some(APPLICATION_ID) {
        return Err(DatabaseError::Foreign);
    }
    match number(60) {
        Some(FORMAT) => Ok(()),
        found => Err(DatabaseError::OtherFormat { found: found.unwrap_or_default(), known: FORMAT }),
    }
}

fn checksum(entry: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(entry);
    hasher.update(body);
    hasher.finalize()
}
