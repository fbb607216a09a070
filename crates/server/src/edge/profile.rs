//! Fault profiles: which requests suffer what.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::Method;
use incoming_leads_port::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::fault::{Fault, Struck};

/// Rules that a profile may have.
const MAX_RULES: usize = 100;
/// Tokens whose calls are counted at a time. One too many, and the counts begin anew.
const MAX_TOKENS: usize = 10_000;

/// Which requests suffer what: for tests of clients.
///
/// It is a JSON object, and everything in it is optional:
///
/// - `seed`: a number. The same seed and the same sequence of requests make the same faults. Default: 0.
/// - `token_dies_after`: so many calls with one token are let through, all later ones with it are answered 401. A token
///   that was renewed is another token.
/// - `rules`: a list of at most 100. The first rule that strikes a request counts. Each has
///   - `do`: the [`Fault`], and that alone is mandatory;
///   - `methods`: a list of methods. Default: all;
///   - `paths`: a list of paths, in which `*` stands for any text. Default: all;
///   - one of `share` (a probability, 0 to 1), `first` (the first so many that have these methods and paths) and `every`
///     (each so-and-so-manieth of them). Default: always. Shares of rules that have the same methods and paths add up: each
///     request is drawn once;
///   - `carry_out`: whether the request is carried out all the same. Default: false. What is done to the routes' own answer
///     (`delay`, `cut`, `retype`) has it carried out in any case.
///
/// Probes (`/healthz`, `/readyz`) and the control route suffer nothing.
///
/// ```
/// use incoming_leads_server::FaultProfile;
///
/// let profile: FaultProfile = r#"{
///     "seed": 7,
///     "token_dies_after": 200,
///     "rules": [
///         {"do": {"answer": {"status": 429, "retry_after_secs": 1}}, "share": 0.05},
///         {"do": {"answer": {"status": 502}}, "carry_out": true, "share": 0.05, "methods": ["POST", "DELETE"]},
///         {"do": "reset", "first": 3, "paths": ["/api/v4/leads/unsorted/*"]}
///     ]
/// }"#.parse().unwrap();
///
/// let wrong = r#"{"rules": [{"do": "reset"}, {"do": {"answer": {"status": 42}}}]}"#.parse::<FaultProfile>();
/// assert!(wrong.unwrap_err().to_string().starts_with("rules[1].do.answer.status: a status of 200 to 599 is due"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultProfile {
    #[serde(default)]
    seed: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_dies_after: Option<u64>,
    #[serde(default, deserialize_with = "rules")]
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    #[serde(rename = "do")]
    fault: Fault,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    methods: Vec<MethodName>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    paths: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    share: Option<Share>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    every: Option<std::num::NonZeroU64>,
    #[serde(default)]
    carry_out: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64")]
struct Share(f64);

impl TryFrom<f64> for Share {
    type Error = &'static str;

    fn try_from(share: f64) -> Result<Self, &'static str> {
        (0.0..=1.0).contains(&share).then_some(Self(share)).ok_or("a share is a number from 0 to 1")
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct MethodName(Method);

impl TryFrom<String> for MethodName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, &'static str> {
        const WRONG: &str = "a method is due, in capital letters";
        let is_capital = name.bytes().all(|byte| byte.is_ascii_uppercase());
        Method::from_bytes(name.as_bytes()).ok().filter(|_| is_capital).map(Self).ok_or(WRONG)
    }
}

impl From<MethodName> for String {
    fn from(MethodName(method): MethodName) -> Self {
        method.to_string()
    }
}

fn rules<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Vec<Rule>, D::Error> {
    let rules = Vec::<Rule>::deserialize(input)?;
    if rules.len() > MAX_RULES {
        return Err(serde::de::Error::custom(format_args!("at most {MAX_RULES} rules are due")));
    }
    Ok(rules)
}

/// A fault profile that is none: what is wrong where, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidFaultProfile {
    path: String,
    what: String,
}

impl fmt::Display for InvalidFaultProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "." => f.write_str(&self.what),
            path => write!(f, "{path}: {}", self.what),
        }
    }
}

impl std::error::Error for InvalidFaultProfile {}

impl FromStr for FaultProfile {
    type Err = InvalidFaultProfile;

    fn from_str(text: &str) -> Result<Self, InvalidFaultProfile> {
        let mut input = serde_json::Deserializer::from_str(text);
        let profile: Self = serde_path_to_error::deserialize(&mut input).map_err(|error| {
            InvalidFaultProfile { path: error.path().to_string(), what: error.into_inner().to_string() }
        })?;
        input.end().map_err(|error| InvalidFaultProfile { path: ".".to_owned(), what: error.to_string() })?;
        if let Some(path) = list_for_object(text) {
            let what = "an object is due, not a list".to_owned();
            return Err(InvalidFaultProfile { path, what });
        }
        let is_vague = |rule: &Rule| {
            let Rule { share, first, every, .. } = rule;
            [share.is_some(), first.is_some(), every.is_some()].iter().filter(|given| **given).count() > 1
        };
        match profile.rules.iter().position(is_vague) {
            None => Ok(profile),
            Some(index) => Err(InvalidFaultProfile {
                path: format!("rules[{index}]"),
                what: "only one of share, first and every is due".to_owned(),
            }),
        }
    }
}

/// Where a list stands in the place of an object: serde takes it for the fields in their order.
fn list_for_object(text: &str) -> Option<String> {
    let profile: Value = serde_json::from_str(text).ok()?;
    if profile.is_array() {
        return Some(".".to_owned());
    }
    let rules = profile.get("rules").and_then(Value::as_array).into_iter().flatten();
    rules.enumerate().find_map(|(index, rule)| {
        let of_fault = rule.get("do").and_then(Value::as_object).and_then(|fault| fault.values().next());
        match of_fault {
            _ if rule.is_array() => Some(format!("rules[{index}]")),
            Some(Value::Array(_)) => Some(format!("rules[{index}].do")),
            _ => None,
        }
    })
}

impl Rule {
    fn is_about(&self, method: &Method, path: &str) -> bool {
        let Self { methods, paths, .. } = self;
        (methods.is_empty() || methods.iter().any(|MethodName(own)| own == method))
            && (paths.is_empty() || paths.iter().any(|pattern| matches(pattern, path)))
    }
}

/// Whether a path is what a pattern says, `*` being any text.
fn matches(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = path.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

/// The profile that holds now.
#[derive(Debug)]
pub(crate) struct Faults {
    running: Mutex<Option<Arc<Running>>>,
    are_none: AtomicBool,
}

/// A profile, and how far it is.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) profile: FaultProfile,
    /// Requests that came since it holds.
    requests: AtomicU64,
    /// Of each rule: requests that it was about, and those that it struck.
    rules: Vec<Counts>,
    /// Calls with each token.
    tokens: Mutex<HashMap<Digest, u64>>,
}

#[derive(Debug, Default)]
struct Counts {
    about: AtomicU64,
    struck: AtomicU64,
}

impl Faults {
    pub(crate) fn new(profile: Option<FaultProfile>) -> Self {
        let faults = Self { running: Mutex::new(None), are_none: AtomicBool::new(true) };
        faults.set(profile);
        faults
    }

    /// From now on this profile holds, from its beginning.
    pub(crate) fn set(&self, profile: Option<FaultProfile>) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        self.are_none.store(profile.is_none(), Ordering::Relaxed);
        *running = profile.map(|profile| {
            let rules = profile.rules.iter().map(|_| Counts::default()).collect();
            Arc::new(Running {
                profile,
                requests: AtomicU64::new(0),
                rules,
                tokens: Mutex::new(HashMap::new()),
            })
        });
    }

    pub(super) fn are_none(&self) -> bool {
        self.are_none.load(Ordering::Relaxed)
    }

    pub(super) fn running(&self) -> Option<Arc<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What strikes this request, if anything does.
    pub(super) fn strike(&self, method: &Method, path: &str, token: Option<Digest>) -> Option<Struck> {
        if self.are_none() {
            return None;
        }
        self.running()?.strike(method, path, token)
    }
}

impl Running {
    fn strike(&self, method: &Method, path: &str, token: Option<Digest>) -> Option<Struck> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        if token.is_some_and(|token| self.is_dead(token)) {
            return Some(dead_token());
        }
        let drawn = draw(self.profile.seed, number);
        let mut shares = 0.0;
        let mut struck = None;
        // All of them count, also behind the one that strikes.
        for (rule, counts) in self.profile.rules.iter().zip(&self.rules) {
            if !rule.is_about(method, path) {
                continue;
            }
            let about = counts.about.fetch_add(1, Ordering::Relaxed);
            let is_due = match (rule.share, rule.first, rule.every) {
                (Some(Share(share)), _, _) => {
                    let slot = shares..shares + share;
                    shares += share;
                    slot.contains(&drawn)
                }
                (_, Some(first), _) => about < first,
                (_, _, Some(every)) => (about + 1) % every == 0,
                (None, None, None) => true,
            };
            if is_due && struck.is_none() {
                counts.struck.fetch_add(1, Ordering::Relaxed);
                let carry_out = rule.carry_out || rule.fault.is_of_the_answer();
                struck = Some(Struck { fault: rule.fault.clone(), carry_out });
            }
        }
        struck
    }

    fn is_dead(&self, token: Digest) -> bool {
        let Some(calls) = self.profile.token_dies_after else { return false };
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= MAX_TOKENS && !tokens.contains_key(&token) {
            tokens.clear();
        }
        let count = tokens.entry(token).or_insert(0);
        *count += 1;
        *count > calls
    }

    /// Requests that came, and how many each rule struck.
    pub(super) fn counts(&self) -> (u64, Vec<u64>) {
        let struck = self.rules.iter().map(|counts| counts.struck.load(Ordering::Relaxed));
        (self.requests.load(Ordering::Relaxed), struck.collect())
    }
}

/// What the holder of a dead token is answered.
fn dead_token() -> Struck {
    let body = r#"{"title":"Unauthorized","type":"https://httpstatus.es/401","status":401,"detail":"the token has died"}"#;
    let fault = Fault::Answer {
        status: http::StatusCode::UNAUTHORIZED,
        body: Some(body.to_owned()),
        content_type: Some("application/problem+json".to_owned()),
        retry_after_secs: None,
    };
    Struck { fault, carry_out: false }
}

/// A number from 0 to below 1 that depends on seed and number alone, on every machine and in every version.
fn draw(seed: u64, number: u64) -> f64 {
    let hash = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(number.to_le_bytes()).finalize();
    let bits = u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]);
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests;
