//! Notes that come with a lead, which an add of v4 has no place for.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use incoming_leads_conformance::fixture::{Named, SORTER};
use incoming_leads_http_v4::{HttpV4, Notes};
use incoming_leads_model::{Add, Draft, ListQuery, NoteDraft};
use incoming_leads_port::{ErrorKind, IncomingLeads as _};
use incoming_leads_transport::{Request, Response, SendError, Transport};
use serde_json::{Value, json};

use crate::world::{World, answer, call};

/// Answers for the address of notes what a vendor's server would, or that there is none; asks the server for all else.
#[derive(Debug)]
struct WithNotes {
    inner: Box<dyn Transport>,
    takes: bool,
    taken: Mutex<Vec<Value>>,
}

#[async_trait]
impl Transport for WithNotes {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        if request.uri().path() != "/api/v4/leads/notes" {
            return self.inner.send(request).await;
        }
        assert_eq!(request.method(), "POST");
        self.taken.lock().unwrap().push(serde_json::from_slice(request.body()).unwrap());
        Ok(if self.takes { answer(200, "application/hal+json", "{}") } else { answer(404, "", "") })
    }
}

fn with_notes() -> Draft {
    let mut draft = call(1);
    let note = NoteDraft {
        kind: Some("7".to_owned()),
        text: Some("Send an invoice".to_owned()),
        ..NoteDraft::default()
    };
    draft.leads[0].notes = vec![note, NoteDraft::default()];
    draft
}

#[tokio::test]
async fn texts_of_notes_are_put_on_the_lead_that_was_made() {
    for takes in [true, false] {
        let world = World::of(Named::Standard).await;
        let inner = Box::new(world.network(SORTER));
        let transport = Arc::new(WithNotes { inner, takes, taken: Mutex::default() });
        let builder = HttpV4::builder(world.server.url()).with_notes(Notes::Carry);
        let leads = builder.over(Arc::clone(&transport)).unwrap();
        let receipts = leads.add(&Add::calls(vec![with_notes(), call(2)])).await.unwrap();
        let lead = receipts[0].leads.as_ref().unwrap()[0].get();
        let note = json!({"entity_id": lead, "note_type": "common", "params": {"text": "Send an invoice"}});
        assert_eq!(*transport.taken.lock().unwrap(), [json!([note])]);
    }
}

#[tokio::test]
async fn notes_are_refused_unless_they_are_to_be_carried() {
    let world = World::of(Named::Standard).await;
    let leads = HttpV4::builder(world.server.url()).over(world.network(SORTER)).unwrap();
    let error = leads.add(&Add::calls(vec![with_notes()])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let waiting = leads.list(&ListQuery::default()).await.unwrap().items;
    assert!(waiting.iter().all(|lead| lead.source_uid != Some(Some("pbx".to_owned()))));
}
