//! Who may come in, on which name, and what integrations were allowed.

use std::collections::{BTreeSet, HashMap};

use incoming_leads_model::document::Token;
use incoming_leads_model::grant::Grant;
use incoming_leads_model::{AccountId, Moment};
use incoming_leads_port::Digest;

/// How much of what has expired is forgotten at a time.
const FORGOTTEN: usize = 4;

/// Tokens, grants, and the sub-domains of accounts.
#[derive(Debug, Default)]
pub(crate) struct Credentials {
    /// In lower case.
    pub(crate) subdomains: HashMap<String, AccountId>,
    tokens: HashMap<Digest, Token>,
    grants: HashMap<String, Grant>,
    /// What expires, the earliest first.
    ends: BTreeSet<(Moment, Key)>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Token(Digest),
    Grant(String),
}

impl Credentials {
    pub(crate) fn token(&self, digest: &Digest) -> Option<&Token> {
        self.tokens.get(digest)
    }

    pub(crate) fn grant(&self, id: &str) -> Option<&Grant> {
        self.grants.get(id)
    }

    /// The tokens of an account with their digests, by user.
    pub(crate) fn tokens_of(&self, account: AccountId) -> Vec<Token> {
        let mut tokens: Vec<_> =
            self.tokens.iter().filter(|(_, token)| token.account_id == account).collect();
        tokens.sort_by_key(|(digest, token)| (token.user_id, **digest));
        tokens.into_iter().map(|(_, token)| token.clone()).collect()
    }

    /// The grants of an account, by id.
    pub(crate) fn grants_of(&self, account: AccountId) -> Vec<Grant> {
        let mut grants: Vec<_> =
            self.grants.values().filter(|grant| grant.account_id == account).cloned().collect();
        grants.sort_by(|one, other| one.id.cmp(&other.id));
        grants
    }

    pub(crate) fn keep(&mut self, token: Token) -> Result<(), String> {
        let digest = Digest::try_from(&token).map_err(|what| format!("a token {what}"))?;
        self.forget(&digest);
        self.ends.extend(token.expires_at.map(|end| (end, Key::Token(digest))));
        self.tokens.insert(digest, token);
        Ok(())
    }

    pub(crate) fn forget(&mut self, digest: &Digest) -> bool {
        let token = self.tokens.remove(digest);
        if let Some(end) = token.as_ref().and_then(|token| token.expires_at) {
            self.ends.remove(&(end, Key::Token(*digest)));
        }
        token.is_some()
    }

    pub(crate) fn keep_grant(&mut self, grant: Grant) {
        self.forget_grant(&grant.id);
        self.ends.insert((grant.expires_at, Key::Grant(grant.id.clone())));
        self.grants.insert(grant.id.clone(), grant);
    }

    pub(crate) fn forget_grant(&mut self, id: &str) {
        if let Some(grant) = self.grants.remove(id) {
            self.ends.remove(&(grant.expires_at, Key::Grant(grant.id)));
        }
    }

    /// Forgets some of what has expired.
    pub(crate) fn sweep(&mut self, now: Moment) {
        for _ in 0..FORGOTTEN {
            match self.ends.first().cloned() {
                Some((end, Key::Token(digest))) if end <= now => drop(self.forget(&digest)),
                Some((end, Key::Grant(id))) if end <= now => self.forget_grant(&id),
                _ => break,
            }
        }
    }
}
