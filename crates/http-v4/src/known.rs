//! What earlier answers told of incoming leads: a bounded memory, and so the evidence of later ones.

use std::sync::atomic::{AtomicU64, Ordering};

use incoming_leads_model::{Add, CompanyId, ContactId, Entity, IncomingLead, LeadId, Receipt, Uid};
use quick_cache::sync::Cache;

/// A moment in the life of this memory: later ones are larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark(u64);

/// What is known of one incoming lead.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// When it was first told of.
    pub(crate) since: Mark,
    /// Whether its lead was made with it, where that is known.
    pub(crate) is_made: Option<bool>,
    /// All that was told.
    pub(crate) receipt: Receipt,
}

/// The memory.
#[derive(Debug)]
pub(crate) struct Memory {
    leads: Cache<Uid, Known>,
    next: AtomicU64,
}

impl Memory {
    pub(crate) fn new(most: usize) -> Self {
        Self { leads: Cache::new(most), next: AtomicU64::new(0) }
    }

    /// Whatever is told from here on is told after this mark.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.next.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn get(&self, uid: &Uid) -> Option<Known> {
        self.leads.get(uid)
    }

    /// A list or a detail told of it.
    pub(crate) fn told(&self, lead: &IncomingLead) {
        self.put(receipt_of(lead), None);
    }

    /// These are the receipts of what was added.
    pub(crate) fn added(&self, add: &Add, receipts: &[Receipt]) {
        for (draft, receipt) in add.items.iter().zip(receipts) {
            let mut receipt = receipt.clone();
            receipt.category = receipt.category.or(Some(add.channel.category()));
            receipt.pipeline_id = receipt.pipeline_id.or(draft.pipeline_id);
            receipt.created_at = receipt.created_at.or(draft.created_at);
            let is_existing = draft.leads.iter().any(|lead| lead.id.is_some());
            self.put(receipt, Some(!is_existing));
        }
    }

    fn put(&self, receipt: Receipt, is_made: Option<bool>) {
        let known = self.leads.get(&receipt.uid);
        let since = known.as_ref().map_or_else(|| self.mark(), |known| known.since);
        let is_made = is_made.or(known.and_then(|known| known.is_made));
        self.leads.insert(receipt.uid.clone(), Known { since, is_made, receipt });
    }
}

impl Known {
    /// The incoming lead's own lead, contact and company.
    pub(crate) fn lead(&self) -> Option<LeadId> {
        self.receipt.leads.iter().flatten().next().copied()
    }

    pub(crate) fn contact(&self) -> Option<ContactId> {
        self.receipt.contacts.iter().flatten().next().copied()
    }

    pub(crate) fn company(&self) -> Option<CompanyId> {
        self.receipt.companies.iter().flatten().next().copied()
    }
}

/// What a receipt would have told.
pub(crate) fn receipt_of(lead: &IncomingLead) -> Receipt {
    fn ids<I: Copy, C>(entities: Option<&Vec<Entity<I, C>>>) -> Option<Vec<I>> {
        entities.map(|entities| entities.iter().filter_map(|entity| entity.id).collect())
    }
    Receipt {
        account_id: lead.account_id,
        category: Some(lead.category()),
        pipeline_id: lead.pipeline_id,
        created_at: Some(lead.created_at),
        leads: ids(lead.leads.as_ref()),
        contacts: ids(lead.contacts.as_ref()),
        companies: ids(lead.companies.as_ref()),
        ..Receipt::of(lead.uid.clone())
    }
}
