//! Seeds: the model's export document, as a person writes it, read into a store.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use incoming_leads_memory::Memory;
use incoming_leads_model::document::{self, Line, Secret, Token, TokenKind, VERSION};
use incoming_leads_model::{AccountId, Draft, Refusal, RequiredPolicy, UserId};
use incoming_leads_port::{AccountKey, Digest, Error, Provision};
use incoming_leads_server::{Credentials, digest};
use serde::de::IgnoredAny;
use serde_json::Deserializer;

use crate::database::Store;
use crate::token;

/// A document: JSON objects that just follow each other.
#[derive(Debug)]
pub(crate) struct Seed {
    name: String,
    /// Each with the row of the text in which it begins, from 1.
    lines: Vec<(usize, Line)>,
}

impl Seed {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).with_context(|| format!("cannot read the seed {name}"))?;
        Self::parse(&name, &text)
    }

    /// Reads a text; `name` is what errors call it.
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self> {
        let mut lines = Vec::new();
        let (mut rest, mut row, mut column) = (text, 1, 1);
        loop {
            let begin = rest.len() - rest.trim_ascii_start().len();
            (row, column) = moved((row, column), &rest[..begin]);
            rest = &rest[begin..];
            if rest.is_empty() {
                break;
            }
            let (line, length) = one(rest).map_err(|fault| {
                let (row, column) = fault.place((row, column));
                anyhow!("{name}:{row}:{column}: {}", fault.what)
            })?;
            lines.push((row, line));
            (row, column) = moved((row, column), &rest[..length]);
            rest = &rest[length..];
        }
        if !matches!(lines.first(), Some((_, Line::Header { version: VERSION, .. }))) {
            let row = lines.first().map_or(1, |(row, _)| *row);
            return Err(anyhow!(
                r#"{name}:{row}: a seed begins with {{"header": {{"version": {VERSION}}}}}"#
            ));
        }
        Ok(Self { name: name.to_owned(), lines })
    }

    /// All lines.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().map(|(_, line)| line)
    }

    /// All drafts.
    pub(crate) fn drafts_mut(&mut self) -> impl Iterator<Item = &mut Draft> {
        self.lines.iter_mut().filter_map(|(_, line)| match line {
            Line::Draft(incoming) => Some(&mut incoming.draft),
            _ => None,
        })
    }

    /// Puts this token in the place of all others.
    pub(crate) fn replace_tokens(&mut self, token: Token) {
        self.lines.retain(|(_, line)| !matches!(line, Line::Token(_)));
        self.lines.push((0, Line::Token(token)));
    }

    /// All accounts take only adds that have every key which the documents demand (R4).
    pub(crate) fn require_documented_keys(&mut self) {
        for (_, line) in &mut self.lines {
            if let Line::Account(layout) = line {
                layout.policies.required = RequiredPolicy::Documented;
            }
        }
    }

    /// All lines, of which an empty store has taken every one.
    pub(crate) async fn checked(mut self) -> Result<Vec<Line>> {
        let Self { name, lines } = &mut self;
        let mut logins = HashMap::new();
        for (row, line) in lines {
            hash(line, &mut logins).with_context(|| format!("{name}:{row}"))?;
        }
        let mut error = match self.try_first(self.lines.len()).await {
            Ok(()) => return Ok(self.lines.into_iter().map(|(_, line)| line).collect()),
            Err(error) => error,
        };
        // A store tells what is wrong and not where: the shortest beginning that it refuses ends there.
        let (mut taken, mut refused) = (0, self.lines.len());
        while refused - taken > 1 {
            let middle = taken.midpoint(refused);
            match self.try_first(middle).await {
                Ok(()) => taken = middle,
                Err(earlier) => (refused, error) = (middle, earlier),
            }
        }
        Err(anyhow!("{}:{}: {}", self.name, self.lines[taken].0, reason(&error)))
    }

    /// Whether an empty store takes the first so many lines.
    async fn try_first(&self, count: usize) -> Result<(), Error> {
        Memory::default().import(self.lines().take(count).cloned().collect()).await
    }
}

/// How often it is begun anew when others plant at the same time.
const ATTEMPTS: usize = 5;

/// Has a store take over what it does not have: an account that is there already stays as it is. How many accounts
/// were taken over. Of several servers that do it at the same time one does, and the others find it done.
pub(crate) async fn plant(lines: Vec<Line>, store: &dyn Store) -> Result<usize> {
    for attempt in 1.. {
        let mut missing = Vec::new();
        for id in document::accounts(&lines) {
            if store.account(AccountKey::Id(id)).await?.is_none() {
                missing.push((id, None));
            }
        }
        let is_new =
            |line: &&Line| line.account_id().is_none_or(|id| missing.iter().any(|(new, _)| *new == id));
        if missing.is_empty() {
            break;
        }
        let planted = store.import_if(&missing, lines.iter().filter(is_new).cloned().collect()).await;
        match planted {
            Ok(true) => return Ok(missing.len()),
            Ok(false) if attempt < ATTEMPTS => {}
            Ok(false) => return Err(anyhow!("others added accounts of the seed each time")),
            // It may be that another server is about it, and takes its time.
            Err(error) if error.is_retryable() && attempt < ATTEMPTS => {
                tokio::time::sleep(error.retry_after().unwrap_or_default()).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(0)
}

/// What is wrong with an object, and where in it.
pub(crate) struct Fault {
    row: usize,
    column: usize,
    what: String,
}

impl Fault {
    /// Its place in the text, of an object that begins there.
    fn place(&self, (row, column): (usize, usize)) -> (usize, usize) {
        match self.row {
            0 | 1 => (row, column + self.column.saturating_sub(1)),
            below => (row + below - 1, self.column),
        }
    }
}

/// What is wrong with an object of its own, and where in it.
pub(crate) fn place(fault: &Fault) -> String {
    let (row, column) = fault.place((1, 1));
    format!("row {row}, column {column}: {}", fault.what)
}

/// The place after a text, in rows and bytes.
fn moved((row, column): (usize, usize), text: &str) -> (usize, usize) {
    match text.rfind('\n') {
        None => (row, column + text.len()),
        Some(last) => (row + text.matches('\n').count(), text.len() - last),
    }
}

/// Reads the object with which a text begins, and says how long it is.
pub(crate) fn one(text: &str) -> Result<(Line, usize), Fault> {
    let line = serde_path_to_error::deserialize(&mut Deserializer::from_str(text));
    let line = line.map_err(|error| fault(&error))?;
    let mut objects = Deserializer::from_str(text).into_iter::<IgnoredAny>();
    objects.next();
    Ok((line, objects.byte_offset()))
}

fn fault(error: &serde_path_to_error::Error<serde_json::Error>) -> Fault {
    let (path, inner) = (error.path().to_string(), error.inner());
    let (row, column) = (inner.line(), inner.column());
    let told = inner.to_string();
    let sentence = told.strip_suffix(&format!(" at line {row} column {column}")).unwrap_or(&told);
    // What serde says of a wrong value repeats the value, which may be a secret.
    let sentence = if path.starts_with("token") && inner.is_data() { TOKEN_FORM } else { sentence };
    let what = if path == "." { sentence.to_owned() } else { format!("{path}: {sentence}") };
    Fault { row, column, what }
}

const TOKEN_FORM: &str = r#"a token is {"account_id": NUMBER, "user_id": NUMBER, "secret": {"plain": TEXT}}, where the secret may also be {"sha256": 64 HEX DIGITS}"#;

/// The e-mail addresses of users.
pub(crate) type Logins = HashMap<(AccountId, UserId), String>;

/// Makes the plain secrets of a line digests, and checks those that are. `logins` has the users that were told.
pub(crate) fn hash(line: &mut Line, logins: &mut Logins) -> Result<()> {
    match line {
        Line::Account(layout) => {
            let id = layout.account.id;
            logins.extend(layout.users.iter().map(|user| ((id, user.id), user.email.clone())));
            for (place, integration) in layout.integrations.iter_mut().enumerate() {
                hash_one(&mut integration.secret, digest)
                    .with_context(|| format!("account.integrations[{place}].secret"))?;
            }
            Ok(())
        }
        Line::Token(token) => {
            let login = logins.get(&(token.account_id, token.user_id)).map_or("", String::as_str);
            let digest_of = |plain: &str| match token.kind {
                TokenKind::Bearer => digest(plain),
                TokenKind::ApiKey => Credentials::ApiKey { login, key: plain }.digest(),
                TokenKind::Session => Credentials::Session(plain).digest(),
            };
            hash_one(&mut token.secret, digest_of).context("token.secret")
        }
        Line::Grant(grant) => hash_one(&mut grant.secret, digest).context("grant.secret"),
        _ => Ok(()),
    }
}

/// Makes a plain secret a digest, and checks one that is.
fn hash_one(secret: &mut Secret, digest_of: impl Fn(&str) -> Digest) -> Result<()> {
    match secret {
        Secret::Plain(plain) if token::is_sendable(plain) => {
            *secret = Secret::Sha256(digest_of(plain).to_hex());
            Ok(())
        }
        Secret::Plain(_) => Err(anyhow!("a plain secret has {}", token::FORM)),
        Secret::Sha256(digits) if Digest::from_hex(digits).is_some() => Ok(()),
        Secret::Sha256(_) => Err(anyhow!("a digest has 64 hex digits")),
    }
}

/// Why a store did not take a line.
pub(crate) fn reason(error: &Error) -> String {
    let faults: Vec<_> = match error.refusal() {
        Some(Refusal::Items(items)) => items.iter().flat_map(|item| &item.faults).collect(),
        Some(Refusal::Invalid(faults)) => faults.iter().collect(),
        Some(refusal @ (Refusal::Forbidden(_) | Refusal::NotFound(_))) => return refusal.to_string(),
        None => return error.detail().map_or_else(|| error.to_string(), str::to_owned),
    };
    faults.iter().map(|fault| format!("draft.draft.{fault}")).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = r#"{"header": {"version": 1}}"#;
    const ACCOUNT: &str = r#"{"account": {
  "account": {"id": 1, "subdomain": "a", "name": "A", "created_at": 0},
  "pipelines": [{"id": 2, "name": "P", "is_main": true, "statuses": [
    {"id": 3, "name": "Incoming", "sort": 1, "kind": "unsorted"}]}],
  "users": [{"id": 4, "name": "U", "email": "u@example.com", "rights": {"add": true}}]}}"#;
    const CALL: &str = r#"{"draft": {"account_id": 1, "user_id": 4, "draft": {"source_name": "s", "source_uid": "u", "metadata": {"sip": {}}}}}"#;

    #[track_caller]
    fn check_text(text: &str, expected: &str) {
        let error = Seed::parse("s", text).map(|_| ()).expect_err("the text is wrong");
        assert_eq!(error.to_string(), expected);
    }

    async fn refused(lines: &[&str]) -> String {
        let seed = Seed::parse("s", &lines.join("\n")).expect("the text is right");
        format!("{:#}", seed.checked().await.map(|_| ()).expect_err("the store refuses"))
    }

    #[test]
    fn a_wrong_key_is_named_with_its_place() {
        let text = format!(
            "{HEADER}\n\n  {{\"tag\": {{\"account_id\": 1,\n \"row\": {{\"id\": 0, \"name\": \"n\"}}}}}}"
        );
        let id = "tag.row.id: 0 is no id: an id is a whole number from 1 to 9007199254740991";
        check_text(&text, &format!("s:4:16: {id}"));
        let kinds = "expected one of `header`, `account`, `token`, `grant`, `tag`, `customer`, `lead`, `contact`, `company`, `note`, `item`, `event`, `draft`";
        check_text(&format!("{HEADER} {{\"tags\": 1}}"), &format!("s:1:34: unknown variant `tags`, {kinds}"));
    }

    #[test]
    fn a_text_that_ends_early_is_found_where_it_ends() {
        check_text(&format!("{HEADER}\n{{\"tag\": "), "s:2:8: tag: EOF while parsing a value");
    }

    #[test]
    fn a_seed_begins_with_its_header() {
        let sentence = r#"a seed begins with {"header": {"version": 1}}"#;
        check_text("", &format!("s:1: {sentence}"));
        check_text(&format!("\n{ACCOUNT}"), &format!("s:2: {sentence}"));
        check_text(r#"{"header": {"version": 2}}"#, &format!("s:1: {sentence}"));
    }

    #[test]
    fn no_error_repeats_a_secret() {
        for token in [r#""hush""#, r#"{"secret": "hush"}"#, r#"{"secret": {"hush": 1}}"#] {
            let text = format!("{HEADER}\n{{\"token\": {token}}}");
            let error = Seed::parse("s", &text).map(|_| ()).expect_err("the token is wrong").to_string();
            assert!(error.starts_with("s:2:") && error.contains(TOKEN_FORM), "{error}");
        }
    }

    #[tokio::test]
    async fn a_refused_line_is_named_by_its_row() {
        let again = CALL.replace(r#"{"sip": {}}"#, r#"{"chats": {}}, "pipeline_id": 9"#);
        assert_eq!(
            refused(&[HEADER, ACCOUNT, CALL, CALL, &again, CALL]).await,
            "s:9: draft.draft.pipeline_id: the account has no pipeline 9"
        );
        assert_eq!(
            refused(&[HEADER, CALL]).await,
            "s:2: a line is of account 1, of which no line told before"
        );
        let token = r#"{"token": {"account_id": 1, "user_id": 4, "secret": {"plain": "a b"}}}"#;
        assert_eq!(
            refused(&[HEADER, ACCOUNT, token]).await,
            format!("s:7: token.secret: a plain secret has {}", token::FORM)
        );
    }

    #[tokio::test]
    async fn documented_keys_may_be_demanded() {
        let mut seed = Seed::parse("s", &[HEADER, ACCOUNT, CALL].join("\n")).expect("the text is right");
        seed.require_documented_keys();
        let error = seed.checked().await.map(|_| ()).expect_err("the draft has not all keys").to_string();
        assert!(error.contains("draft.draft.metadata.service_code: this field is missing"), "{error}");
    }
}
