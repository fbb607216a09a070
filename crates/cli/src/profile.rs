//! Profiles: servers and their tokens by name, in a file that only its owner can read; and `incoming-leads profile`.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};
use incoming_leads_transport::SystemTime;
use incoming_leads_transport::tokens::{FileStore, OAuth, Secret};
use incoming_leads_wire_v4::Origin;
use serde::{Deserialize, Serialize};

use crate::connect::{Connection, Who, Wire, network, origin, variable};
use crate::{Failure, print, token};

/// Longest profile file that is read.
const MAX_BYTES: u64 = 1 << 20;
/// Where tokens are granted. Source: OAuth pages of the vendor.
const GRANTS: &str = "/oauth2/access_token";

const FILE: &str = "\
The profile file is INCOMING_LEADS_PROFILES, else incoming-leads/profiles.toml in XDG_CONFIG_HOME or ~/.config. Only its
owner may be able to read it (chmod 600). It can be written by hand:

  [live]
  url = \"https://example.kommo.com\"
  token = \"a long-lived token\"

  [oauth]
  url = \"https://example.kommo.com\"
  client-id = \"...\"
  client-secret = \"...\"
  redirect-uri = \"https://example.com/back\"
  token-file = \"oauth.json\"

  [old]
  url = \"https://example.amocrm.com\"
  wire = \"v2\"
  login = \"ann@example.com\"
  token = \"the API key of that login\"

A token file, beside the profile file, holds a grant of OAuth. It is renewed before it dies, by one process at a time;
`profile sign-in` makes it from an authorization code.";

/// Keep servers and their tokens by name
#[derive(Args)]
#[command(after_help = FILE)]
pub(crate) struct Profile {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Tell the profiles, without their secrets
    List,
    /// Keep a server and a long-lived token, which is read from standard input
    Set(Set),
    /// Sign in with an authorization code: the client secret and the code are two lines of standard input
    SignIn(SignIn),
    /// Forget a profile; its token file stays
    Remove {
        /// Its name
        name: String,
    },
}

#[derive(Args)]
struct Set {
    /// Its name
    name: String,

    /// The server: of ours, or `https://NAME.kommo.com`
    #[arg(long)]
    url: String,
}

#[derive(Args)]
struct SignIn {
    /// Its name
    name: String,

    /// The server: `https://NAME.kommo.com`
    #[arg(long)]
    url: String,

    /// The id of the integration
    #[arg(long, value_name = "ID")]
    client_id: String,

    /// The redirect URI of the integration, as it is registered
    #[arg(long, value_name = "URI")]
    redirect_uri: String,
}

/// One profile.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Entry {
    url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wire: Option<Wire>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    login: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redirect_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_file: Option<PathBuf>,
}

type Entries = BTreeMap<String, Entry>;

/// The connection of a profile.
pub(crate) fn open(name: &str) -> Result<Connection, Failure> {
    let path = path()?;
    let mut entries = read(&path)?;
    let Some(entry) = entries.remove(name) else {
        let names: Vec<_> = entries.keys().map(String::as_str).collect();
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let place = path.display();
        return Err(Failure::Usage(format!("{place} has no profile {name}; it has: {known}")));
    };
    let wrong = |what: &str| Failure::Usage(format!("{}: profile {name}: {what}", path.display()));
    let origin = Origin::new(&entry.url).map_err(|error| wrong(&format!("url: {error}")))?;
    let wire = entry.wire.unwrap_or_default();
    let who = match entry {
        Entry { login: Some(_), .. } if wire == Wire::V4 => {
            return Err(wrong("login goes with wire = \"v2\""));
        }
        Entry { token: Some(key), login: Some(login), token_file: None, .. } => Who::Login(login, key),
        Entry { token: Some(token), token_file: None, .. } if token::is_sendable(token.reveal()) => {
            Who::Bearer(Arc::new(token))
        }
        Entry { token: Some(_), token_file: None, .. } => {
            return Err(wrong(&format!("its token is none: a token has {}", token::FORM)));
        }
        Entry {
            token: None,
            token_file: Some(file),
            client_id: Some(id),
            client_secret: Some(secret),
            redirect_uri: Some(redirect),
            ..
        } => {
            let file = beside(&path, &file);
            check_private(&file)?;
            Who::Bearer(Arc::new(oauth(&origin, &file)?.with_integration(id, secret, redirect)))
        }
        Entry { token: None, token_file: Some(_), .. } => {
            return Err(wrong("beside token-file, client-id, client-secret and redirect-uri are due"));
        }
        Entry { .. } => return Err(wrong("either token or token-file is due")),
    };
    Ok(Connection { origin, wire, who, rate: None })
}

impl Profile {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let path = path()?;
        match self.what {
            What::List => {
                let mut text = String::new();
                for (name, entry) in read(&path)? {
                    let how = if entry.token_file.is_some() { "OAuth" } else { "token" };
                    let url = Origin::new(&entry.url).map_or_else(|_| "?".to_owned(), |url| url.to_string());
                    text += &format!("{name:<16} {how:<5} {url}\n");
                }
                Ok(print(&text)?)
            }
            What::Set(set) => {
                let url = origin(&set.url)?.to_string();
                let token = secret("token")?;
                if !token::is_sendable(token.reveal()) {
                    return Err(Failure::Usage(format!("a token has {}", token::FORM)));
                }
                let entry = Entry { token: Some(token), ..Entry::at(url) };
                keep(&path, &set.name, entry)
            }
            What::SignIn(sign_in) => sign_in.run(&path).await,
            What::Remove { name } => {
                let mut entries = read(&path)?;
                match entries.remove(&name) {
                    Some(_) => Ok(write(&path, &entries)?),
                    None => Err(Failure::Usage(format!("{} has no profile {name}", path.display()))),
                }
            }
        }
    }
}

impl SignIn {
    async fn run(self, path: &Path) -> Result<(), Failure> {
        let Self { name, url, client_id, redirect_uri } = self;
        let url = origin(&url)?;
        let client_secret = secret("client secret")?;
        let code = secret("authorization code")?;
        // Before the code is used up: it works once.
        let mut entries = read(path)?;
        let file = PathBuf::from(format!("{}.token.json", file_name(&name)?));
        let place = beside(path, &file);
        prepare(path)?;
        let oauth = oauth(&url, &place)?.with_integration(&client_id, client_secret.clone(), &redirect_uri);
        let grant = oauth.sign_in(&code).await;
        let grant = grant.map_err(|error| Failure::Refused(anyhow!(error).context("not signed in")))?;
        FileStore::create(&place, grant).map_err(|error| anyhow!(error))?;
        let entry = Entry {
            client_id: Some(client_id),
            client_secret: Some(client_secret),
            redirect_uri: Some(redirect_uri),
            token_file: Some(file),
            ..Entry::at(url.to_string())
        };
        entries.insert(name, entry);
        Ok(write(path, &entries)?)
    }
}

impl Entry {
    fn at(url: String) -> Self {
        let (wire, login, token, client_id) = (None, None, None, None);
        Self { url, wire, login, token, client_id, client_secret: None, redirect_uri: None, token_file: None }
    }
}

fn oauth(origin: &Origin, file: &Path) -> Result<OAuth<incoming_leads_transport::Reqwest>, Failure> {
    let endpoint = format!("{origin}{GRANTS}").parse().context("the address of the server is none")?;
    let store = Arc::new(FileStore::open(file));
    Ok(OAuth::new(network(origin)?, endpoint, store, Arc::new(SystemTime)))
}

/// Where the profiles are.
fn path() -> Result<PathBuf, Failure> {
    if let Some(path) = variable("INCOMING_LEADS_PROFILES") {
        return Ok(path.into());
    }
    let home = || variable("HOME").map(|home| Path::new(&home).join(".config"));
    let folder = variable("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home);
    let folder = folder.ok_or_else(|| Failure::Usage("INCOMING_LEADS_PROFILES names no file".to_owned()))?;
    Ok(folder.join("incoming-leads").join("profiles.toml"))
}

/// All profiles; none where there is no file.
fn read(path: &Path) -> Result<Entries, Failure> {
    let mut text = String::new();
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Entries::new()),
        file => file.and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text)),
    }
    .with_context(|| format!("cannot read {}", path.display()))?;
    check_private(path)?;
    toml::from_str(&text).map_err(|error: toml::de::Error| {
        // Not the reader's own words: they quote the line, which may hold a secret.
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = 1 + before.matches('\n').count();
        let what = "it is not what `incoming-leads profile --help` shows";
        Failure::Usage(format!("{}, line {line}: {what}", path.display()))
    })
}

/// Refuses a file that others than its owner can read.
fn check_private(path: &Path) -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let found = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        if found.permissions().mode() & 0o077 != 0 {
            bail!("others can read {0}, which holds secrets: run chmod 600 {0}", path.display());
        }
    }
    Ok(())
}

fn keep(path: &Path, name: &str, entry: Entry) -> Result<(), Failure> {
    let mut entries = read(path)?;
    entries.insert(name.to_owned(), entry);
    Ok(write(path, &entries)?)
}

/// Puts another file in the place of the old one, which only its owner can read.
fn write(path: &Path, entries: &Entries) -> anyhow::Result<()> {
    prepare(path)?;
    let text = toml::to_string(entries).context("the profiles cannot be written as TOML")?;
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&new).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)
    });
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn prepare(path: &Path) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

fn beside(path: &Path, file: &Path) -> PathBuf {
    path.parent().map_or_else(|| file.to_owned(), |folder| folder.join(file))
}

/// The name as a part of a file's.
fn file_name(name: &str) -> Result<&str, Failure> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    match !name.is_empty() && name.chars().all(is_plain) {
        true => Ok(name),
        false => Err(Failure::Usage("the name of a profile has letters, digits, - and _".to_owned())),
    }
}

/// A line of standard input: secrets do not stand on the command line.
fn secret(what: &str) -> Result<Secret, Failure> {
    if io::stdin().is_terminal() {
        // Where nobody reads it nobody has to know.
        let _ = write!(io::stderr(), "{what}: ");
    }
    let mut line = String::new();
    io::stdin().read_line(&mut line).context("cannot read standard input")?;
    match line.trim() {
        "" => Err(Failure::Usage(format!("the {what} is due on standard input"))),
        text => Ok(Secret::new(text)),
    }
}
