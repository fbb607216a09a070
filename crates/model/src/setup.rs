//! What an operator may set up: by what accounts, users and integrations are found and shown.
//!
//! Documents are not held to it: what they bring over was there before.

use thiserror::Error;

use crate::account::{Account, Integration, Layout, User};
use crate::floor::Floor;
use crate::limits::{MAX_EMAIL_BYTES, MAX_NAME_CHARS, MAX_REDIRECT_URI_BYTES, MAX_SUBDOMAIN_BYTES};

/// What is wrong with an account, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Unfit {
    /// The id of the account or of a user.
    #[error("an id is at most {}, so that there are larger ones", Floor::HIGHEST)]
    Id,
    /// The sub-domain. Digits alone would be taken for an id.
    #[error(
        "a sub-domain has 1 to {MAX_SUBDOMAIN_BYTES} characters of a-z, 0-9 and -, a letter among them and no - at its ends"
    )]
    Subdomain,
    /// The name of what is said here.
    #[error(
        "the name of {0} has 1 to {MAX_NAME_CHARS} characters, not blanks alone, and no control characters"
    )]
    Name(&'static str),
    /// The address of a user.
    #[error(
        "an e-mail address has one @ with something on both sides, no blanks and at most {MAX_EMAIL_BYTES} bytes"
    )]
    Email,
    /// The address of a user, which is another's.
    #[error("the account has a user {0} already")]
    EmailTaken(String),
    /// Where an integration sends users back to.
    #[error(
        "a redirect URI is https://HOST..., or http:// on 127.0.0.1, [::1] or localhost, without a fragment, and has at most {MAX_REDIRECT_URI_BYTES} bytes"
    )]
    RedirectUri,
}

/// Checks what an account has that `old` has not. The rest stays as it is, however it came in.
///
/// # Errors
/// [`Unfit`].
pub fn check(new: &Layout, old: Option<&Layout>) -> Result<(), Unfit> {
    let Account { id, subdomain, name, .. } = &new.account;
    let account = old.map(|old| &old.account);
    expect(account.map(|old| &old.id), id, |id| id.get() <= Floor::HIGHEST, Unfit::Id)?;
    expect(account.map(|old| &old.subdomain), subdomain, |text| is_subdomain(text), Unfit::Subdomain)?;
    expect(account.map(|old| &old.name), name, |text| is_name(text), Unfit::Name("an account"))?;
    for User { id, name, email, .. } in &new.users {
        let user = old.and_then(|old| old.user(*id));
        let is_free = |email: &String| {
            !new.users.iter().any(|user| user.id != *id && user.email.eq_ignore_ascii_case(email))
        };
        expect(user.map(|old| &old.id), id, |id| id.get() <= Floor::HIGHEST, Unfit::Id)?;
        expect(user.map(|old| &old.name), name, |text| is_name(text), Unfit::Name("a user"))?;
        expect(user.map(|old| &old.email), email, |text| is_email(text), Unfit::Email)?;
        expect(user.map(|old| &old.email), email, is_free, Unfit::EmailTaken(email.clone()))?;
    }
    for Integration { client_id, redirect_uri, name, secret: _ } in &new.integrations {
        let integration = old.and_then(|old| old.integration(client_id));
        expect(
            integration.map(|old| &old.redirect_uri),
            redirect_uri,
            |text| is_redirect_uri(text),
            Unfit::RedirectUri,
        )?;
        expect(integration.map(|old| &old.name), name, |text| is_name(text), Unfit::Name("an integration"))?;
    }
    Ok(())
}

/// Whether a value is as it was, or is right.
fn expect<T: PartialEq>(
    old: Option<&T>,
    new: &T,
    is_right: impl FnOnce(&T) -> bool,
    unfit: Unfit,
) -> Result<(), Unfit> {
    if old == Some(new) || is_right(new) { Ok(()) } else { Err(unfit) }
}

fn is_subdomain(text: &str) -> bool {
    (1..=MAX_SUBDOMAIN_BYTES).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && text.bytes().any(|byte| byte.is_ascii_lowercase())
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= MAX_NAME_CHARS && !text.chars().any(char::is_control)
}

fn is_email(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && !part.contains(|letter: char| letter == '@' || letter.is_whitespace() || letter.is_control())
    };
    text.len() <= MAX_EMAIL_BYTES
        && text.split_once('@').is_some_and(|(name, host)| is_part(name) && is_part(host))
}

/// Codes go there: only over TLS, or to the user's own machine. Source: RFC 6749, 3.1.2; RFC 8252, 7.3.
fn is_redirect_uri(text: &str) -> bool {
    if text.len() > MAX_REDIRECT_URI_BYTES
        || !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"#\"<>\\^`{|}".contains(&byte))
    {
        return false;
    }
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = match authority.split_once(']') {
        Some((address, _)) => &authority[..=address.len()],
        None => authority.split(':').next().unwrap_or_default(),
    };
    // What stands before an @ looks like a host and is none.
    !host.is_empty()
        && !authority.contains('@')
        && (scheme == "https" || scheme == "http" && ["127.0.0.1", "[::1]", "localhost"].contains(&host))
}
