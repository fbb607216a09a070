//! What a client does all day, and what it was told of each call.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use incoming_leads_conformance::fixture::{CUSTOMER, LATER, TARGET_LEAD};
use incoming_leads_http_v4::HttpV4;
use incoming_leads_model::{
    Accept, Add, Card, ContactDraft, Decline, Draft, LeadDraft, Link, LinkTarget, ListQuery, Metadata,
    Moment, Receipt, SipMetadata, SummaryQuery, Uid, UserId,
};
use incoming_leads_port::{Error, IncomingLeads, Outcome};
use incoming_leads_transport::Time;
use serde::{Deserialize, Serialize};

/// What may become of an incoming lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fate {
    Accepted,
    Declined,
    Linked,
}

/// One call of the port.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Call {
    /// Items with these marks; whether they have the moment that tells them from others.
    Add { marks: Vec<String>, has_moment: bool },
    /// A decision on a lead; whether nobody else decides on it.
    Decide { uid: String, fate: Fate, is_own: bool },
    /// A question.
    Ask,
}

/// What the client was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Verdict {
    /// It is done, and these are the uids.
    Done(Vec<String>),
    /// It surely is not done.
    NotApplied(String),
    /// Nobody knows.
    Unknown(String),
    /// An answer that cannot be true.
    Wrong(String),
}

/// A call, by whom, and what came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) user: u64,
    pub(crate) call: Call,
    pub(crate) verdict: Verdict,
}

/// A client at work.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) leads: HttpV4,
    pub(crate) user: UserId,
    /// What the marks of its leads begin with.
    pub(crate) name: String,
    pub(crate) random: fastrand::Rng,
    pub(crate) time: Arc<dyn Time>,
    /// How long it looks at a lead before it decides: as long as a request may stray.
    pub(crate) patience: Duration,
    /// Leads that wait and that nobody else decides on.
    pub(crate) waiting: Vec<Uid>,
    /// Chats that wait and that nobody else decides on.
    pub(crate) chats: Vec<Uid>,
    /// Leads that others decide on as well.
    pub(crate) shared: Arc<Mutex<Vec<Uid>>>,
    /// How many of a hundred leads it shares.
    pub(crate) shares: u8,
    decided: Vec<(Uid, Fate)>,
    /// What it has decided on among others; a second time would not be told from the first.
    tried: HashSet<Uid>,
    items: u64,
}

impl Worker {
    pub(crate) fn new(leads: HttpV4, user: UserId, name: &str, seed: u64, time: Arc<dyn Time>) -> Self {
        Self {
            leads,
            user,
            name: name.to_owned(),
            random: fastrand::Rng::with_seed(seed),
            time,
            patience: Duration::ZERO,
            waiting: Vec::new(),
            chats: Vec::new(),
            shared: Arc::default(),
            shares: 0,
            decided: Vec::new(),
            tried: HashSet::new(),
            items: 0,
        }
    }

    /// Does one thing.
    pub(crate) async fn call(&mut self) -> Told {
        let (call, verdict) = match self.random.u8(0..100) {
            0..35 => self.add(true).await,
            35..40 => self.add(false).await,
            40..58 => self.decide_own(Fate::Accepted).await,
            58..70 => self.decide_own(Fate::Declined).await,
            70..75 => self.link().await,
            75..80 => self.decide_again().await,
            80..86 => self.decide_shared().await,
            86..94 => (Call::Ask, self.get().await),
            94..97 => (Call::Ask, asked(self.leads.list(&ListQuery::default()).await)),
            _ => (Call::Ask, asked(self.leads.summary(&SummaryQuery::default()).await)),
        };
        Told { user: self.user.get(), call, verdict }
    }

    async fn add(&mut self, has_moment: bool) -> (Call, Verdict) {
        let count = if has_moment { self.random.usize(1..=3) } else { 1 };
        let marks: Vec<_> = (0..count)
            .map(|_| {
                self.items += 1;
                format!("{}-{}", self.name, self.items)
            })
            .collect();
        let items = marks.iter().map(|mark| draft(mark, has_moment)).collect();
        let verdict = match self.leads.add(&Add::calls(items)).await {
            Ok(receipts) => {
                for receipt in &receipts {
                    if self.random.u8(0..100) < self.shares {
                        self.shared.lock().unwrap().push(receipt.uid.clone());
                    } else {
                        self.waiting.push(receipt.uid.clone());
                    }
                }
                Verdict::Done(receipts.into_iter().map(|receipt| receipt.uid.to_string()).collect())
            }
            Err(error) => failed(&error),
        };
        (Call::Add { marks, has_moment }, verdict)
    }

    async fn decide_own(&mut self, fate: Fate) -> (Call, Verdict) {
        if self.waiting.is_empty() {
            return self.add(true).await;
        }
        let uid = self.waiting.swap_remove(self.random.usize(0..self.waiting.len()));
        self.decide(uid, fate, true).await
    }

    async fn link(&mut self) -> (Call, Verdict) {
        // What was never told of leaves no evidence, so it looks first.
        let seen = match self.chats.pop() {
            Some(uid) => self.leads.get(&uid).await.is_ok_and(|lead| lead.is_some()).then_some(uid),
            None => None,
        };
        match seen {
            Some(uid) => self.decide(uid, Fate::Linked, true).await,
            None => self.decide_own(Fate::Accepted).await,
        }
    }

    async fn decide_shared(&mut self) -> (Call, Verdict) {
        let uid = {
            let mut shared = self.shared.lock().unwrap();
            let count = shared.len();
            // It stays there now and then, so that another one tries as well.
            match count {
                0 => None,
                _ if self.random.bool() => Some(shared[self.random.usize(0..count)].clone()),
                _ => Some(shared.swap_remove(self.random.usize(0..count))),
            }
        };
        let fate = if self.random.bool() { Fate::Accepted } else { Fate::Declined };
        match uid {
            Some(uid) if self.tried.insert(uid.clone()) => self.decide(uid, fate, false).await,
            _ => self.decide_own(fate).await,
        }
    }

    /// What was decided cannot be decided otherwise.
    async fn decide_again(&mut self) -> (Call, Verdict) {
        let Some((uid, fate)) = self.decided.pop() else { return self.add(true).await };
        let other = if fate == Fate::Accepted { Fate::Declined } else { Fate::Accepted };
        self.decide(uid, other, true).await
    }

    async fn decide(&mut self, uid: Uid, fate: Fate, is_own: bool) -> (Call, Verdict) {
        self.time.sleep(self.patience).await;
        let decided = match fate {
            Fate::Accepted => {
                let status_id = self.random.bool().then_some(LATER);
                self.leads.accept(&uid, &Accept { user_id: None, status_id }).await
            }
            Fate::Declined => self.leads.decline(&uid, &Decline::default()).await,
            Fate::Linked => {
                let target = if self.random.bool() {
                    LinkTarget::Lead(TARGET_LEAD)
                } else {
                    LinkTarget::Customer(CUSTOMER)
                };
                self.leads.link(&uid, &Link { target, contact_id: None, user_id: None }).await
            }
        };
        let verdict = match decided {
            Ok(Receipt { uid: told, .. }) => {
                if is_own {
                    self.decided.push((uid.clone(), fate));
                }
                Verdict::Done(vec![told.to_string()])
            }
            Err(error) => failed(&error),
        };
        (Call::Decide { uid: uid.to_string(), fate, is_own }, verdict)
    }

    /// What waits is told of, what was decided is not.
    async fn get(&mut self) -> Verdict {
        let waits = self.random.bool();
        let uid = if waits { self.waiting.last() } else { self.decided.last().map(|(uid, _)| uid) };
        let Some(uid) = uid else { return Verdict::Done(Vec::new()) };
        match self.leads.get(uid).await {
            Ok(told) if told.is_some() == waits => Verdict::Done(Vec::new()),
            Ok(told) => Verdict::Wrong(format!("{uid}: told {}, waits {waits}", told.is_some())),
            Err(error) => failed(&error),
        }
    }
}

fn asked<T>(answer: Result<T, Error>) -> Verdict {
    answer.map_or_else(|error| failed(&error), |_| Verdict::Done(Vec::new()))
}

fn failed(error: &Error) -> Verdict {
    let text = format!("{:?}: {error}", error.kind());
    match error.outcome() {
        Outcome::NotApplied => Verdict::NotApplied(text),
        Outcome::Unknown => Verdict::Unknown(text),
    }
}

/// A call that can be told from all others by its mark; without its moment the rules take it for none of them.
fn draft(mark: &str, has_moment: bool) -> Draft {
    let called_at = has_moment.then(|| Moment::from_secs(1_700_000_000).unwrap());
    let metadata = SipMetadata { from: Some(mark.to_owned()), called_at, ..SipMetadata::default() };
    let card = Card { name: Some("Ann".to_owned()), ..Card::default() };
    Draft {
        source_name: Some("PBX".to_owned()),
        source_uid: Some(mark.to_owned()),
        metadata: Some(Metadata::Sip(metadata)),
        leads: vec![LeadDraft { card: card.clone(), ..LeadDraft::default() }],
        contacts: vec![ContactDraft { card, ..ContactDraft::default() }],
        ..Draft::default()
    }
}
