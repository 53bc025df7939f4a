//! The directory of a spool: made for its owner alone, locked against others, foreign files set aside.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::OpenError;
use crate::segment;

const LOCK: &str = "lock";

/// What a file that can't be used is renamed to: it is never looked at again, and never removed.
const SET_ASIDE: &str = "damaged";

/// A directory that nobody else uses as long as this lives.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) path: PathBuf,
    _lock: File,
}

impl Directory {
    pub(crate) fn lock(path: &Path) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Io { directory: path.to_owned(), source };
        make(path).map_err(failed)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let lock = options.open(path.join(LOCK)).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { directory: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Makes what was created or removed in it last.
    pub(crate) fn sync(&self) -> io::Result<()> {
        // Directories can't be opened as files elsewhere, and need not be.
        if cfg!(unix) { File::open(&self.path)?.sync_all() } else { Ok(()) }
    }
}

fn make(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Whether somebody has the spool open.
pub(crate) fn is_in_use(path: &Path) -> io::Result<bool> {
    match File::open(path.join(LOCK)) {
        Ok(lock) => Ok(matches!(lock.try_lock(), Err(TryLockError::WouldBlock))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// What is in the directory of a spool.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// By their first sequence number, sorted.
    pub(crate) segments: Vec<(u64, PathBuf)>,
    /// What calls itself a segment and can't be any.
    pub(crate) foreign: Vec<PathBuf>,
}

pub(crate) fn files(path: &Path) -> io::Result<Files> {
    let Files { mut segments, mut foreign } = Files::default();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        match segment::first_of(&path) {
            Some(first) => segments.push((first, path)),
            None if path.extension().is_some_and(|extension| extension == "spool") => foreign.push(path),
            None => {}
        }
    }
    segments.sort_unstable();
    Ok(Files { segments, foreign })
}

/// Files that were set aside earlier.
pub(crate) fn set_aside_before(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == SET_ASIDE) {
            found.push(path);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Renames a file so that no spool looks at it again; gives the new name.
pub(crate) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut number = 0;
    let target = loop {
        let suffix = if number == 0 { String::new() } else { format!(".{number}") };
        let target = path.with_file_name(format!("{name}{suffix}.{SET_ASIDE}"));
        if target.symlink_metadata().is_err() {
            break target;
        }
        number += 1;
    };
    fs::rename(path, &target)?;
    Ok(target)
}
