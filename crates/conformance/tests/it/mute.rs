//! An adapter that can do and tell no more than it must.

use std::sync::Arc;

use async_trait::async_trait;
use incoming_leads_conformance::script::{self, Settings};
use incoming_leads_conformance::{Fixture, Instance, Kit, Outcome, Skip, Subject, cases};
use incoming_leads_model::{
    Accept, Add, Decline, IncomingLead, Link, ListQuery, More, OrderKey, Page, Receipt, Summary,
    SummaryQuery, Uid,
};
use incoming_leads_port::{Capabilities, Error, ErrorKind, IncomingLeads, Operation, Ports, Result};

use crate::{in_memory, runtime};

#[test]
fn adapter_that_tells_little_and_says_so_passes_the_table() {
    let mut passed = Vec::new();
    let kit = Kit::new(MuteSubject);
    for case in cases() {
        match runtime().block_on(kit.run(case)) {
            Outcome::Passed => passed.push(case.id),
            Outcome::Inapplicable(_) => {}
            Outcome::Absent(what) | Outcome::Failed(what) => panic!("{}: {what}", case.id),
        }
    }
    for id in [
        "get::unsupported",
        "link::unsupported",
        "list::by_uid_unsupported",
        "list::updated_at_unsupported",
        "summary::by_uid_unsupported",
        "summary::by_pipeline_unsupported",
    ] {
        assert!(passed.contains(&id), "{id}");
    }
    assert!(passed.len() > 85, "{} cases are left for such an adapter", passed.len());
}

#[test]
fn adapter_that_tells_little_agrees_with_the_oracle() {
    assert_eq!(script::run(&MuteSubject, &runtime(), Settings::new(60, 1)), Outcome::Passed);
}

#[derive(Debug)]
struct MuteSubject;

#[async_trait]
impl Subject for MuteSubject {
    async fn fresh(&self, fixture: &Fixture) -> std::result::Result<Instance, Skip> {
        let instance = in_memory(fixture).await;
        Ok(instance.map(|ports| Ports::new(Arc::new(Mute(ports.incoming)))))
    }
}

#[derive(Debug)]
struct Mute(Arc<dyn IncomingLeads>);

/// The error without its refusal.
fn bare(error: Error) -> Error {
    Error::new(error.kind(), error.operation()).with_outcome(error.outcome())
}

fn supported(operation: Operation, is_supported: bool) -> Result<()> {
    if is_supported { Ok(()) } else { Err(Error::new(ErrorKind::Unsupported, operation)) }
}

fn receipt(receipt: Receipt) -> Receipt {
    Receipt::of(receipt.uid)
}

#[async_trait]
impl IncomingLeads for Mute {
    fn capabilities(&self) -> Capabilities {
        let mut able = Capabilities::ALL;
        let all = [
            &mut able.get,
            &mut able.link,
            &mut able.list_by_uid,
            &mut able.order_by_updated_at,
            &mut able.summary_by_uid,
            &mut able.summary_by_pipeline,
            &mut able.tells_declined,
            &mut able.tells_linked,
            &mut able.tells_cards,
            &mut able.tells_ids,
            &mut able.tells_updated_at,
            &mut able.tells_more,
        ];
        all.into_iter().for_each(|ability| *ability = false);
        able
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        supported(Operation::List, query.filter.uids.is_none() && query.order.key == OrderKey::CreatedAt)?;
        let page = self.0.list(query).await.map_err(bare)?;
        let is_full = page.items.len() == query.page.size() as usize;
        let items = page.items.into_iter().map(|lead| IncomingLead {
            account_id: None,
            source_name: None,
            source_uid: None,
            pipeline_id: None,
            updated_at: None,
            leads: None,
            contacts: None,
            companies: None,
            ..lead
        });
        Ok(Page { items: items.collect(), more: if is_full { More::Perhaps } else { More::No } })
    }

    async fn get(&self, _: &Uid) -> Result<Option<IncomingLead>> {
        Err(Error::new(ErrorKind::Unsupported, Operation::Get))
    }

    async fn add(&self, add: &Add) -> Result<Vec<Receipt>> {
        let receipts = self.0.add(add).await.map_err(bare)?;
        Ok(receipts.into_iter().map(receipt).collect())
    }

    async fn accept(&self, uid: &Uid, accept: &Accept) -> Result<Receipt> {
        self.0.accept(uid, accept).await.map(receipt).map_err(bare)
    }

    async fn decline(&self, uid: &Uid, decline: &Decline) -> Result<Receipt> {
        self.0.decline(uid, decline).await.map(receipt).map_err(bare)
    }

    async fn link(&self, _: &Uid, _: &Link) -> Result<Receipt> {
        Err(Error::new(ErrorKind::Unsupported, Operation::Link))
    }

    async fn summary(&self, query: &SummaryQuery) -> Result<Summary> {
        supported(Operation::Summary, query.uids.is_none() && query.pipelines.is_none())?;
        let summary = self.0.summary(query).await.map_err(bare)?;
        Ok(Summary { declined: None, linked: None, ..summary })
    }
}
