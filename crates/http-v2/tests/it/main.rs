//! The port over v2 HTTP, before servers that answer by a script.

#![expect(clippy::unwrap_used, reason = "a test may panic, also in its helpers")]

mod answers;
mod reconcile;
mod sign_in;
mod told;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use incoming_leads_http_v2::{HttpV2, HttpV2Builder};
use incoming_leads_model::{Draft, Metadata, Moment, SipMetadata, Uid};
use incoming_leads_transport::{
    Arrival, Request, Response, SendError, SendErrorKind, SimulatedTime, Transport,
};

/// Answers in turn, the last one for ever, and keeps what was asked.
#[derive(Debug)]
struct Script {
    answers: Mutex<VecDeque<Say>>,
    asked: Mutex<Vec<Request>>,
}

/// What a server does.
#[derive(Debug, Clone)]
enum Say {
    /// Answers with this status and body.
    This(u16, String),
    /// Nobody knows whether the request arrived.
    Lost,
}

fn say(status: u16, body: &str) -> Say {
    Say::This(status, body.to_owned())
}

impl Script {
    fn new(answers: impl IntoIterator<Item = Say>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), asked: Mutex::default() })
    }

    /// Methods and targets of what was asked.
    fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .map(|asked| format!("{} {}", asked.method(), asked.uri().path_and_query().unwrap()))
            .collect()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        self.asked.lock().unwrap().push(request);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        match answer.unwrap() {
            Say::This(status, body) => {
                let mut response = Response::new(body.into_bytes());
                *response.status_mut() = status.try_into().unwrap();
                Ok(response)
            }
            Say::Lost => Err(SendError::new(SendErrorKind::Broken, Arrival::Perhaps)),
        }
    }
}

fn builder() -> HttpV2Builder {
    HttpV2::builder("https://example.amocrm.com").with_time(Arc::new(SimulatedTime::default()))
}

/// The port before a server that does this.
fn before(answers: impl IntoIterator<Item = Say>) -> (HttpV2, Arc<Script>) {
    let script = Script::new(answers);
    (builder().over(Arc::clone(&script)).unwrap(), script)
}

fn uid(text: &str) -> Uid {
    Uid::new(text).unwrap()
}

/// A call that can be told from others by its number.
fn call(number: u64) -> Draft {
    let metadata = SipMetadata {
        from: Some(number.to_string()),
        called_at: Some(Moment::from_secs(7).unwrap()),
        ..SipMetadata::default()
    };
    Draft {
        source_name: Some("PBX".to_owned()),
        source_uid: Some("pbx".to_owned()),
        metadata: Some(Metadata::Sip(metadata)),
        ..Draft::default()
    }
}
