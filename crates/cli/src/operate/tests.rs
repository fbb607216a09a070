//! What commands do when somebody else does something at the same moment.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use incoming_leads_memory::Memory;
use incoming_leads_model::Moment;
use incoming_leads_model::document::Secret;
use incoming_leads_model::grant::Due;
use incoming_leads_port::{
    Digest, ErrorKind, Operation, Ports, Principal, Provision, Registry, Result, Retention,
};

use super::*;
use crate::seed::Seed;

/// A store that somebody else changes just before each change.
#[derive(Debug, Default)]
struct Meddled {
    store: Memory,
    others: Mutex<VecDeque<Other>>,
}

/// What somebody else does.
#[derive(Debug)]
enum Other {
    /// Gives the account another name.
    Names(&'static str),
    /// Puts the grant of a number in the place of another.
    Swaps(u8, u8),
}

impl Meddled {
    /// With an account, to which nothing happens yet.
    async fn new() -> Self {
        let text = r#"{"header": {"version": 1}} {"account": {
            "account": {"id": 1, "subdomain": "acme", "name": "Acme", "created_at": 0},
            "users": [{"id": 4, "name": "U", "email": "u@example.com", "rights": {}}],
            "integrations": [{"client_id": "client", "name": "I", "redirect_uri": "https://example.com",
                "secret": {"plain": "hush"}}]}}"#;
        let lines = Seed::parse("s", text).unwrap().checked().await.unwrap();
        let meddled = Self::default();
        meddled.store.import(lines).await.unwrap();
        meddled
    }

    /// Others do this from now on, one of it before each change.
    fn will(&self, others: impl IntoIterator<Item = Other>) {
        *self.others.lock().unwrap() = others.into_iter().collect();
    }

    async fn meddle(&self) {
        let other = self.others.lock().unwrap().pop_front();
        match other {
            None => {}
            Some(Other::Names(name)) => {
                let account = self.store.accounts().await.unwrap().remove(0);
                let mut layout = (*account).clone();
                layout.account.name = name.to_owned();
                self.store.import(vec![Line::Account(Box::new(layout))]).await.unwrap();
            }
            Some(Other::Swaps(old, new)) => {
                let (old, new) = (grant(old), grant(new));
                self.store.swap(&old.id, Some(&old), Some(&new)).await.unwrap();
            }
        }
    }
}

#[async_trait]
impl Provision for Meddled {
    async fn import(&self, lines: Vec<Line>) -> Result<()> {
        self.meddle().await;
        self.store.import(lines).await
    }

    async fn import_if(
        &self,
        expected: &[(AccountId, Option<Arc<Layout>>)],
        lines: Vec<Line>,
    ) -> Result<bool> {
        self.meddle().await;
        self.store.import_if(expected, lines).await
    }

    fn export(&self, account: Option<AccountId>) -> BoxStream<'_, Result<Line>> {
        self.store.export(account)
    }
}

#[async_trait]
impl Registry for Meddled {
    async fn token(&self, digest: &Digest) -> Result<Option<Token>> {
        self.store.token(digest).await
    }

    async fn enrol(&self, token: &Token) -> Result<()> {
        self.store.enrol(token).await
    }

    async fn forget(&self, digest: &Digest) -> Result<bool> {
        self.store.forget(digest).await
    }

    async fn grant(&self, id: &str) -> Result<Option<Grant>> {
        self.store.grant(id).await
    }

    async fn swap(&self, id: &str, expected: Option<&Grant>, new: Option<&Grant>) -> Result<bool> {
        self.meddle().await;
        self.store.swap(id, expected, new).await
    }

    async fn account(&self, key: AccountKey<'_>) -> Result<Option<Arc<Layout>>> {
        self.store.account(key).await
    }

    async fn accounts(&self) -> Result<Vec<Arc<Layout>>> {
        self.store.accounts().await
    }

    async fn open(&self, principal: Principal) -> Result<Ports> {
        self.store.open(principal).await
    }

    async fn enter(&self, digest: &Digest) -> Result<Option<(Token, Ports)>> {
        self.store.enter(digest).await
    }
}

#[async_trait]
impl Store for Meddled {
    async fn sweep(&self, _: Retention) -> Result<u64> {
        Ok(0)
    }

    async fn id(&self) -> Result<String> {
        Ok("meddled".to_owned())
    }
}

#[track_caller]
fn done<T>(done: std::result::Result<T, Failure>) -> T {
    done.unwrap_or_else(|failure| panic!("{failure}"))
}

fn moves(layout: &mut Layout) -> std::result::Result<(), Failure> {
    layout.account.subdomain = "apex".to_owned();
    Ok(())
}

fn digest_of(number: u8) -> Secret {
    Secret::Sha256(Digest([number; 32]).to_hex())
}

fn grant(number: u8) -> Grant {
    Grant {
        id: "g".to_owned(),
        account_id: 1_u64.try_into().unwrap(),
        user_id: 4_u64.try_into().unwrap(),
        client_id: "client".to_owned(),
        due: Due::Refresh,
        secret: digest_of(number),
        expires_at: Moment::MAX,
        spent: None,
    }
}

#[tokio::test]
async fn a_change_keeps_what_others_change_meanwhile() {
    let store = Meddled::new().await;
    store.will(["Second", "Third"].map(Other::Names));
    done(change(&store, "1", moves).await);
    let account = done(layout(&store, "apex").await).account.clone();
    assert_eq!(account.name, "Third");
}

#[tokio::test]
async fn a_change_that_others_never_leave_alone_is_given_up_and_undone() {
    let store = Meddled::new().await;
    store.will((0..100).map(|number| Other::Names(if number % 2 == 0 { "Even" } else { "Odd" })));
    let failure = change(&store, "acme", moves).await.err().unwrap();
    assert!(matches!(failure, Failure::Failed(_)) && failure.to_string().contains("each time"), "{failure}");
    assert_eq!(done(layout(&store, "acme").await).account.name, "Odd");
}

#[tokio::test]
async fn an_integration_that_refreshes_while_it_is_removed_has_nothing_left() {
    let store = Meddled::new().await;
    let account_id: AccountId = 1_u64.try_into().unwrap();
    let token = Token::bearer(account_id, 4_u64.try_into().unwrap(), digest_of(9));
    let token = Token { client_id: Some("client".to_owned()), ..token };
    store.enrol(&token).await.unwrap();
    store.swap("g", None, Some(&grant(1))).await.unwrap();
    // The first change is that of the account; then its grant is swapped away under whoever takes it, twice.
    let others = [Other::Names("Acme"), Other::Swaps(1, 2), Other::Swaps(2, 3)];
    store.will(others);
    done(integration::remove(&store, "acme", "client").await);
    assert_eq!(store.grant("g").await.unwrap(), None);
    assert_eq!(store.token(&Digest([9; 32])).await.unwrap(), None);
    assert_eq!(done(layout(&store, "acme").await).integrations, []);
}

#[tokio::test]
async fn what_a_removal_that_was_cut_short_has_left_is_taken_the_next_time() {
    let store = Meddled::new().await;
    store.swap("g", None, Some(&grant(1))).await.unwrap();
    let forgets = |layout: &mut Layout| {
        layout.integrations.clear();
        Ok(())
    };
    done(change(&store, "acme", forgets).await);
    done(integration::remove(&store, "acme", "client").await);
    assert_eq!(store.grant("g").await.unwrap(), None);
    let again = integration::remove(&store, "acme", "client").await.err().unwrap();
    assert_eq!(again.to_string(), "account 1 has no integration client");
}

#[test]
fn an_unknown_outcome_has_an_exit_code_of_its_own() {
    let lost = || Error::new(ErrorKind::Unavailable, Operation::Provision);
    assert_eq!(failed(lost()).code(), 4);
    assert!(failed(lost()).to_string().contains("nobody knows"));
    assert_eq!(failed(lost().with_outcome(Outcome::NotApplied)).code(), 1);
    assert_eq!(failed(Error::new(ErrorKind::Invalid, Operation::Provision)).code(), 1);
}
