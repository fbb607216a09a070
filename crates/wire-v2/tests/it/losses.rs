//! From the model over the wire and back: the identity, but for the losses that the crate's documentation lists.

use incoming_leads_model::{
    Add, Card, Category, Direction, Draft, Generation, IncomingLead, ListFilter, ListQuery, Metadata, Moment,
    More, Order, OrderKey, Page, PageRequest, PipelineId, Receipt, SipMetadata, Summary, TagRef, Window,
};
use incoming_leads_wire_v2::{Encoding, Sorted, accept, add, decline, list, summary};
use proptest::option::of;
use proptest::prelude::*;

use crate::{call, origin, random};

/// Tags as one text tell their names, where it can carry them.
fn told_tags(card: &mut Card) {
    let plain = |tag: &TagRef| {
        tag.name.as_deref().is_some_and(|name| !name.is_empty() && name.trim() == name && !name.contains(','))
    };
    if card.tags.iter().all(plain) {
        card.tags.iter_mut().for_each(|tag| tag.id = None);
    }
}

fn told_add(mut add: Add) -> Add {
    for Draft { created_at, metadata, leads, contacts, companies, .. } in &mut add.items {
        leads.iter_mut().for_each(|lead| told_tags(&mut lead.card));
        contacts.iter_mut().for_each(|contact| told_tags(&mut contact.card));
        companies.iter_mut().for_each(|company| told_tags(&mut company.card));
        if let Some(Metadata::Forms(form)) = metadata {
            form.form_sent_at = form.form_sent_at.or(*created_at);
        }
    }
    add
}

fn told_lead(mut lead: IncomingLead) -> IncomingLead {
    if let Metadata::Sip(SipMetadata { call_event, .. }) = &mut lead.metadata {
        *call_event = None;
    }
    let leads =
        lead.leads.iter_mut().flatten().flat_map(|entity| &mut entity.card).map(|lead| &mut lead.card);
    let contacts =
        lead.contacts.iter_mut().flatten().flat_map(|entity| &mut entity.card).map(|lead| &mut lead.card);
    let companies =
        lead.companies.iter_mut().flatten().flat_map(|entity| &mut entity.card).map(|lead| &mut lead.card);
    leads.chain(contacts).chain(companies).for_each(told_tags);
    lead
}

fn list_query() -> impl Strategy<Value = ListQuery> {
    let categories = of(proptest::sample::subsequence(Category::ALL.to_vec(), 1..=4));
    let pipelines = of(proptest::collection::hash_set(1..99_u64, 1..4));
    let order = (any::<bool>(), any::<bool>()).prop_map(|(key, direction)| Order {
        key: if key { OrderKey::CreatedAt } else { OrderKey::UpdatedAt },
        direction: if direction { Direction::Ascending } else { Direction::Descending },
    });
    let page = (1..=u64::MAX, 1..=500_u32).prop_map(|(number, size)| PageRequest::new(number, size).unwrap());
    (categories, pipelines, order, page).prop_map(|(categories, pipelines, order, page)| {
        let pipelines =
            pipelines.map(|ids| ids.into_iter().map(|id| PipelineId::new(id).unwrap()).collect::<Vec<_>>());
        let filter = ListFilter { uids: None, categories, pipelines };
        ListQuery { filter, order, page, cards: incoming_leads_model::query::Cards::Include }
    })
}

proptest! {
    #[test]
    fn adds_come_back(command in random::add()) {
        let request = add::request(&command, Encoding::Json, &origin());
        prop_assert_eq!(add::read_request(command.channel, &request).unwrap(), told_add(command));
    }

    #[test]
    fn incoming_leads_come_back(lead in random::lead()) {
        let page = Page { items: vec![lead.clone()], more: More::Yes };
        let answer = list::response(&page, &call("GET", "/api/v2/incoming_leads")).unwrap();
        let read = list::read_response(1, &answer).unwrap();
        prop_assert_eq!(read, Page { items: vec![told_lead(lead)], more: More::Perhaps });
    }

    #[test]
    fn receipts_come_back(receipt in random::receipt()) {
        let uid = receipt.uid.clone();
        let call = call("POST", "/api/v2/incoming_leads/accept");
        let added = add::response(std::slice::from_ref(&receipt), &call);
        prop_assert_eq!(add::read_response(1, &added).unwrap(), vec![Receipt::of(uid.clone())]);
        let sorted = [Sorted::new(uid.as_str(), Ok(receipt.clone()))];
        prop_assert_eq!(accept::read_response(&uid, &accept::response(&sorted, &call)).unwrap(), receipt);
        prop_assert_eq!(decline::read_response(&uid, &decline::response(&sorted, &call)).unwrap(), Receipt::of(uid));
    }

    #[test]
    fn commands_come_back(
        uid in random::uid(),
        command in random::accept(),
        decline in random::decline(),
        encoding in proptest::sample::select(vec![Encoding::Json, Encoding::Form]),
    ) {
        let read = accept::read_request(&accept::request(&uid, command, encoding, &origin())).unwrap();
        prop_assert_eq!((read.command, read.uids[0].uid.as_ref(), read.uids.len()), (command, Some(&uid), 1));
        let read = decline::read_request(&decline::request(&uid, decline, encoding, &origin())).unwrap();
        prop_assert_eq!((read.command, read.uids[0].uid.as_ref(), read.uids.len()), (decline, Some(&uid), 1));
    }

    #[test]
    fn questions_come_back(query in list_query(), from in random::moment(), to in random::moment()) {
        let request = list::request(&query, &origin()).unwrap().unwrap();
        prop_assert_eq!(list::read_request(&request).unwrap(), query);
        let window = Window::new(from.min(to), from.max(to)).unwrap();
        let read = summary::read_request(&summary::request(window, &origin())).unwrap();
        prop_assert_eq!((read.window, read.uids, read.pipelines), (window, None, None));
    }

    #[test]
    fn summaries_come_back(categories in any::<[u32; 4]>(), accepted in any::<u32>(), mean in any::<u32>()) {
        let categories = categories.map(u64::from);
        let told = Summary {
            total: categories.iter().sum(),
            categories,
            accepted: accepted.into(),
            declined: Some(3),
            linked: Some(4),
            average_sort_time_secs: mean.into(),
        };
        let answer = summary::response(&told, &call("GET", "/api/v2/incoming_leads/summary"));
        let untold = Summary { declined: None, linked: None, ..told };
        prop_assert_eq!(summary::read_response(&answer).unwrap(), untold);
    }
}

#[test]
fn what_can_match_nothing_is_not_asked() {
    let filter = ListFilter { categories: Some(vec![]), ..ListFilter::default() };
    assert!(list::request(&ListQuery { filter, ..ListQuery::default() }, &origin()).unwrap().is_none());
}

#[test]
fn what_does_not_fit_into_an_address_is_not_asked() {
    let pipelines = (1..20_000).map(|id| PipelineId::new(id).unwrap()).collect();
    let filter = ListFilter { pipelines: Some(pipelines), ..ListFilter::default() };
    assert!(list::request(&ListQuery { filter, ..ListQuery::default() }, &origin()).is_err());
}

#[test]
fn a_page_without_bodies_is_not_written() {
    let lead: IncomingLead = serde_json::from_str(
        r#"{"uid":"1","account_id":null,"pipeline_id":null,"created_at":0,"updated_at":null,
            "metadata":{"sip":{}},"leads":[{"id":7,"card":null}],"contacts":[],"companies":[]}"#,
    )
    .unwrap();
    let call = call("GET", "/api/v2/incoming_leads");
    let page = |lead| Page { items: vec![lead], more: More::No };
    assert!(list::response(&page(lead.clone()), &call).is_err());
    assert!(list::response(&page(IncomingLead { leads: None, ..lead }), &call).is_err());
}

#[test]
fn commands_are_of_the_old_generation() {
    let command = Add::calls(vec![Draft { created_at: Some(Moment::MIN), ..Draft::default() }]);
    let read =
        add::read_request(command.channel, &add::request(&command, Encoding::Form, &origin())).unwrap();
    assert_eq!((read.generation, read.items.len()), (Generation::V2, 1));
}
