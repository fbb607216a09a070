//! Where leads are kept: which store a command opens.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use async_trait::async_trait;
use clap::Args;
use incoming_leads_memory::Memory;
use incoming_leads_port::{Error, ErrorKind, Operation, Provision, Registry, Retention};
use incoming_leads_postgres::Postgres;
use incoming_leads_sqlite::{Migrate, Options, Sqlite};

use crate::Failure;

/// What the variable is called that says where leads are kept.
pub(crate) const VARIABLE: &str = "INCOMING_LEADS_DATABASE";

/// Which store.
#[derive(Args)]
pub(crate) struct DatabaseArgs {
    /// Where leads are kept: `sqlite:PATH`, `postgres://USER@HOST/DATABASE`, or `memory`, which is gone when the program
    /// ends; default: an SQLite file in the folder for data of the user
    #[arg(long, value_name = "URL", env = VARIABLE, hide_env_values = true)]
    database: Option<String>,
}

/// A place where leads are kept.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Database {
    Memory,
    Sqlite(PathBuf),
    /// With its whole address, which may hold a password.
    Postgres(String),
}

/// What a command wants with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// To serve it: one server at a time has an SQLite file. An older schema is brought up where `migrates` says so.
    Server { migrates: bool },
    /// To look or to change something beside whoever serves it. Where there is none it may be made.
    Beside { makes: bool },
    /// To bring an older schema up.
    Migrate,
    /// To copy it, of whatever version it is.
    Copy,
}

/// What every store can do for a command.
#[async_trait]
pub(crate) trait Store: Registry + Provision {
    /// Forgets what has been kept long enough; how much that was.
    async fn sweep(&self, retention: Retention) -> Result<u64, Error>;

    /// What tells it apart from every other, by whatever name it is reached; another one after a copy was taken back.
    async fn id(&self) -> Result<String, Error>;
}

#[async_trait]
impl Store for Memory {
    async fn sweep(&self, _: Retention) -> Result<u64, Error> {
        let detail = "memory keeps all until the program ends";
        Err(Error::new(ErrorKind::Unsupported, Operation::Provision).with_detail(detail))
    }

    async fn id(&self) -> Result<String, Error> {
        Ok("memory".to_owned())
    }
}

#[async_trait]
impl Store for Sqlite {
    async fn sweep(&self, retention: Retention) -> Result<u64, Error> {
        Self::sweep(self, retention).await
    }

    async fn id(&self) -> Result<String, Error> {
        Self::id(self).await
    }
}

#[async_trait]
impl Store for Postgres {
    async fn sweep(&self, retention: Retention) -> Result<u64, Error> {
        Self::sweep(self, retention).await
    }

    async fn id(&self) -> Result<String, Error> {
        Ok(Self::id(self).to_owned())
    }
}

impl DatabaseArgs {
    /// The place that was named, else the usual one.
    pub(crate) fn or_usual(&self) -> Result<Database, Failure> {
        self.named()?.map_or_else(Database::usual, Ok)
    }

    /// The place that was named.
    pub(crate) fn named(&self) -> Result<Option<Database>, Failure> {
        // Not by clap, which repeats what it cannot read: an address may hold a password.
        let named = self.database.as_deref().map(str::parse).transpose();
        named.map_err(|form: String| Failure::Usage(format!("--database or {VARIABLE}: {form}")))
    }
}

impl Database {
    /// A file in the folder for data of the user.
    pub(crate) fn usual() -> Result<Self, Failure> {
        let folder =
            dirs::data_dir().context("there is no folder for data of this user; name a --database")?;
        Ok(Self::Sqlite(folder.join("incoming-leads").join("leads.sqlite")))
    }

    /// The file, where it is one.
    pub(crate) fn file(&self) -> Result<&Path, Failure> {
        match self {
            Self::Sqlite(path) => Ok(path),
            Self::Memory | Self::Postgres(_) => {
                Err(Failure::Usage(format!("{self} is no file: name a --database sqlite:PATH")))
            }
        }
    }

    /// Opens it.
    pub(crate) async fn open(&self, role: Role) -> Result<Arc<dyn Store>, Failure> {
        match self {
            Self::Memory => Ok(Arc::new(Memory::default())),
            Self::Sqlite(path) => {
                let (path, shown) = (path.clone(), path.display().to_string());
                let opened = tokio::task::spawn_blocking(move || sqlite(&path, role)).await;
                let opened = opened.context("the thread that opens the database broke off")?;
                Ok(Arc::new(opened.with_context(|| format!("cannot use the database {shown}"))?))
            }
            Self::Postgres(address) => {
                let opened = postgres(address, role).await;
                Ok(Arc::new(opened.with_context(|| format!("cannot use the database {self}"))?))
            }
        }
    }
}

async fn postgres(address: &str, role: Role) -> anyhow::Result<Postgres> {
    use incoming_leads_postgres::{Migrate, Options};
    let migrate = match role {
        Role::Server { migrates: false } | Role::Beside { makes: true } => Migrate::WhenNew,
        Role::Server { migrates: true } => Migrate::WhenOlder,
        Role::Beside { makes: false } | Role::Copy => Migrate::Never,
        Role::Migrate => Migrate::OnlyOlder,
    };
    Ok(Options::default().with_migrate(migrate).open(address).await?)
}

/// Opens a file; waits for the disk.
pub(crate) fn sqlite(path: &Path, role: Role) -> anyhow::Result<Sqlite> {
    if let (Role::Server { .. } | Role::Beside { makes: true }, Some(folder)) = (role, path.parent()) {
        fs::create_dir_all(folder)?;
    } else if !path.exists() {
        return Err(anyhow!("there is no such file"));
    }
    let options = Options::default();
    let options = match role {
        Role::Server { migrates: false } => options.as_server(),
        Role::Server { migrates: true } => options.as_server().with_migrate(Migrate::WhenOlder),
        Role::Beside { makes: true } => options,
        Role::Beside { makes: false } => options.with_migrate(Migrate::Never),
        Role::Migrate => options.with_migrate(Migrate::OnlyOlder),
        Role::Copy => options.with_migrate(Migrate::AsItIs),
    };
    Ok(options.open(path)?)
}

impl FromStr for Database {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "memory" => Ok(Self::Memory),
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            Some(("postgres" | "postgresql", rest)) => match rest.strip_prefix("//").map(names_host) {
                Some(Ok(true)) => Ok(Self::Postgres(text.to_owned())),
                Some(Err(what)) => Err(what.to_owned()),
                Some(Ok(false)) | None => Err(FORM.to_owned()),
            },
            _ => Err(FORM.to_owned()),
        }
    }
}

/// What a database is called.
const FORM: &str = "a database is sqlite:PATH, postgres://USER@HOST/DATABASE or memory";

/// Whether a PostgreSQL address, without its scheme, says where the server is. What follows the first `@` is shown to
/// people, so no part of a password may stand there.
fn names_host(rest: &str) -> Result<bool, &'static str> {
    let behind = rest.split_once('@').map_or(rest, |(_, behind)| behind);
    let (place, options) = behind.split_once('?').unwrap_or((behind, ""));
    if place.contains('@') {
        return Err("write @ in a password as %40");
    }
    let has_option = options.split('&').any(|option| option.starts_with("host"));
    Ok(has_option || !(place.is_empty() || place.starts_with('/')))
}

impl fmt::Display for Database {
    /// Without what is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(address) => f.write_str(&incoming_leads_postgres::place(address)),
        }
    }
}

impl fmt::Debug for Database {
    /// The same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_and_told() {
        for text in ["memory", "sqlite:leads.sqlite", "sqlite:/var/lib/leads: 1.sqlite"] {
            assert_eq!(text.parse::<Database>().unwrap().to_string(), text);
        }
        for text in ["postgres://me:secret@host/db", "postgresql://me:secret@host/db?sslmode=require"] {
            let place = text.parse::<Database>().unwrap();
            assert_eq!(place, Database::Postgres(text.to_owned()));
            assert_eq!(format!("{place} {place:?}"), "postgres://host/db postgres://host/db");
        }
        for text in
            ["postgres://me:s%40e@host/db?application_name=a@b", "postgres:///db?sslmode=disable&host=/run"]
        {
            assert!(text.parse::<Database>().is_ok(), "{text}");
        }
        for text in ["", "sqlite", "sqlite:", "memory:", "leads.sqlite", "mysql://me:secret@host/db"] {
            assert_eq!(text.parse::<Database>().unwrap_err(), FORM);
        }
    }

    #[test]
    fn an_address_that_shows_its_password_or_has_no_host_is_refused() {
        for text in
            ["postgres://u:p@ss/word@127.0.0.1:1/db", "postgresql://u:secr@et@h", "postgres://u:a?b@c@h/db"]
        {
            assert_eq!(text.parse::<Database>(), Err("write @ in a password as %40".to_owned()), "{text}");
        }
        for text in [
            "postgres:",
            "postgres:h/db",
            "postgres://",
            "postgres:///db",
            "postgres://u:p@/db?sslmode=disable",
        ] {
            assert_eq!(text.parse::<Database>(), Err(FORM.to_owned()), "{text}");
        }
    }
}
