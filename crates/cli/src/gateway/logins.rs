//! The table of logins: who may come in at the gateway, and as whom upstream.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use incoming_leads_model::document::Secret as Shown;
use incoming_leads_port::Digest;
use incoming_leads_server::{Credentials, digest};
use incoming_leads_transport::tokens::{FileStore, OAuth, Secret, TokenSource};
use incoming_leads_transport::{Time, Transport};
use serde::Deserialize;

use crate::token;

/// The whole table.
#[derive(Debug)]
pub(super) struct Logins {
    pub(super) all: Vec<Login>,
}

/// Who may come in, and as whom.
#[derive(Debug)]
pub(super) struct Login {
    /// In lower case.
    pub(super) login: String,
    pub(super) api_key: Digest,
    /// What tools that speak v4 come in by.
    pub(super) token: Option<Digest>,
    pub(super) upstream: Upstream,
}

/// By what the account lets somebody in.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Upstream {
    /// A long-lived token.
    Token(Secret),
    /// A grant of OAuth, in a file where it is renewed.
    Grant(Grant),
}

/// A grant of OAuth, and the integration that renews it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Grant {
    file: PathBuf,
    client_id: String,
    client_secret: Secret,
    redirect_uri: String,
}

/// A row as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    login: String,
    api_key: Shown,
    #[serde(default)]
    token: Option<Shown>,
    upstream: Upstream,
}

const FORM: &str = r#"a row is {"login": TEXT, "api_key": {"plain": TEXT} or {"sha256": 64 HEX DIGITS}, "upstream": {"token": TEXT} or {"grant": {"file": .., "client_id": .., "client_secret": .., "redirect_uri": ..}}}, and may have a "token" like "api_key""#;

impl Logins {
    /// Reads the table. Its file is full of secrets, so nobody but its owner may read it.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the logins {name}"))?;
        check_mode(path)?;
        // A file of a grant is named as seen from the table.
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, folder).with_context(|| format!("the logins {name}"))
    }

    fn parse(text: &str, folder: &Path) -> Result<Self> {
        let mut all = Vec::new();
        let mut known = HashSet::new();
        for row in serde_json::Deserializer::from_str(text).into_iter::<Row>() {
            let number = all.len() + 1;
            // What serde says of a wrong value repeats the value, which may be a secret.
            let row = row.map_err(|error| match error.is_data() {
                true => anyhow!("row {number}, before line {}: {FORM}", error.line()),
                false => anyhow!("row {number}: {error}"),
            })?;
            let login = Login::of(row, folder).with_context(|| format!("row {number}"))?;
            let shown = [Some(login.api_key), login.token];
            if !shown.into_iter().flatten().all(|shown| known.insert(shown)) {
                bail!("row {number}: its key or token stands there before");
            }
            if all.iter().any(|other: &Login| other.login == login.login) {
                bail!("row {number}: the login stands there before");
            }
            all.push(login);
        }
        if all.is_empty() {
            bail!("nobody may come in; {FORM}");
        }
        Ok(Self { all })
    }
}

impl Login {
    fn of(row: Row, folder: &Path) -> Result<Self> {
        let Row { login, api_key, token, mut upstream } = row;
        let login = login.trim().to_ascii_lowercase();
        if login.is_empty() {
            bail!("a login is not empty");
        }
        let api_key = match api_key {
            Shown::Plain(key) if key.trim().is_empty() => bail!("a key is not empty"),
            Shown::Plain(key) => api_key_digest(&login, &key),
            Shown::Sha256(digits) => of_hex(&digits)?,
        };
        let token = token.map(|token| match token {
            Shown::Plain(token) if !token::is_sendable(&token) => bail!("a token has {}", token::FORM),
            Shown::Plain(token) => Ok(digest(&token)),
            Shown::Sha256(digits) => of_hex(&digits),
        });
        match &mut upstream {
            Upstream::Token(token) if !token::is_sendable(token.reveal()) => {
                bail!("an upstream token has {}", token::FORM)
            }
            Upstream::Token(_) => {}
            Upstream::Grant(grant) => grant.file = folder.join(&grant.file),
        }
        Ok(Self { login, api_key, token: token.transpose()?, upstream })
    }
}

impl Upstream {
    /// Where the tokens for the account at this address come from.
    pub(super) fn tokens(
        self,
        account: &str,
        network: impl Transport,
        time: Arc<dyn Time>,
    ) -> Result<Arc<dyn TokenSource>> {
        let grant = match self {
            Self::Token(token) => return Ok(Arc::new(token)),
            Self::Grant(grant) => grant,
        };
        let Grant { file, client_id, client_secret, redirect_uri } = grant;
        check_mode(&file)?;
        let endpoint = format!("{}/oauth2/access_token", account.trim_end_matches('/'));
        let endpoint = endpoint.parse().with_context(|| format!("{account} is no address"))?;
        let oauth = OAuth::new(network, endpoint, Arc::new(FileStore::open(file)), time);
        Ok(Arc::new(oauth.with_integration(client_id, client_secret, redirect_uri)))
    }
}

fn api_key_digest(login: &str, key: &str) -> Digest {
    Credentials::ApiKey { login, key }.digest()
}

fn of_hex(digits: &str) -> Result<Digest> {
    Digest::from_hex(digits).context("a digest has 64 hex digits")
}

/// Refuses a file of secrets that others may read.
fn check_mode(path: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let found = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mode = found.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            bail!("{} may be read by others (mode {mode:o}): chmod 600 it", path.display());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str =
        r#"{"login": "Ada@Example.com", "api_key": {"plain": "hush"}, "upstream": {"token": "s3cret"}}"#;

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let error = format!("{:#}", Logins::parse(text, Path::new("")).expect_err("the text is wrong"));
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("hush") && !error.contains("s3cret"), "{error}");
    }

    #[test]
    fn keys_are_plain_or_digests() {
        let digest = api_key_digest("bob@example.com", "k").to_hex();
        let other = format!(
            r#"{{"login": "bob@example.com", "api_key": {{"sha256": "{digest}"}}, "token": {{"plain": "t"}},
                "upstream": {{"grant": {{"file": "g", "client_id": "i", "client_secret": "hush", "redirect_uri": "r"}}}}}}"#
        );
        let logins =
            Logins::parse(&format!("{ROW}\n{other}"), Path::new("/etc")).expect("the table is right");
        assert_eq!(logins.all[0].login, "ada@example.com");
        assert_eq!(logins.all[0].api_key, api_key_digest("ada@example.com", "hush"));
        assert_eq!(logins.all[1].api_key, api_key_digest("bob@example.com", "k"));
        assert!(
            matches!(&logins.all[1].upstream, Upstream::Grant(grant) if grant.file == Path::new("/etc/g"))
        );
        let shown = format!("{logins:?}");
        assert!(!shown.contains("hush") && !shown.contains("s3cret"), "{shown}");
    }

    #[test]
    fn a_wrong_row_is_named_and_no_secret_with_it() {
        refused("", "nobody may come in");
        refused(r#"{"login": "a", "api_key": "hush", "upstream": {"token": "s3cret"}}"#, "row 1");
        refused(&ROW.replace(r#""plain""#, r#""sha256""#), "64 hex digits");
        refused(&ROW.replace(r#""s3cret""#, r#""not sendable""#), "an upstream token has");
        refused(&format!("{ROW}\n{ROW}"), "row 2: its key or token stands there before");
        refused(&format!("{ROW}\n{}", ROW.replace("hush", "other")), "row 2: the login stands there before");
        refused(&ROW[..20], "row 1: EOF");
    }
}
