//! Bodies of entities for lists, large pages, and the directory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use incoming_leads_conformance::fixture::{ADMINISTRATOR, Named, PHONE, SORTER};
use incoming_leads_http_v4::{HttpV4, Origin};
use incoming_leads_model::{
    Accept, Add, Cards, Category, LeadId, ListFilter, ListQuery, More, PageRequest, Policies,
};
use incoming_leads_port::{Directory, EntityQuery, ErrorKind, IncomingLeads, IncomingLeadsExt};
use incoming_leads_transport::{Request, Response, SendError, Transport};

use crate::world::{World, call};

/// Counts what is sent.
#[derive(Debug)]
struct Counting<T> {
    inner: T,
    sent: Arc<AtomicUsize>,
}

#[async_trait]
impl<T: Transport> Transport for Counting<T> {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.inner.send(request).await
    }
}

fn counted(world: &World) -> (HttpV4, Arc<AtomicUsize>) {
    let sent = Arc::new(AtomicUsize::new(0));
    let transport = Counting { inner: world.network(SORTER), sent: Arc::clone(&sent) };
    (HttpV4::new(transport, Origin::new(&world.server.url()).unwrap()), sent)
}

fn with_cards(number: u64, size: u32) -> ListQuery {
    let filter = ListFilter { categories: Some(vec![Category::Sip]), ..ListFilter::default() };
    let page = PageRequest::new(number, size).unwrap();
    ListQuery { filter, page, cards: Cards::Include, ..ListQuery::default() }
}

#[tokio::test]
async fn bodies_are_looked_up_in_bulk_and_kept() {
    let world = World::of(Named::Standard).await;
    let (leads, sent) = counted(&world);
    leads.add(&Add::calls((0..100).map(call).collect())).await.unwrap();
    sent.store(0, Ordering::Relaxed);
    let page = leads.list(&with_cards(1, 100)).await.unwrap();
    assert_eq!(sent.load(Ordering::Relaxed), 3, "the list, the leads, the contacts");
    for lead in &page.items {
        let lead_card = lead.leads.as_ref().unwrap()[0].card.as_ref().unwrap();
        let contact_card = lead.contacts.as_ref().unwrap()[0].card.as_ref().unwrap();
        assert_eq!((lead_card.price, lead_card.card.name.as_deref()), (Some(5), Some("Ann")));
        assert_eq!(contact_card.card.name.as_deref(), Some("Ann"));
        assert_eq!(lead.companies.as_ref().map(Vec::len), Some(0));
    }
    assert_eq!(leads.list(&with_cards(1, 100)).await.unwrap(), page);
    assert_eq!(sent.load(Ordering::Relaxed), 4, "only the list is asked for again");
}

#[tokio::test]
async fn a_page_of_500_is_put_together_without_gaps() {
    let world = World::of(Named::Standard).await;
    let (leads, sent) = counted(&world);
    for batch in 0..3 {
        leads.add(&Add::calls((batch * 200..batch * 200 + 200).map(call).collect())).await.unwrap();
    }
    sent.store(0, Ordering::Relaxed);
    let mut query = with_cards(1, 400);
    query.cards = Cards::Omit;
    let first = leads.list(&query).await.unwrap();
    assert_eq!((first.items.len(), first.more, sent.load(Ordering::Relaxed)), (400, More::Yes, 2));
    query.page = query.page.next().unwrap();
    let second = leads.list(&query).await.unwrap();
    assert_eq!((second.items.len(), second.more), (200, More::No));
    let mut whole = with_cards(1, 500);
    whole.cards = Cards::Omit;
    let behind = world.behind(SORTER).await.incoming;
    let expected: Vec<_> =
        behind.list(&whole).await.unwrap().items.into_iter().map(|lead| lead.uid).collect();
    let told: Vec<_> = first.items.into_iter().chain(second.items).map(|lead| lead.uid).take(500).collect();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn the_layout_is_that_of_the_store_but_for_policies() {
    let world = World::of(Named::Lenient).await;
    let leads = world.leads(ADMINISTRATOR, &[], |builder| builder).0;
    let behind = world.behind(ADMINISTRATOR).await.directory.unwrap().layout().await.unwrap();
    let told = leads.layout().await.unwrap();
    let expected = incoming_leads_model::Layout {
        integrations: vec![],
        policies: Policies::default(),
        ..(*behind).clone()
    };
    assert_eq!(told.account, expected.account);
    assert_eq!(told.users, expected.users);
    assert_eq!(told.pipelines, expected.pipelines);
    assert!(told.fields.iter().any(|field| field.id == PHONE) && told.fields.len() == expected.fields.len());
    assert_eq!(told.policies, expected.policies);
}

#[tokio::test]
async fn entities_are_told_by_id_also_many_and_unknown_ones() {
    let world = World::of(Named::Standard).await;
    let (leads, sent) = counted(&world);
    let receipts = leads.add(&Add::calls((0..250).map(call).collect())).await.unwrap();
    let mut ids: Vec<_> = receipts.iter().flat_map(|receipt| receipt.leads.clone().unwrap()).collect();
    ids.extend((5000..5100).map(|number| LeadId::new(number).unwrap()));
    sent.store(0, Ordering::Relaxed);
    let page = leads.leads(&EntityQuery::with_ids(ids.clone())).await.unwrap();
    assert_eq!((page.items.len(), page.more), (250, More::No));
    assert!(page.items.iter().all(|lead| lead.is_unsorted) && page.items.is_sorted_by_key(|lead| lead.id));
    assert_eq!(sent.load(Ordering::Relaxed), 3, "two questions by id, one for the pipelines");
    ids.extend((6000..6200).map(|number| LeadId::new(number).unwrap()));
    let error = leads.leads(&EntityQuery::with_ids(ids)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let unknown = EntityQuery::with_ids(vec![9999.try_into().unwrap()]);
    assert_eq!(leads.contacts(&unknown).await.unwrap().items, []);
}

#[tokio::test]
async fn what_was_decided_is_told_anew() {
    let world = World::of(Named::Standard).await;
    let (leads, sent) = counted(&world);
    let uid = leads.add_call(call(1)).await.unwrap().uid;
    leads.list(&with_cards(1, 50)).await.unwrap();
    leads.accept(&uid, &Accept::default()).await.unwrap();
    let mut again = call(1);
    again.leads.clear();
    leads.add_call(again).await.unwrap();
    sent.store(0, Ordering::Relaxed);
    assert_eq!(leads.list(&with_cards(1, 50)).await.unwrap().items.len(), 1);
    assert_eq!(sent.load(Ordering::Relaxed), 3, "the list, the new lead, the new contact");
}

#[tokio::test]
async fn words_of_the_wire_are_the_uids_of_nothing() {
    let world = World::of(Named::Standard).await;
    let (leads, _) = counted(&world);
    for word in ["summary", "sip", "forms", "chats", "mail", "..", "a/b", "%2e"] {
        let uid = incoming_leads_model::Uid::new(word).unwrap();
        assert_eq!(leads.get(&uid).await.unwrap(), None, "{word}");
        let error = leads.accept(&uid, &Accept::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{word}");
    }
}
