//! Tokens: one renewal, whoever needs it; nothing lost when somebody dies.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use http::header::AUTHORIZATION;
use http::{Method, StatusCode};
use incoming_leads_transport::tokens::{
    FileStore, Grant, MemoryStore, OAuth, Secret, Stored, TokenSource, TokenStore, TokenStoreError,
};
use incoming_leads_transport::{
    Arrival, Authorized, Request, Response, SendError, SendErrorKind, SimulatedTime, SystemTime, Time,
    Transport,
};

use crate::limits::folder;
use crate::script::{request, status};

const START: Duration = Duration::from_secs(1_700_000_000);

/// A service whose refresh tokens work once and whose access tokens are numbered.
#[derive(Debug)]
struct Service {
    generation: AtomicU64,
    renewals: AtomicU64,
    lose_next_answer: Mutex<bool>,
}

impl Service {
    fn new() -> Arc<Self> {
        let (generation, renewals, lose_next_answer) =
            (AtomicU64::new(1), AtomicU64::new(0), Mutex::new(false));
        Arc::new(Self { generation, renewals, lose_next_answer })
    }

    /// The access token of today dies.
    fn kill_access(&self) {
        self.generation.fetch_add(1_000, Ordering::SeqCst);
    }

    fn renew(&self, body: &[u8]) -> Result<Response, SendError> {
        let asked: serde_json::Value = serde_json::from_slice(body).unwrap();
        assert_eq!(
            (&asked["grant_type"], &asked["client_secret"]),
            (&"refresh_token".into(), &"hush".into())
        );
        let renewals = self.renewals.load(Ordering::SeqCst);
        if asked["refresh_token"] != format!("refresh-{renewals}") {
            let body = br#"{"hint":"Token has been revoked","title":"x","status":401,"detail":"y"}"#.to_vec();
            return Ok(http::Response::builder().status(401).body(body).unwrap());
        }
        self.renewals.fetch_add(1, Ordering::SeqCst);
        let access = self.generation.fetch_add(1, Ordering::SeqCst) + 1;
        if std::mem::take(&mut *self.lose_next_answer.lock().unwrap()) {
            return Err(SendError::new(SendErrorKind::Broken, Arrival::Perhaps));
        }
        let refresh = renewals + 1;
        let body = format!(
            r#"{{"access_token":"access-{access}","refresh_token":"refresh-{refresh}","expires_in":86400}}"#
        );
        Ok(Response::new(body.into_bytes()))
    }
}

#[async_trait]
impl Transport for Service {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        tokio::task::yield_now().await;
        if request.uri().path() == "/oauth2/access_token" {
            let answer = self.renew(request.body());
            // The answer is on its way: whoever gives up now must not lose it.
            tokio::task::yield_now().await;
            return answer;
        }
        let good = format!("Bearer access-{}", self.generation.load(Ordering::SeqCst));
        let is_good = request.headers().get(AUTHORIZATION).is_some_and(|value| value == good.as_str());
        Ok(status(if is_good { StatusCode::OK } else { StatusCode::UNAUTHORIZED }))
    }
}

fn grant() -> Grant {
    Grant {
        access_token: Secret::new("access-1"),
        refresh_token: Some(Secret::new("refresh-0")),
        expires_at_secs: Some(START.as_secs() + 86_400),
    }
}

/// Of which no clock is asked. Where many wait at once, the time is the system's: simulated time passes faster the
/// more of them wait, and a lease would run out under a renewal that a busy machine delays.
fn lasting_grant() -> Grant {
    Grant { expires_at_secs: None, ..grant() }
}

fn client(
    service: &Arc<Service>,
    store: Arc<dyn TokenStore>,
    time: &Arc<impl Time>,
) -> Authorized<Arc<Service>> {
    Authorized::new(service.clone(), Arc::new(oauth(service, store, time)))
}

fn oauth(service: &Arc<Service>, store: Arc<dyn TokenStore>, time: &Arc<impl Time>) -> OAuth<Arc<Service>> {
    let endpoint = "https://example.kommo.com/oauth2/access_token".parse().unwrap();
    OAuth::new(service.clone(), endpoint, store, time.clone()).with_integration(
        "id",
        Secret::new("hush"),
        "https://example.com/back",
    )
}

fn time() -> Arc<SimulatedTime> {
    Arc::new(SimulatedTime::starting_at(START))
}

async fn status_of(client: &impl Transport) -> StatusCode {
    client.send(request(Method::POST)).await.unwrap().status()
}

#[tokio::test]
async fn a_living_token_is_used_as_it_is() {
    let service = Service::new();
    let client = client(&service, Arc::new(MemoryStore::new(grant())), &time());
    assert_eq!(status_of(&client).await, StatusCode::OK);
    assert_eq!(service.renewals.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_token_is_renewed_shortly_before_it_dies() {
    let (service, time) = (Service::new(), time());
    let client = client(&service, Arc::new(MemoryStore::new(grant())), &time);
    time.sleep(Duration::from_secs(86_400 - 59)).await;
    assert_eq!(status_of(&client).await, StatusCode::OK);
    assert_eq!(status_of(&client).await, StatusCode::OK);
    assert_eq!(service.renewals.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_that_meet_a_dead_token_renew_it_once() {
    let service = Service::new();
    let store = Arc::new(MemoryStore::new(lasting_grant()));
    let client = Arc::new(client(&service, store, &Arc::new(SystemTime)));
    for round in 1..=5 {
        service.kill_access();
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { status_of(&client).await })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), StatusCode::OK);
        }
        assert_eq!(service.renewals.load(Ordering::SeqCst), round);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_share_a_file_renew_once() {
    let (service, folder) = (Service::new(), folder("tokens"));
    let path = folder.join("grant.json");
    FileStore::create(&path, lasting_grant()).unwrap();
    for round in 1..=5 {
        service.kill_access();
        let processes: Vec<_> = (0..4)
            .map(|_| {
                let client = client(&service, Arc::new(FileStore::open(&path)), &Arc::new(SystemTime));
                tokio::spawn(async move { status_of(&client).await })
            })
            .collect();
        for process in processes {
            assert_eq!(process.await.unwrap(), StatusCode::OK);
        }
        assert_eq!(service.renewals.load(Ordering::SeqCst), round);
    }
    is_private(&path);
}

#[cfg(unix)]
fn is_private(path: &Path) {
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[cfg(not(unix))]
fn is_private(_: &Path) {}

#[tokio::test]
async fn a_lease_of_somebody_who_died_runs_out() {
    let (service, time) = (Service::new(), time());
    let store = Arc::new(MemoryStore::new(grant()));
    let until = u64::try_from((START + Duration::from_secs(30)).as_millis()).unwrap();
    let leased = Stored { version: 1, grant: grant(), leased_until_millis: Some(until) };
    assert!(store.swap(0, leased).await.unwrap());
    service.kill_access();
    assert_eq!(status_of(&client(&service, store, &time)).await, StatusCode::OK);
    assert!(time.now() >= START + Duration::from_secs(30), "the lease was waited for");
}

#[tokio::test]
async fn a_caller_that_gives_up_does_not_take_the_renewed_grant_along() {
    let (service, time) = (Service::new(), time());
    let store = Arc::new(MemoryStore::new(grant()));
    let caller = Arc::new(client(&service, store.clone(), &time));
    service.kill_access();
    let asking = tokio::spawn({
        let caller = caller.clone();
        async move { status_of(&*caller).await }
    });
    while service.renewals.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    assert_eq!(status_of(&*caller).await, StatusCode::OK);
    assert_eq!(service.renewals.load(Ordering::SeqCst), 1);
    assert_eq!(store.load().await.unwrap().grant.refresh_token, Some(Secret::new("refresh-1")));
}

#[tokio::test]
async fn a_dead_grant_is_told_with_what_to_do_and_gives_its_lease_back() {
    let (service, time) = (Service::new(), time());
    let store = Arc::new(MemoryStore::new(grant()));
    let client = client(&service, store.clone(), &time);
    service.kill_access();
    *service.lose_next_answer.lock().unwrap() = true;
    let lost = client.send(request(Method::POST)).await.unwrap_err();
    assert_eq!(lost.arrival(), Arrival::No, "the request itself was answered 401");
    let dead = client.send(request(Method::POST)).await.unwrap_err();
    assert_eq!((dead.kind(), dead.arrival()), (SendErrorKind::Unauthorized, Arrival::No));
    assert!(
        dead.to_string().contains("Token has been revoked") && dead.to_string().contains("sign in again")
    );
    assert_eq!(store.load().await.unwrap().leased_until_millis, None);
}

/// A store in which another process puts this in the place of our lease while we ask for a renewal.
#[derive(Debug)]
struct Overtaken(MemoryStore, Stored);

#[async_trait]
impl TokenStore for Overtaken {
    async fn load(&self) -> Result<Stored, TokenStoreError> {
        self.0.load().await
    }

    async fn swap(&self, expected: u64, new: Stored) -> Result<bool, TokenStoreError> {
        let is_lease = new.leased_until_millis.is_some();
        let swapped = self.0.swap(expected, new.clone()).await?;
        if is_lease {
            self.0.swap(new.version, self.1.clone()).await?;
        }
        Ok(swapped)
    }
}

#[tokio::test]
async fn a_refused_renewal_reads_the_store_again_before_it_calls_the_grant_dead() {
    let service = Service::new();
    service.renewals.store(7, Ordering::SeqCst); // so our refresh token is refused
    let (access_token, refresh_token) = (Secret::new("other"), Some(Secret::new("r")));
    let anew = Grant { access_token, refresh_token, ..grant() };
    let anew = Stored { version: 99, grant: anew, leased_until_millis: None };
    let store = Arc::new(Overtaken(MemoryStore::new(grant()), anew));
    let token = oauth(&service, store, &time()).renewed(&Secret::new("access-1")).await.unwrap();
    assert_eq!(token.unwrap().reveal(), "other");
}

#[tokio::test]
async fn a_renewal_that_outlives_its_lease_is_kept() {
    let taken_over = Stored { version: 2, grant: grant(), leased_until_millis: Some(u64::MAX) };
    let store = Arc::new(Overtaken(MemoryStore::new(grant()), taken_over));
    let token =
        oauth(&Service::new(), store.clone(), &time()).renewed(&Secret::new("access-1")).await.unwrap();
    assert_eq!(token.unwrap().reveal(), "access-2");
    let kept = store.load().await.unwrap();
    assert_eq!((kept.version, kept.leased_until_millis), (3, None));
    assert_eq!(kept.grant.refresh_token.unwrap().reveal(), "refresh-1", "the one before is used up");
}

#[tokio::test]
async fn a_new_sign_in_is_not_undone_by_who_has_read_the_old_grant() {
    let path = folder("anew").join("grant.json");
    let old = FileStore::create(&path, grant()).unwrap().load().await.unwrap();
    let anew = Grant { access_token: Secret::new("anew"), ..grant() };
    let store = FileStore::create(&path, anew.clone()).unwrap();
    assert!(!store.swap(old.version, old).await.unwrap());
    assert_eq!(store.load().await.unwrap().grant, anew);
}

#[tokio::test]
async fn a_long_lived_token_has_no_other() {
    let service = Service::new();
    let client = Authorized::new(service.clone(), Arc::new(Secret::new("wrong")));
    assert_eq!(status_of(&client).await, StatusCode::UNAUTHORIZED);
    let client = Authorized::new(service, Arc::new(Secret::new("line\nbreak")));
    assert_eq!(client.send(request(Method::GET)).await.unwrap_err().kind(), SendErrorKind::Request);
}

#[tokio::test]
async fn an_empty_or_damaged_store_is_an_error_without_secrets() {
    let path = folder("damaged").join("grant.json");
    let store = FileStore::open(&path);
    store.load().await.unwrap_err();
    std::fs::write(&path, r#"{"version":0,"grant":{"access_token":["topsecret"]}}"#).unwrap();
    let error = store.load().await.unwrap_err();
    assert!(!format!("{error:?}").contains("topsecret"), "{error:?}");
}

#[test]
fn secrets_do_not_show() {
    let stored = Stored { version: 0, grant: grant(), leased_until_millis: None };
    let shown =
        format!("{stored:?} {:?}", oauth(&Service::new(), Arc::new(MemoryStore::new(grant())), &time()));
    for secret in ["access-1", "refresh-0", "hush"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
