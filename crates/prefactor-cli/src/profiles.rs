//! Addresses and tokens kept in a file.
//!
//! ```json
//! { "profiles": { "staging": { "url": "https://app.prefactorai.com", "token": "…" } } }
//! ```
//!
//! Only its owner may read the file: one that others can read is refused rather than used.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::{Exit, Failure};
use crate::token_arg::TokenArg;

/// The one that counts when nothing else is said.
pub(crate) const DEFAULT_PROFILE: &str = "default";

/// Names another file.
pub(crate) const CONFIG_VARIABLE: &str = "PREFACTOR_CONFIG";

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<TokenArg>,
    /// Whether `http` to other machines is taken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) insecure_http: bool,
}

#[derive(Debug)]
pub(crate) struct Profiles {
    path: PathBuf,
    document: Document,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
}

impl Profiles {
    /// Reads the file. One that is not there has no profiles.
    pub(crate) fn read() -> Result<Self, Failure> {
        let path = path()?;
        let document = match File::open(&path) {
            Ok(file) => parse(&path, file)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Document::default(),
            Err(error) => return Err(unreadable(&path, &error)),
        };
        Ok(Self { path, document })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Profile> {
        self.document.profiles.get(name)
    }

    pub(crate) fn named(&self, name: &str) -> Result<&Profile, Failure> {
        self.find(name).ok_or_else(|| {
            Failure::new(Exit::NotFound, format!("there is no profile {name:?} in {}", self.path.display()))
                .hint("`prefactor profile list` shows those that are there")
        })
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&String, &Profile)> {
        self.document.profiles.iter()
    }

    pub(crate) fn set(&mut self, name: &str, profile: Profile) {
        self.document.profiles.insert(name.to_owned(), profile);
    }

    pub(crate) fn remove(&mut self, name: &str) -> Result<(), Failure> {
        self.named(name)?;
        self.document.profiles.remove(name);
        Ok(())
    }

    /// Writes the file in one step: who reads it meanwhile sees the old one or the new one.
    pub(crate) fn save(&self) -> Result<(), Failure> {
        write(&self.path, &self.document).map_err(|error| {
            Failure::new(Exit::Failed, format!("{} can't be written: {error}", self.path.display()))
                .hint(format!("{CONFIG_VARIABLE} names another file"))
        })
    }

    #[cfg(test)]
    pub(crate) fn of<const N: usize>(profiles: [(&str, Profile); N]) -> Self {
        let profiles = profiles.into_iter().map(|(name, profile)| (name.to_owned(), profile)).collect();
        Self { path: PathBuf::from("test"), document: Document { profiles } }
    }
}

fn path() -> Result<PathBuf, Failure> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = set(CONFIG_VARIABLE) {
        return Ok(path);
    }
    let directory = if cfg!(windows) { set("APPDATA") } else { set("XDG_CONFIG_HOME") };
    directory
        .or_else(|| env::home_dir().map(|home| home.join(".config")))
        .map(|directory| directory.join("prefactor").join("profiles.json"))
        .ok_or_else(|| {
            Failure::wrong_arguments("there is no home directory to keep profiles in")
                .hint(format!("{CONFIG_VARIABLE} names the file"))
        })
}

fn parse(path: &Path, mut file: File) -> Result<Document, Failure> {
    owners_alone(path, &file)?;
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|error| unreadable(path, &error))?;
    // The place alone: serde's own text may quote a token.
    serde_json::from_str(&text).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        Failure::wrong_arguments(format!("{} is no profile file: see {place}", path.display()))
            .hint(r#"it looks like { "profiles": { "NAME": { "url": "…", "token": "…" } } }"#)
    })
}

#[cfg(unix)]
fn owners_alone(path: &Path, file: &File) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt;

    let mode = file.metadata().map_err(|error| unreadable(path, &error))?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(Failure::wrong_arguments(format!("{path} holds tokens, but others can use it (mode {mode:04o})"))
        .hint(format!("chmod 600 {path}")))
}

#[cfg(not(unix))]
fn owners_alone(_: &Path, _: &File) -> Result<(), Failure> {
    Ok(())
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("{} can't be read: {error}", path.display()))
}

fn write(path: &Path, document: &Document) -> io::Result<()> {
    // A link stays a link: what it leads to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        fs::create_dir_all(directory)?;
    }
    let mut beside = path.clone().into_os_string();
    beside.push(format!(".{}", std::process::id()));
    let written = private(Path::new(&beside)).and_then(|mut file| {
        file.write_all(serde_json::to_string_pretty(document)?.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&beside, &path)
    });
    if written.is_err() {
        // Nothing to add to the error: the file is of no use either way.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// A new file that was never readable for others.
fn private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
