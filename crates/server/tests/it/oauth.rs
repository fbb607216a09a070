//! Tokens of OAuth, byte by byte as integrations see them.

use std::sync::Arc;

use async_trait::async_trait;
use incoming_leads_memory::Memory;
use incoming_leads_model::document::{Line, Secret, Token};
use incoming_leads_model::grant::Grant;
use incoming_leads_model::{Integration, Layout, Moment};
use incoming_leads_port::{
    AccountKey, Digest, Ids, ManualClock, Ports, Principal, Provision, Registry, Result,
};
use incoming_leads_server::{Config, OAuth, RegistryGate, Server, digest};
use serde_json::{Value, json};

use crate::raw::{Answer, Raw};
use crate::world::{KOMMO, NOW, lines};

const CLIENT: &str = "0a1b2c3d-0000-4000-8000-000000000001";
const CLIENT_SECRET: &str = "the-secret";
const REDIRECT_URI: &str = "https://example.com/back";
const GRACE_SECS: u32 = 30;

struct World {
    server: Server,
    oauth: OAuth,
    memory: Memory,
    clock: Arc<ManualClock>,
    principal: Principal,
}

impl World {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Moment::from_secs(NOW).unwrap()));
        let memory = Memory::new(clock.clone(), Arc::new(Ids::sequential()));
        let mut principal = None;
        let mut lines = lines(KOMMO);
        for line in &mut lines {
            if let Line::Account(layout) = line {
                let user = layout.users.iter().find(|user| user.rights.administrate).unwrap();
                principal = Some(Principal { account_id: layout.account.id, user_id: user.id });
                layout.integrations.push(Integration {
                    client_id: CLIENT.to_owned(),
                    secret: Secret::Sha256(digest(CLIENT_SECRET).to_hex()),
                    redirect_uri: REDIRECT_URI.to_owned(),
                    name: "Website".to_owned(),
                });
            }
        }
        memory.import(lines).await.unwrap();
        Self::over(memory, clock, principal.unwrap()).await
    }

    /// A server over a store that may have been there before.
    async fn over(memory: Memory, clock: Arc<ManualClock>, principal: Principal) -> Self {
        Self::over_registry(Arc::new(memory.clone()), memory, clock, principal).await
    }

    async fn over_registry(
        registry: Arc<dyn Registry>,
        memory: Memory,
        clock: Arc<ManualClock>,
        principal: Principal,
    ) -> Self {
        let oauth = OAuth::new(registry.clone()).with_clock(clock.clone()).with_grace_secs(GRACE_SECS);
        let mut config = Config::default();
        config.oauth = Some(oauth.clone());
        let gate = RegistryGate::new(registry).with_clock(clock.clone());
        let server = Server::start(config, Arc::new(gate)).await.unwrap();
        Self { server, oauth, memory, clock, principal }
    }

    async fn code(&self) -> String {
        self.oauth.give_code(self.principal, CLIENT).await.unwrap()
    }

    async fn send(&self, request: String) -> Answer {
        let mut raw = Raw::open(self.server.addr()).await;
        raw.send(request).await;
        raw.answer().await.expect("an answer")
    }

    async fn post(&self, kind: &str, body: &str) -> Answer {
        let length = body.len();
        let head = format!("Host: acme.example:8080\r\nContent-Type: {kind}\r\nContent-Length: {length}");
        self.send(format!("POST /oauth2/access_token HTTP/1.1\r\n{head}\r\n\r\n{body}")).await
    }

    async fn ask(&self, body: &Value) -> Answer {
        self.post("application/json", &body.to_string()).await
    }

    /// The tokens for a token that is worth some.
    async fn tokens(&self, body: &Value) -> Value {
        let answer = self.ask(body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    async fn list(&self, token: &str) -> u16 {
        let head = format!("Host: acme.example\r\nAuthorization: Bearer {token}");
        self.send(format!("GET /api/v4/account HTTP/1.1\r\n{head}\r\n\r\n")).await.status
    }
}

fn with_code(code: &str) -> Value {
    json!({
        "client_id": CLIENT, "client_secret": CLIENT_SECRET, "redirect_uri": REDIRECT_URI,
        "grant_type": "authorization_code", "code": code,
    })
}

fn with_refresh(token: &Value) -> Value {
    json!({
        "client_id": CLIENT, "client_secret": CLIENT_SECRET, "redirect_uri": REDIRECT_URI,
        "grant_type": "refresh_token", "refresh_token": token,
    })
}

/// Takes the claims out of a JWT.
fn claims(token: &Value) -> Value {
    let text = token.as_str().unwrap().split('.').nth(1).unwrap();
    let value = |byte: u8| {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        DIGITS.iter().position(|digit| *digit == byte).unwrap() as u32
    };
    let mut bytes = Vec::new();
    for four in text.as_bytes().chunks(4) {
        let bits = four.iter().fold(0, |bits, byte| bits << 6 | value(*byte)) << (6 * (4 - four.len()));
        bytes.extend(&bits.to_be_bytes()[1..four.len()]);
    }
    serde_json::from_slice(&bytes).unwrap()
}

#[track_caller]
fn check_problem(answer: &Answer, status: u16, hint: &str) {
    let told = answer.json();
    assert_eq!((answer.status, told["hint"].as_str()), (status, Some(hint)), "{told}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(told["status"], status);
    assert!(["title", "type", "detail"].iter().all(|key| told[key].is_string()), "{told}");
}

#[tokio::test]
async fn tokens_are_told_as_clients_read_them() {
    let world = World::new().await;
    let answer = world.ask(&with_code(&world.code().await)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let told = answer.json();
    assert_eq!(
        (&told["token_type"], &told["expires_in"], &told["server_time"]),
        (&json!("Bearer"), &json!(86400), &json!(NOW))
    );
    let claims = claims(&told["access_token"]);
    assert_eq!(
        (
            &claims["aud"],
            &claims["exp"],
            &claims["iat"],
            &claims["api_domain"],
            &claims["account_id"],
            &claims["sub"]
        ),
        (
            &json!(CLIENT),
            &json!(NOW + 86400),
            &json!(NOW),
            &json!("acme.example:8080"),
            &json!(world.principal.account_id.get()),
            &json!(world.principal.user_id.to_string())
        )
    );
    assert_eq!(world.list(told["access_token"].as_str().unwrap()).await, 200);
    assert_eq!(world.list(told["refresh_token"].as_str().unwrap()).await, 401, "it renews and nothing else");
}

#[tokio::test]
async fn forms_are_as_good_as_json() {
    let world = World::new().await;
    let form = |code: &str| {
        let uri = "https%3A%2F%2Fexample.com%2Fback";
        format!(
            "client_id={CLIENT}&client_secret={CLIENT_SECRET}&redirect_uri={uri}&grant_type=authorization_code&code={code}"
        )
    };
    let kind = "application/x-www-form-urlencoded";
    assert_eq!(world.post(kind, &form(&world.code().await)).await.status, 200);
    let json = with_code(&world.code().await).to_string();
    assert_eq!(world.post(kind, &json).await.status, 200, "JSON under the type of a form");
    check_problem(&world.post(kind, "client_id=%ff").await, 400, "Check the body");
    check_problem(&world.post("application/json", "[]").await, 400, "Check the body");
    check_problem(&world.post("application/json", "{").await, 400, "Check the body");
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_hinted_at() {
    let world = World::new().await;
    let good = with_code(&world.code().await);
    for (key, value, status, hint) in [
        ("client_id", json!(null), 400, "Check the `client_id` parameter"),
        ("client_id", json!("another"), 400, "Check the `client_id` parameter"),
        ("client_secret", json!(""), 400, "Check the `client_secret` parameter"),
        ("client_secret", json!("another"), 401, "Check the `client_secret` parameter"),
        ("redirect_uri", json!("https://example.com/"), 400, "Check the `redirect_uri` parameter"),
        ("grant_type", json!("password"), 400, "Check the `grant_type` parameter"),
        ("grant_type", json!("refresh_token"), 400, "Check the `refresh_token` parameter"),
        ("code", json!("a.b"), 401, "Authorization code has been revoked"),
        ("code", json!("ab"), 401, "Authorization code has been revoked"),
    ] {
        let mut wrong = good.clone();
        wrong[key] = value;
        check_problem(&world.ask(&wrong).await, status, hint);
    }
    let code_as_refresh = with_refresh(&good["code"]);
    check_problem(&world.ask(&code_as_refresh).await, 401, "Token has been revoked");
    world.tokens(&good).await;
    let answer = world.send("GET /oauth2/access_token HTTP/1.1\r\nHost: a.example\r\n\r\n".to_owned()).await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
}

#[tokio::test]
async fn a_code_is_good_for_twenty_minutes() {
    let world = World::new().await;
    let (one, other) = (world.code().await, world.code().await);
    world.clock.advance_secs(20 * 60 - 1);
    world.tokens(&with_code(&one)).await;
    world.clock.advance_secs(1);
    check_problem(&world.ask(&with_code(&other)).await, 401, "Authorization code has expired");
}

#[tokio::test]
async fn a_lost_answer_is_told_again_for_a_short_while_and_then_ends_the_grant() {
    let world = World::new().await;
    let first = world.tokens(&with_code(&world.code().await)).await;
    let second = world.tokens(&with_refresh(&first["refresh_token"])).await;
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    world.clock.advance_secs(GRACE_SECS - 1);
    let again = world.tokens(&with_refresh(&first["refresh_token"])).await;
    for key in ["access_token", "refresh_token"] {
        assert_eq!(again[key], second[key], "{key}");
    }
    assert_eq!(again["expires_in"], 86400 - i64::from(GRACE_SECS) + 1);
    world.clock.advance_secs(1);
    check_problem(&world.ask(&with_refresh(&first["refresh_token"])).await, 401, "Token has been revoked");
    check_problem(&world.ask(&with_refresh(&second["refresh_token"])).await, 401, "Token has been revoked");
    assert_eq!(world.list(second["access_token"].as_str().unwrap()).await, 200, "until it expires");
    world.clock.advance_secs(86400);
    assert_eq!(world.list(second["access_token"].as_str().unwrap()).await, 401);
}

/// The registry of a store from which the grant goes just before its token is enrolled, as when somebody removes the
/// integration meanwhile.
#[derive(Debug)]
struct Ending {
    memory: Memory,
    grant: String,
}

#[async_trait]
impl Registry for Ending {
    async fn token(&self, digest: &Digest) -> Result<Option<Token>> {
        self.memory.token(digest).await
    }

    async fn enrol(&self, token: &Token) -> Result<()> {
        let grant = self.memory.grant(&self.grant).await?;
        assert!(self.memory.swap(&self.grant, grant.as_ref(), None).await?);
        self.memory.enrol(token).await
    }

    async fn forget(&self, digest: &Digest) -> Result<bool> {
        self.memory.forget(digest).await
    }

    async fn grant(&self, id: &str) -> Result<Option<Grant>> {
        self.memory.grant(id).await
    }

    async fn swap(&self, id: &str, expected: Option<&Grant>, new: Option<&Grant>) -> Result<bool> {
        self.memory.swap(id, expected, new).await
    }

    async fn account(&self, key: AccountKey<'_>) -> Result<Option<Arc<Layout>>> {
        self.memory.account(key).await
    }

    async fn accounts(&self) -> Result<Vec<Arc<Layout>>> {
        self.memory.accounts().await
    }

    async fn open(&self, principal: Principal) -> Result<Ports> {
        self.memory.open(principal).await
    }

    async fn enter(&self, digest: &Digest) -> Result<Option<(Token, Ports)>> {
        self.memory.enter(digest).await
    }
}

#[tokio::test]
async fn an_answer_told_again_leaves_no_token_of_a_grant_that_ends_meanwhile() {
    let World { memory, clock, principal, oauth, server: _server } = World::new().await;
    let code = oauth.give_code(principal, CLIENT).await.unwrap();
    let world = World::over(memory.clone(), clock.clone(), principal).await;
    let first = world.tokens(&with_code(&code)).await;
    let second = world.tokens(&with_refresh(&first["refresh_token"])).await;
    let access = second["access_token"].as_str().unwrap();
    assert!(
        memory.forget(&digest(access)).await.unwrap(),
        "the token of the first answer goes with the integration"
    );
    let (grant, _) = code.split_once('.').unwrap();
    let registry = Ending { memory: memory.clone(), grant: grant.to_owned() };
    let ending = World::over_registry(Arc::new(registry), memory, clock, principal).await;
    check_problem(&ending.ask(&with_refresh(&first["refresh_token"])).await, 401, "Token has been revoked");
    assert_eq!(ending.list(access).await, 401);
}

#[tokio::test]
async fn grants_survive_an_export() {
    let world = World::new().await;
    let first = world.tokens(&with_code(&world.code().await)).await;
    let lines = crate::world::export(&world.memory).await;
    let text: Vec<_> = lines.iter().map(|line| serde_json::to_string(line).unwrap()).collect();
    for secret in
        [CLIENT_SECRET, first["access_token"].as_str().unwrap(), first["refresh_token"].as_str().unwrap()]
    {
        assert!(!text.iter().any(|line| line.contains(secret)), "{secret}");
    }
    let memory = Memory::new(world.clock.clone(), Arc::new(Ids::sequential()));
    memory.import(lines).await.unwrap();
    let copy = World::over(memory, world.clock.clone(), world.principal).await;
    assert_eq!(copy.list(first["access_token"].as_str().unwrap()).await, 200);
    let second = copy.tokens(&with_refresh(&first["refresh_token"])).await;
    assert_eq!(copy.list(second["access_token"].as_str().unwrap()).await, 200);
}

#[tokio::test]
async fn the_address_of_an_account_is_told_to_its_tokens() {
    let world = World::new().await;
    let told = world.tokens(&with_code(&world.code().await)).await;
    let (refresh, access) = (told["refresh_token"].as_str().unwrap(), told["access_token"].as_str().unwrap());
    let ask = async |path: &str, header: &str| {
        let head =
            format!("Host: 127.0.0.1:81\r\nContent-Type: application/json\r\nContent-Length: 2\r\n{header}");
        world.send(format!("GET {path} HTTP/1.1\r\n{head}\r\n\r\n[]")).await
    };
    let current = "/oauth2/account/current/subdomain";
    for (path, header) in [
        (current, format!("X-Refresh-Token: {refresh}")),
        (current, format!("Authorization: Bearer {access}")),
        ("/oauth2/account/subdomain", format!("Authorization: Bearer {access}")),
    ] {
        let answer = ask(path, &header).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let told = answer.json();
        assert_eq!(
            (&told["id"], &told["domain"]),
            (&json!(world.principal.account_id.get()), &json!("127.0.0.1:81"))
        );
        assert!(told["subdomain"].is_string() && told["top_level_domain"].is_string(), "{told}");
    }
    check_problem(&ask(current, "X-Refresh-Token: a.b").await, 401, "Token has been revoked");
    check_problem(&ask(current, "X-None: 1").await, 401, "Token is missing");
}

#[tokio::test]
async fn without_oauth_there_are_no_such_routes() {
    let world = crate::world::World::kommo().await;
    let answer = world.get("/oauth2/account/current/subdomain").await;
    assert_eq!(answer.status, 404);
}
