//! Those who use the servers: each operation goes to one of them, and what it was told is noted.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use incoming_leads_model::{AccountId, UserId};
use incoming_leads_port::Principal;
use serde_json::Value;

use crate::history::{Added, Decision, Fate, Recorder, What, When};
use crate::http::{Answer, Client, Reply};
use crate::random::Random;

/// The administrator of the demo.
pub(crate) const TOKEN: &str = "demo";
/// The stage of the demo's main pipeline.
const STAGE: u64 = 58_141_803;
/// A lead of the demo that others can be linked to.
const TARGET: u64 = 152_464;
/// Items of a page that is looked for newest leads: of one that shows all, mostly, and of one that does not.
const PAGES: [usize; 2] = [50, 3];
const UNSORTED: &str = "/api/v4/leads/unsorted";

/// Whose it is.
pub(crate) fn principal() -> Principal {
    let (account_id, user_id) = (AccountId::new(31_361_463), UserId::new(8_375_357));
    Principal { account_id: account_id.unwrap(), user_id: user_id.unwrap() }
}

/// One who does one thing after the other.
pub(crate) struct Hand<'a> {
    recorder: &'a Recorder,
    clients: Vec<Client>,
    name: String,
    random: Random,
    is_cut: bool,
    is_unsure: bool,
}

/// What an answer says of whether its request took effect.
enum Heard {
    Answer(Answer),
    Unknown,
    /// It was not sent, or there was no room for it.
    Nothing,
}

/// Chats have keys of their own.
pub(crate) fn is_chat(key: &str) -> bool {
    key.starts_with("chat")
}

impl<'a> Hand<'a> {
    pub(crate) fn new(recorder: &'a Recorder, servers: &[SocketAddr], name: String, seed: u64) -> Self {
        let clients = servers.iter().map(|address| Client::new(*address, TOKEN)).collect();
        Self { recorder, clients, name, random: Random::new(seed), is_cut: false, is_unsure: false }
    }

    /// Whether a server hung up, or was not there any more.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Whether nobody told what became of the last thing.
    pub(crate) fn is_unsure(&self) -> bool {
        self.is_unsure
    }

    pub(crate) fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// The key's lead, or the next message of its chat.
    pub(crate) fn add(&mut self, key: &str) {
        if is_chat(key) {
            self.take_in(key);
        } else {
            self.add_calls(&[key]);
        }
    }

    /// Calls in one batch, which is all or nothing. Whether it took effect, as far as anybody knows.
    pub(crate) fn add_calls(&mut self, keys: &[&str]) -> bool {
        let items: Vec<_> = keys.iter().map(|key| call(key)).collect();
        let (begun, heard) = self.ask("POST", &format!("{UNSORTED}/sip"), &format!("[{}]", items.join(",")));
        let note = |at: usize, told| self.recorder.note(keys[at], &self.name, begun, What::Add(told));
        match heard {
            Heard::Nothing => false,
            Heard::Unknown => {
                (0..keys.len()).for_each(|at| note(at, None));
                let keys = keys.iter().map(|key| (*key).to_owned()).collect();
                self.recorder.told().unknown_batches.push(keys);
                false
            }
            Heard::Answer(answer) if answer.status == 200 => {
                let json = answer.json();
                let made = json["_embedded"]["unsorted"].as_array().map_or(&[][..], |list| list);
                if made.len() != keys.len() {
                    self.recorder.wrong(format!("{} of {} are told", made.len(), keys.len()));
                }
                for (at, item) in made.iter().enumerate() {
                    let Some(uid) = self.made(item) else { continue };
                    note(at, Some(Added::New(uid)));
                }
                true
            }
            Heard::Answer(answer) => {
                let twins = twins(&answer);
                if answer.status != 400 || twins.is_empty() {
                    self.recorder.wrong(format!("an add is answered {} {}", answer.status, answer.text));
                }
                twins.into_iter().for_each(|(at, uid)| note(at, Some(Added::Twin(uid))));
                false
            }
        }
    }

    fn take_in(&mut self, key: &str) {
        let (begun, heard) = self.ask("POST", &format!("{UNSORTED}/chats"), &chat(key));
        let told = match heard {
            Heard::Nothing => return,
            Heard::Unknown => None,
            Heard::Answer(answer) if answer.status == 200 => {
                let Some(uid) = self.made(&answer.json()["_embedded"]["unsorted"][0]) else { return };
                Some(uid)
            }
            Heard::Answer(answer) => {
                return self.recorder.wrong(format!("a chat is answered {} {}", answer.status, answer.text));
            }
        };
        self.recorder.note(key, &self.name, begun, What::TakeIn(told));
    }

    /// The uid of a receipt, whose lead is kept in mind.
    fn made(&self, receipt: &Value) -> Option<String> {
        let (uid, lead) = (receipt["uid"].as_str(), receipt["_embedded"]["leads"][0]["id"].as_u64());
        let (Some(uid), Some(lead)) = (uid, lead) else {
            self.recorder.wrong(format!("a receipt has no uid or no lead: {receipt}"));
            return None;
        };
        self.recorder.told().leads.insert(uid.to_owned(), lead);
        Some(uid.to_owned())
    }

    pub(crate) fn decide(&mut self, key: &str, uid: &str, decision: Decision) {
        let link;
        let (method, verb, body) = match decision {
            Decision::Accept => ("POST", "accept", ""),
            Decision::Decline => ("DELETE", "decline", ""),
            Decision::Link => {
                link = format!(r#"{{"link":{{"entity_id":{TARGET},"entity_type":"leads"}}}}"#);
                ("POST", "link", link.as_str())
            }
        };
        let (begun, heard) = self.ask(method, &format!("{UNSORTED}/{uid}/{verb}"), body);
        let took_effect = match heard {
            Heard::Nothing => return,
            Heard::Unknown => None,
            Heard::Answer(Answer { status: 200, .. }) => Some(true),
            Heard::Answer(Answer { status: 404, .. }) => Some(false),
            Heard::Answer(Answer { status, text, .. }) => {
                return self.recorder.wrong(format!("{verb} is answered {status} {text}"));
            }
        };
        let what = What::Decide { uid: uid.to_owned(), decision, took_effect };
        self.recorder.note(key, &self.name, begun, what);
    }

    /// Whether it waits: by its own address, or by a list that is asked for it.
    pub(crate) fn look(&mut self, key: &str, uid: &str) {
        let target = if self.random.below(2) == 0 {
            format!("{UNSORTED}/{uid}")
        } else {
            format!("{UNSORTED}?filter[uid][]={uid}")
        };
        let (begun, heard) = self.ask("GET", &target, "");
        let Heard::Answer(answer) = heard else { return };
        let waits = match answer.status {
            200 => true,
            204 => false,
            status => return self.recorder.wrong(format!("{target} is answered {status} {}", answer.text)),
        };
        self.recorder.note(key, &self.name, begun, What::Look { uid: uid.to_owned(), waits });
    }

    /// What the first page shows of these keys. Of those that it does not show a full page says nothing: what came in the
    /// same second is in no order that two servers share.
    pub(crate) fn page(&mut self, keys: &[String]) {
        let size = *self.random.one_of(&PAGES);
        let target = format!("{UNSORTED}?limit={size}&order[created_at]=desc");
        let (begun, heard) = self.ask("GET", &target, "");
        let Heard::Answer(answer) = heard else { return };
        let (mut found, mut is_full) = (BTreeMap::new(), false);
        match answer.status {
            200 => {
                let list = answer.json();
                let items = list["_embedded"]["unsorted"].as_array().map_or(0, Vec::len);
                is_full = items >= size;
                if !is_full && list["_links"]["next"].is_object() {
                    self.recorder.wrong(format!("{target} shows {items} though another page follows"));
                }
                self.collect(&list, &mut found);
            }
            204 => {}
            status => return self.recorder.wrong(format!("{target} is answered {status} {}", answer.text)),
        }
        for key in keys {
            let waits = found.remove(key);
            if waits.is_some() || !is_full {
                self.recorder.note(key, &self.name, begun, What::Find { waits });
            }
        }
    }

    /// Declines what still waits of these keys, so that pages do not fill up with what nobody looks at any more.
    pub(crate) fn clear(&mut self, keys: &[String]) {
        let uids: Vec<String> = keys.iter().flat_map(|key| self.recorder.told().uids(key)).collect();
        for uid in uids {
            // Most of them are decided; whatever the answer is, nobody notes it.
            self.clients[0].call("DELETE", &format!("{UNSORTED}/{uid}/decline"), "");
        }
    }

    /// Everything that waits and what became of the rest, of these keys, while nobody else does anything.
    pub(crate) fn audit(&mut self, keys: &[String]) {
        let begun = self.recorder.now();
        let mut found = BTreeMap::new();
        for page in 1.. {
            let target = format!("{UNSORTED}?limit=250&page={page}");
            let answer = self.clients[0].must("GET", &target, "");
            match answer.status {
                200 => self.collect(&answer.json(), &mut found),
                204 => break,
                status => panic!("{target} is answered {status} {}", answer.text),
            }
        }
        for key in keys {
            self.recorder.note(key, &self.name, begun, What::Find { waits: found.remove(key) });
        }
        let mut leads = Vec::new();
        {
            let told = self.recorder.told();
            for key in keys {
                leads.extend(told.uids(key).into_iter().filter_map(|uid| {
                    let lead = *told.leads.get(&uid)?;
                    Some((key, uid, lead))
                }));
            }
        }
        let ids: Vec<_> = leads.iter().map(|(_, _, lead)| *lead).collect();
        let fates = self.fates(&ids);
        for (key, uid, lead) in leads {
            match fates.get(&lead) {
                Some(is) => {
                    self.recorder.note(key, &self.name, begun, What::Fate { uid, is: *is });
                    self.recorder.told().fates.insert(lead, *is);
                }
                None => self.recorder.wrong(format!("lead {lead} of {uid} was told and is not there")),
            }
        }
    }

    /// What became of these leads, as far as they are there.
    pub(crate) fn fates(&mut self, leads: &[u64]) -> BTreeMap<u64, Fate> {
        let mut fates = BTreeMap::new();
        for some in leads.chunks(200) {
            let ids: Vec<_> = some.iter().map(|lead| format!("filter[id][]={lead}")).collect();
            let target = format!("/api/v4/leads?limit=250&{}", ids.join("&"));
            let json = self.clients[0].must("GET", &target, "").json();
            let told = json["_embedded"]["leads"].as_array().map_or(&[][..], |list| list);
            fates.extend(told.iter().filter_map(|lead| Some((lead["id"].as_u64()?, fate(lead)))));
        }
        fates
    }

    /// The uids of a list by key.
    fn collect(&self, list: &Value, found: &mut BTreeMap<String, String>) {
        for item in list["_embedded"]["unsorted"].as_array().into_iter().flatten() {
            let metadata = &item["metadata"];
            let key = metadata["origin"]["chat_id"].as_str().or_else(|| metadata["phone"].as_str());
            let (Some(key), Some(uid)) = (key, item["uid"].as_str()) else { continue };
            if let Some(lead) = item["_embedded"]["leads"][0]["id"].as_u64() {
                self.recorder.told().leads.insert(uid.to_owned(), lead);
            }
            if let Some(other) = found.insert(key.to_owned(), uid.to_owned())
                && key.contains('-')
            {
                self.recorder.wrong(format!("{key} waits twice: {uid} and {other}"));
            }
        }
    }

    fn ask(&mut self, method: &str, target: &str, body: &str) -> (When, Heard) {
        let at = self.random.below(self.clients.len());
        let begun = self.recorder.now();
        let heard = match self.clients[at].call(method, target, body) {
            Reply::NotSent => {
                self.is_cut = true;
                Heard::Nothing
            }
            Reply::Lost => {
                self.is_cut = true;
                Heard::Unknown
            }
            Reply::Told(answer) if answer.status < 500 => Heard::Answer(answer),
            Reply::Told(answer) => {
                let is_damage = answer.status == 500 && self.recorder.may_be_damaged;
                if !is_damage && (answer.status != 503 || !answer.retry_after) {
                    let Answer { status, retry_after, text } = answer;
                    self.recorder.wrong(format!("{status}, Retry-After {retry_after}: {text}"));
                }
                Heard::Unknown
            }
        };
        self.is_unsure = matches!(heard, Heard::Unknown);
        (begun, heard)
    }
}

/// The items that were refused because of a twin, which is told.
fn twins(answer: &Answer) -> Vec<(usize, String)> {
    let json = answer.json();
    let refused = json["validation-errors"].as_array().map_or(&[][..], |list| list);
    let twins = refused.iter().filter_map(|item| {
        let at = item["request_id"].as_str()?.parse().ok()?;
        Some((at, item["errors"][0]["uid"].as_str()?.to_owned()))
    });
    twins.collect()
}

/// What a lead says that became of it.
fn fate(lead: &Value) -> Fate {
    match (lead["is_deleted"].as_bool(), lead["status_id"].as_u64()) {
        (Some(true), _) => Fate::Binned,
        (_, Some(STAGE)) => Fate::Waits,
        _ => Fate::Lives,
    }
}

fn call(key: &str) -> String {
    format!(
        r#"{{"source_name":"PBX","source_uid":"pbx","metadata":{{"from":"14155550101","phone":"{key}","called_at":1751360811,"duration":54,"service_code":"pbx"}},"_embedded":{{"leads":[{{"name":"{key}"}}],"contacts":[{{"name":"Ann"}}]}}}}"#
    )
}

fn chat(key: &str) -> String {
    format!(
        r#"{{"metadata":{{"from":"Ann","received_at":1751360811,"client":{{"name":"Ann"}},"origin":{{"chat_id":"{key}"}},"last_message_text":"Hello?"}},"_embedded":{{"leads":[{{"name":"{key}"}}],"contacts":[{{"name":"Ann"}}]}}}}"#
    )
}
