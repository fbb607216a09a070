//! Pages, items, tallies: what is read from the stage.

use incoming_leads_model::item::Cards as Bodies;
use incoming_leads_model::{
    Cards, Company, Contact, IncomingLead, Item, Lead, ListQuery, More, Page, SummaryQuery, Tally, Uid,
};
use incoming_leads_port::ItemVersion;

use crate::holdings::Holdings;
use crate::stage::Slot;

/// A page of what waits.
pub(crate) fn page(holdings: &Holdings, query: &ListQuery) -> Page {
    let (slots, more) = slots(holdings, query);
    // Leads are large: a list that grew step by step would move them again and again.
    let mut items = Vec::with_capacity(slots.len());
    items.extend(slots.into_iter().filter_map(|slot| holdings.stage.item(slot)).map(
        |item| match query.cards {
            Cards::Omit => without_bodies(holdings, item),
            Cards::Include => with_bodies(holdings, item),
        },
    ));
    Page { items, more }
}

/// Uid and version of what is on a page.
pub(crate) fn versions(holdings: &Holdings, query: &ListQuery) -> Page<ItemVersion> {
    let (slots, more) = slots(holdings, query);
    let versions = slots.into_iter().map(|slot| {
        let (uid, version) = holdings.stage.version(slot);
        ItemVersion { uid, version }
    });
    Page { items: versions.collect(), more }
}

/// What waits under this uid, and its version.
pub(crate) fn item(holdings: &Holdings, uid: &Uid) -> Option<(u64, IncomingLead)> {
    let slot = holdings.stage.slot(uid).filter(|slot| holdings.stage.is_pending(*slot))?;
    let (_, version) = holdings.stage.version(slot);
    Some((version, without_bodies(holdings, holdings.stage.item(slot)?)))
}

/// The tally of what happened in the query's window (R12).
pub(crate) fn tally(holdings: &Holdings, query: &SummaryQuery) -> Tally {
    let SummaryQuery { uids, pipelines, window } = query;
    let Some(uids) = uids else {
        return holdings.stage.tally(pipelines.as_deref(), *window);
    };
    let mut uids: Vec<&Uid> = uids.iter().collect();
    uids.sort_unstable();
    uids.dedup();
    let events = uids.into_iter().flat_map(|uid| holdings.stage.events_of(uid));
    events
        .filter(|event| window.contains(event.moment()))
        .filter(|event| pipelines.as_ref().is_none_or(|pipelines| pipelines.contains(&event.pipeline_id)))
        .map(|event| Tally::of(&event))
        .sum()
}

fn slots(holdings: &Holdings, query: &ListQuery) -> (Vec<Slot>, More) {
    let ListQuery { filter, order, page, cards: _ } = query;
    let (slots, more) = holdings.stage.page(filter, *order, page.offset(), page.size());
    (slots, if more { More::Yes } else { More::No })
}

fn without_bodies(holdings: &Holdings, item: Item) -> IncomingLead {
    IncomingLead::told(holdings.layout.account.id, item, Bodies::default())
}

fn with_bodies(holdings: &Holdings, item: Item) -> IncomingLead {
    let lead: Option<Lead> = holdings.read(item.links.lead.id());
    let contact: Option<Contact> = item.links.contact.and_then(|link| holdings.read(link.id()));
    let company: Option<Company> = item.links.company.and_then(|link| holdings.read(link.id()));
    let bodies = Bodies { lead: lead.as_ref(), contact: contact.as_ref(), company: company.as_ref() };
    IncomingLead::told(holdings.layout.account.id, item, bodies)
}
