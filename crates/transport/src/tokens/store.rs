//! Where a grant is kept.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::tokens::Secret;

/// What was granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "whoever signs in makes it")]
pub struct Grant {
    /// What goes on each request.
    pub access_token: Secret,
    /// What renews it, once; none for a long-lived token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// When the access token dies, in Unix seconds, UTC; none is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_secs: Option<u64>,
}

/// A grant as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "every store makes it")]
pub struct Stored {
    /// One more each time it is swapped.
    pub version: u64,
    /// The grant.
    pub grant: Grant,
    /// Until when somebody is about to renew it, in Unix milliseconds, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leased_until_millis: Option<u64>,
}

/// A store that could not be used.
#[derive(Debug, Error)]
#[error("the token store could not be used")]
#[non_exhaustive]
pub struct TokenStoreError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Keeps one grant, for one process or many.
#[async_trait]
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// What is kept now.
    ///
    /// # Errors
    /// [`TokenStoreError`] when the store cannot be read, or keeps nothing.
    async fn load(&self) -> Result<Stored, TokenStoreError>;

    /// Puts `new` in the place of what has the version `expected`, durably, and answers whether it did: somebody else
    /// may have been first.
    ///
    /// # Errors
    /// [`TokenStoreError`] when the store cannot be written.
    async fn swap(&self, expected: u64, new: Stored) -> Result<bool, TokenStoreError>;
}

/// Keeps a grant in this process.
#[derive(Debug)]
pub struct MemoryStore(Mutex<Stored>);

impl MemoryStore {
    /// Keeps this grant.
    #[must_use]
    pub const fn new(grant: Grant) -> Self {
        Self(Mutex::new(Stored { version: 0, grant, leased_until_millis: None }))
    }
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn load(&self) -> Result<Stored, TokenStoreError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn swap(&self, expected: u64, new: Stored) -> Result<bool, TokenStoreError> {
        let mut stored = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_expected = stored.version == expected;
        if is_expected {
            *stored = new;
        }
        Ok(is_expected)
    }
}

/// Keeps a grant in a file that only its owner can read (0600), for all processes of a machine.
///
/// A swap writes beside the file, syncs and renames, under a lock on `FILE.lock`: a crash leaves the old grant or the
/// new one.
#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
}

impl FileStore {
    /// The store in this file, which is there already: see [`FileStore::create`].
    #[must_use]
    pub fn open(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned() }
    }

    /// Writes the grant of a new sign-in into the file, in the place of whatever was there.
    ///
    /// # Errors
    /// [`TokenStoreError`] when the file cannot be written.
    pub fn create(path: impl AsRef<Path>, grant: Grant) -> Result<Self, TokenStoreError> {
        let store = Self::open(path);
        let _lock = lock(&store.path).map_err(failed)?;
        // Another version than before: whoever has read what was there must not put it back.
        let version = read(&store.path).map_or(0, |old| old.version + 1);
        let stored = Stored { version, grant, leased_until_millis: None };
        write(&store.path, &stored).map_err(failed)?;
        Ok(store)
    }
}

#[async_trait]
impl TokenStore for FileStore {
    async fn load(&self) -> Result<Stored, TokenStoreError> {
        let path = self.path.clone();
        blocking(move || read(&path)).await
    }

    async fn swap(&self, expected: u64, new: Stored) -> Result<bool, TokenStoreError> {
        let path = self.path.clone();
        blocking(move || {
            let _lock = lock(&path)?;
            if read(&path)?.version != expected {
                return Ok(false);
            }
            write(&path, &new)?;
            Ok(true)
        })
        .await
    }
}

async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<R> + Send + 'static,
) -> Result<R, TokenStoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(std::io::Error::other(error))).map_err(failed)
}

fn failed(error: std::io::Error) -> TokenStoreError {
    TokenStoreError(Box::new(error))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// The lock is a file of its own: the grant's file is replaced while others wait.
fn lock(path: &Path) -> std::io::Result<File> {
    let file = private().truncate(false).open(beside(path, ".lock"))?;
    file.lock()?;
    Ok(file)
}

fn read(path: &Path) -> std::io::Result<Stored> {
    let mut text = String::new();
    File::open(path)?.read_to_string(&mut text)?;
    // Not the error of the reader: it may quote a secret.
    serde_json::from_str(&text).map_err(|_| std::io::Error::other("the token file does not hold a grant"))
}

fn write(path: &Path, stored: &Stored) -> std::io::Result<()> {
    let text = serde_json::to_vec(stored).map_err(std::io::Error::other)?;
    let new = beside(path, ".new");
    let mut file = private().truncate(true).open(&new)?;
    file.write_all(&text)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Opens for writing what only its owner may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
