//! Notes that come with a lead, put on it by a call of their own.

use incoming_leads_model::{Add, LeadId, Receipt};
use incoming_leads_port::Operation;
use incoming_leads_wire_v4::{Failure, entity};

use crate::client::HttpV4;
use crate::error::Sent;

impl HttpV4 {
    /// Puts the texts of notes on the leads that were made. The add has succeeded, so what cannot be put there is lost:
    /// all that is left to do is to say so.
    pub(crate) async fn carry_notes(&self, add: &Add, receipts: &[Receipt]) {
        let mut texts: Vec<(LeadId, &str)> = Vec::new();
        let mut lost = 0;
        for (draft, receipt) in add.items.iter().zip(receipts) {
            let lead = receipt.leads.iter().flatten().next();
            for note in draft.leads.iter().flat_map(|lead| &lead.notes) {
                match (lead, &note.text) {
                    (Some(lead), Some(text)) => texts.push((*lead, text)),
                    _ => lost += 1,
                }
            }
        }
        if !texts.is_empty() {
            let request = entity::add_notes_request(&texts, self.origin());
            let read = |_: &_| Ok::<_, Failure>(());
            // A question: whether a note is there twice is nobody's business but its reader's.
            let put = self.inner.exchange.ask(Operation::Directory, Sent::Entity, request, read).await;
            if let Err(error) = put {
                tracing::warn!(%error, lost = texts.len(), "notes of added leads are lost");
            }
        }
        if lost > 0 {
            tracing::warn!(lost, "notes without a text, or of leads that were not told, are lost");
        }
    }
}
