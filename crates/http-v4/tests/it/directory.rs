//! Bodies of entities for lists, large pages, and the directory.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use incoming_leads_conformance::fixture::{ADMINISTRATOR, Named, PHONE, SORTER, START};
use incoming_leads_http_v4::{HttpV4, Origin};
use incoming_leads_model::{
    Accept, Add, Cards, Category, Draft, LeadId, ListFilter, ListQuery, Moment, More, PageRequest, Policies,
    Uid,
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

/// Lets something happen before the second request of those that follow.
#[derive(Debug)]
struct Meanwhile {
    inner: Box<dyn Transport>,
    behind: Arc<dyn IncomingLeads>,
    sent: AtomicUsize,
}

#[async_trait]
impl Transport for Meanwhile {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        if self.sent.fetch_add(1, Ordering::Relaxed) == 1 {
            self.behind.add_call(call(1_000)).await.unwrap();
        }
        self.inner.send(request).await
    }
}

#[tokio::test]
async fn a_page_of_500_is_full_and_without_repetition_though_a_lead_comes_in() {
    let world = World::of(Named::Standard).await;
    let behind = world.behind(SORTER).await.incoming;
    let earlier = |number| Draft { created_at: Moment::from_secs(START.secs() - 60).ok(), ..call(number) };
    for batch in 0..3 {
        behind.add(&Add::calls((batch * 200..batch * 200 + 200).map(earlier).collect())).await.unwrap();
    }
    let transport = Meanwhile {
        inner: Box::new(world.network(SORTER)),
        behind: Arc::clone(&behind),
        sent: AtomicUsize::new(0),
    };
    let leads = HttpV4::new(transport, Origin::new(&world.server.url()).unwrap());
    let mut query = with_cards(1, 500);
    query.cards = Cards::Omit;
    let before: Vec<_> = behind.list(&query).await.unwrap().items.into_iter().map(|lead| lead.uid).collect();
    let page = leads.list(&query).await.unwrap();
    let told: Vec<_> = page.items.into_iter().map(|lead| lead.uid).collect();
    assert_eq!((told, page.more), (before, More::Yes));
    query.page = PageRequest::new(2, 300).unwrap();
    let rest = leads.list(&query).await.unwrap();
    assert_eq!((rest.items.len(), rest.more), (300, More::Yes));
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

/// A list waits for bodies while somebody decides a lead whose bodies are kept, by the same client.
#[derive(Debug)]
struct Deciding {
    inner: Box<dyn Transport>,
    next: Arc<Mutex<Option<(HttpV4, Uid)>>>,
}

#[async_trait]
impl Transport for Deciding {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        if request.uri().path().starts_with("/api/v4/contacts/") {
            let next = self.next.lock().unwrap().take();
            if let Some((leads, uid)) = next {
                leads.accept(&uid, &Accept::default()).await.unwrap();
            }
        }
        self.inner.send(request).await
    }
}

#[tokio::test]
async fn bodies_that_are_kept_stay_on_the_list_that_found_them() {
    let world = World::of(Named::Standard).await;
    let next = Arc::new(Mutex::new(None));
    let transport = Deciding { inner: Box::new(world.network(SORTER)), next: Arc::clone(&next) };
    let leads = HttpV4::new(transport, Origin::new(&world.server.url()).unwrap());
    let uid = leads.add_call(call(1)).await.unwrap().uid;
    leads.list(&with_cards(1, 50)).await.unwrap();
    leads.add_call(call(2)).await.unwrap();
    *next.lock().unwrap() = Some((leads.clone(), uid));
    let page = leads.list(&with_cards(1, 50)).await.unwrap();
    assert!(next.lock().unwrap().is_none(), "it was decided meanwhile");
    assert_eq!(page.items.len(), 2);
    for lead in &page.items {
        assert!(lead.leads.as_ref().unwrap()[0].card.is_some());
        assert!(lead.contacts.as_ref().unwrap()[0].card.is_some());
    }
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
