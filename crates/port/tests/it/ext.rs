//! Streams and conveniences.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use futures_util::future::FutureExt;
use incoming_leads_model::{
    Accept, Add, Category, Decline, Draft, IncomingLead, Link, ListQuery, Metadata, Moment, More, Page,
    PageRequest, Receipt, Summary, SummaryQuery, Tally, Uid,
};
use incoming_leads_port::{Capabilities, ErrorKind, IncomingLeads, IncomingLeadsExt, Operation, Result};

/// A list of leads; `told` says what it answers when asked whether a page follows, `stuck` makes every page the first.
#[derive(Debug)]
struct Shelf {
    leads: Vec<IncomingLead>,
    receipts: usize,
    told: fn(bool) -> More,
    stuck: bool,
}

fn exact(follows: bool) -> More {
    if follows { More::Yes } else { More::No }
}

fn shelf(count: usize) -> Shelf {
    Shelf { leads: (0..count).map(lead).collect(), receipts: 1, told: exact, stuck: false }
}

fn lead(number: usize) -> IncomingLead {
    IncomingLead {
        uid: uid(number),
        account_id: None,
        source_name: None,
        source_uid: None,
        pipeline_id: None,
        created_at: Moment::MIN,
        updated_at: None,
        metadata: Metadata::empty(Category::Sip),
        leads: None,
        contacts: None,
        companies: None,
    }
}

fn uid(number: usize) -> Uid {
    Uid::new(&format!("uid-{number}")).unwrap()
}

#[async_trait]
impl IncomingLeads for Shelf {
    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        let page = if self.stuck { PageRequest::new(1, query.page.size()).unwrap() } else { query.page };
        let from = usize::try_from(page.offset()).unwrap().min(self.leads.len());
        let to = (from + page.size() as usize).min(self.leads.len());
        Ok(Page { items: self.leads[from..to].to_vec(), more: (self.told)(to < self.leads.len()) })
    }

    async fn get(&self, uid: &Uid) -> Result<Option<IncomingLead>> {
        Ok(self.leads.iter().find(|lead| lead.uid == *uid).cloned())
    }

    async fn add(&self, _: &Add) -> Result<Vec<Receipt>> {
        Ok((0..self.receipts).map(|number| Receipt::of(uid(number))).collect())
    }

    async fn accept(&self, uid: &Uid, _: &Accept) -> Result<Receipt> {
        Ok(Receipt::of(uid.clone()))
    }

    async fn decline(&self, uid: &Uid, _: &Decline) -> Result<Receipt> {
        Ok(Receipt::of(uid.clone()))
    }

    async fn link(&self, uid: &Uid, _: &Link) -> Result<Receipt> {
        Ok(Receipt::of(uid.clone()))
    }

    async fn summary(&self, _: &SummaryQuery) -> Result<Summary> {
        Ok(Tally { accepted: 7, ..Tally::default() }.into())
    }
}

/// Nothing here ever waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap()
}

fn pages_of(size: u32) -> ListQuery {
    ListQuery { page: PageRequest::new(1, size).unwrap(), ..ListQuery::default() }
}

fn streamed(shelf: &Shelf, query: ListQuery) -> Result<Vec<Uid>> {
    now(shelf.stream(query).map_ok(|lead| lead.uid).try_collect())
}

#[test]
fn stream_brings_every_lead_once_whatever_the_page_size() {
    for count in [0, 1, 2, 3, 4, 7] {
        for size in [1, 2, 3, 7, 500] {
            let expected: Vec<_> = (0..count).map(uid).collect();
            assert_eq!(
                streamed(&shelf(count), pages_of(size)).unwrap(),
                expected,
                "{count} leads, pages of {size}"
            );
        }
    }
}

#[test]
fn stream_asks_on_where_a_transport_cannot_tell() {
    let shelf = Shelf { told: |_| More::Perhaps, ..shelf(4) };
    assert_eq!(streamed(&shelf, pages_of(2)).unwrap().len(), 4);
}

#[test]
fn stream_begins_with_the_asked_page() {
    let query = ListQuery { page: PageRequest::new(2, 3).unwrap(), ..ListQuery::default() };
    assert_eq!(streamed(&shelf(5), query).unwrap(), [uid(3), uid(4)]);
}

#[test]
fn stream_of_a_repeating_page_is_an_error_instead_of_endless() {
    let shelf = Shelf { stuck: true, ..shelf(4) };
    let error = streamed(&shelf, pages_of(2)).unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Unexpected, Operation::List));
}

#[test]
fn get_or_not_found_tells_the_uid() {
    assert_eq!(now(shelf(1).get_or_not_found(&uid(0))).unwrap().uid, uid(0));
    let error = now(shelf(1).get_or_not_found(&uid(9))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("uid-9"), "{error}");
}

#[test]
fn adding_one_answers_its_receipt_and_nothing_else() {
    assert_eq!(now(shelf(0).add_call(Draft::default())).unwrap().uid, uid(0));
    assert_eq!(now(shelf(0).add_form(Draft::default())).unwrap().uid, uid(0));
    for receipts in [0, 2] {
        let error = now(Shelf { receipts, ..shelf(0) }.add_call(Draft::default())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected);
    }
}

#[test]
fn pointers_forward_every_method() {
    async fn walk(port: &impl IncomingLeads) -> Result<()> {
        assert_eq!(port.capabilities(), Capabilities::ALL);
        assert_eq!(port.list(&ListQuery::default()).await?.items.len(), 2);
        assert!(port.get(&uid(1)).await?.is_some());
        assert_eq!(port.add(&Add::calls(Vec::new())).await?.len(), 1);
        assert_eq!(port.accept(&uid(1), &Accept::default()).await?.uid, uid(1));
        assert_eq!(port.decline(&uid(1), &Decline::default()).await?.uid, uid(1));
        let link = Link {
            target: incoming_leads_model::LinkTarget::Lead(incoming_leads_model::LeadId::new(1).unwrap()),
            contact_id: None,
            user_id: None,
        };
        assert_eq!(port.link(&uid(1), &link).await?.uid, uid(1));
        assert_eq!(port.summary(&SummaryQuery::default()).await?.accepted, 7);
        Ok(())
    }
    now(walk(&Arc::new(shelf(2)))).unwrap();
    now(walk(&(Box::new(shelf(2)) as Box<dyn IncomingLeads>))).unwrap();
}
