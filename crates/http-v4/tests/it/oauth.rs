//! The client's tokens against the server's: from a code on, over days, by many at once.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::{Method, StatusCode};
use incoming_leads_conformance::fixture::{ACCOUNT, CLIENT, Named, SORTER, START};
use incoming_leads_memory::Memory;
use incoming_leads_model::document::{Line, Secret as Stored};
use incoming_leads_port::{Clock, Ids, ManualClock, Principal, Provision};
use incoming_leads_server::{Config, OAuth as Granting, RegistryGate, Server, digest};
use incoming_leads_transport::tokens::{
    FileStore, Grant, MemoryStore, OAuth, Secret, TokenSource, TokenStore,
};
use incoming_leads_transport::{Authorized, Request, Reqwest, Time, Transport};

const SECRET: &str = "of-the-website";
const REDIRECT_URI: &str = "https://example.com/oauth";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct World {
    server: Server,
    granting: Granting,
    clock: Arc<ManualClock>,
}

/// The clients' time: the server's clock, and waits that end at once.
#[derive(Debug)]
struct Clocked(Arc<ManualClock>);

#[async_trait]
impl Time for Clocked {
    fn now(&self) -> Duration {
        Duration::from_secs(self.0.now().secs().unsigned_abs())
    }

    async fn sleep(&self, _: Duration) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

impl World {
    async fn new(grace_secs: u32) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let memory = Memory::new(clock.clone(), Arc::new(Ids::random()));
        let mut lines = Named::Standard.fixture().lines;
        for line in &mut lines {
            if let Line::Account(layout) = line {
                for integration in &mut layout.integrations {
                    integration.secret = Stored::Sha256(digest(SECRET).to_hex());
                }
            }
        }
        memory.import(lines).await.unwrap();
        let memory = Arc::new(memory);
        let gate = RegistryGate::new(memory.clone()).with_clock(clock.clone());
        let granting = Granting::new(memory).with_clock(clock.clone()).with_grace_secs(grace_secs);
        let mut config = Config::default();
        config.oauth = Some(granting.clone());
        config.journal = 1000;
        let server = Server::start(config, Arc::new(gate)).await.unwrap();
        Self { server, granting, clock }
    }

    async fn code(&self) -> Secret {
        let principal = Principal { account_id: ACCOUNT, user_id: SORTER };
        Secret::new(self.granting.give_code(principal, CLIENT).await.unwrap())
    }

    async fn sign_in(&self) -> Grant {
        self.oauth(fresh()).sign_in(&self.code().await).await.unwrap()
    }

    fn oauth(&self, store: Arc<dyn TokenStore>) -> OAuth<Reqwest> {
        let endpoint = format!("{}/oauth2/access_token", self.server.url()).parse().unwrap();
        let network = Reqwest::builder().build().unwrap();
        OAuth::new(network, endpoint, store, Arc::new(Clocked(self.clock.clone()))).with_integration(
            CLIENT,
            Secret::new(SECRET),
            REDIRECT_URI,
        )
    }

    /// Time goes on, for the server and its clients.
    fn pass(&self, time: Duration) {
        self.clock.advance_secs(u32::try_from(time.as_secs()).unwrap());
    }

    async fn status(&self, tokens: impl TokenSource) -> StatusCode {
        let client = Authorized::new(Reqwest::builder().build().unwrap(), Arc::new(tokens));
        let mut request = Request::new(Vec::new());
        *request.method_mut() = Method::GET;
        *request.uri_mut() = format!("{}/api/v4/leads/unsorted", self.server.url()).parse().unwrap();
        client.send(request).await.unwrap().status()
    }

    fn renewals(&self) -> usize {
        let is_renewal = |path: &str| path == "/oauth2/access_token";
        self.server.journal().iter().filter(|entry| is_renewal(&entry.path)).count()
    }
}

/// A store for whoever is about to sign in.
fn fresh() -> Arc<MemoryStore> {
    kept(Grant { access_token: Secret::new(""), refresh_token: None, expires_at_secs: None })
}

fn kept(grant: Grant) -> Arc<MemoryStore> {
    Arc::new(MemoryStore::new(grant))
}

#[tokio::test]
async fn a_code_lets_in_for_as_long_as_the_grant_is_renewed() {
    let world = World::new(0).await;
    let oauth = world.oauth(kept(world.sign_in().await));
    for day in 0..5 {
        assert_eq!(world.status(oauth.clone()).await, StatusCode::OK, "day {day}");
        assert_eq!(world.renewals(), day + 1, "one renewal a day");
        world.pass(DAY);
    }
    let old = oauth.token().await.unwrap();
    world.pass(DAY);
    assert_eq!(world.status(old).await, StatusCode::UNAUTHORIZED, "the token of yesterday is dead");
    assert_eq!(world.status(oauth.clone()).await, StatusCode::OK);
    // A refresh token lives for three months.
    world.pass(91 * DAY);
    let error = oauth.token().await.unwrap_err();
    assert!(error.to_string().contains("Token has expired"), "{error}");
}

#[tokio::test]
async fn a_code_works_once() {
    let world = World::new(0).await;
    let code = world.code().await;
    let oauth = world.oauth(kept(world.oauth(fresh()).sign_in(&code).await.unwrap()));
    let error = world.oauth(fresh()).sign_in(&code).await.unwrap_err();
    assert!(error.to_string().contains("Authorization code has been revoked"), "{error}");
    world.pass(DAY);
    let error = oauth.token().await.unwrap_err();
    assert!(
        error.to_string().contains("Token has been revoked"),
        "whoever has a copy ended the grant: {error}"
    );
}

#[tokio::test]
async fn processes_that_share_a_store_renew_once() {
    let world = World::new(0).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    FileStore::create(&path, world.sign_in().await).unwrap();
    // A store and a network of its own for each, as processes have.
    let clients: Vec<_> = (0..6).map(|_| world.oauth(Arc::new(FileStore::open(&path)))).collect();
    for day in 1..=3 {
        world.pass(DAY);
        let asked: Vec<_> =
            clients.iter().cloned().map(|oauth| tokio::spawn(async move { oauth.token().await })).collect();
        let mut tokens = Vec::new();
        for token in asked {
            tokens.push(token.await.unwrap().unwrap());
        }
        assert!(tokens.windows(2).all(|pair| pair[0] == pair[1]), "all have the same token");
        assert_eq!(world.renewals(), day + 1);
        assert_eq!(world.status(tokens.remove(0)).await, StatusCode::OK);
    }
}

#[tokio::test]
async fn processes_that_share_nothing_get_the_same_tokens_within_the_grace() {
    let world = World::new(60).await;
    let grant = world.sign_in().await;
    world.pass(DAY);
    let copies: Vec<_> = (0..4).map(|_| world.oauth(kept(grant.clone()))).collect();
    let asked: Vec<_> =
        copies.iter().cloned().map(|oauth| tokio::spawn(async move { oauth.token().await })).collect();
    let mut tokens = Vec::new();
    for token in asked {
        tokens.push(token.await.unwrap().unwrap());
    }
    assert!(tokens.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(world.status(tokens.remove(0)).await, StatusCode::OK);
    // Later the token that all of them have spent ends the grant.
    world.pass(DAY);
    copies[0].token().await.unwrap();
    world.pass(Duration::from_secs(61));
    let error = copies[1].token().await.unwrap_err();
    assert!(error.to_string().contains("Token has been revoked"), "{error}");
}
