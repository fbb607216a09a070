//! List, detail, summary.

use std::sync::Arc;

use http::Request;
use hyper::body::Incoming;
use incoming_leads_model::{AccountId, ListQuery, Page, Uid};
use incoming_leads_port::{ItemVersion, Versioned};
use incoming_leads_wire_v4::{Fragment, fragment, get, list, summary};

use super::Answer;
use crate::app::{App, Caller};
use crate::cache::ReadyItems;
use crate::failure::Failure;

/// `GET /api/v4/leads/unsorted`
pub(super) async fn list(app: &App, caller: &Caller, request: &Request<Incoming>) -> Answer {
    let query = list::read_request(request)?;
    let ports = &caller.session.ports;
    if let (Some(cache), Some(versioned), Some(account)) =
        (&app.ready_items, &ports.versioned, caller.session.principal.map(|principal| principal.account_id))
    {
        let page = ready_page(cache, versioned.as_ref(), account, &query).await?;
        let items = page.items.iter().map(Arc::as_ref);
        return Ok(list::response_of_fragments(items, page.more, &query, &caller.origin));
    }
    let page = ports.incoming.list(&query).await?;
    Ok(list::response(&page, &query, &caller.origin))
}

/// A page of ready items; only those that are not ready yet are read.
///
/// The versions that the page is made of come from the store, so an item that has changed is never taken as it was.
async fn ready_page(
    cache: &ReadyItems,
    versioned: &dyn Versioned,
    account: AccountId,
    query: &ListQuery,
) -> Result<Page<Arc<Fragment>>, Failure> {
    let Page { items: versions, more } = versioned.versions(query).await?;
    let mut items: Vec<_> = versions.iter().map(|item| cache.get(account, item)).collect();
    let missing: Vec<usize> = (0..items.len()).filter(|&place| items[place].is_none()).collect();
    if !missing.is_empty() {
        let uids: Vec<_> = missing.iter().map(|&place| versions[place].uid.clone()).collect();
        let mut read = versioned.items(&uids).await?.into_iter().peekable();
        // Those that somebody has decided meanwhile are left out of the answer, and so of the page.
        for place in missing {
            let Some((version, lead)) = read.next_if(|(_, lead)| lead.uid == versions[place].uid) else {
                continue;
            };
            let ready = Arc::new(fragment(&lead));
            cache.put(account, ItemVersion { uid: lead.uid, version }, Arc::clone(&ready));
            items[place] = Some(ready);
        }
    }
    Ok(Page { items: items.into_iter().flatten().collect(), more })
}

/// `GET /api/v4/leads/unsorted/{uid}`
pub(super) async fn get(caller: &Caller, uid: Option<Uid>) -> Answer {
    let lead = match uid {
        Some(uid) => caller.session.ports.incoming.get(&uid).await?,
        None => None,
    };
    Ok(get::response(lead.as_ref(), &caller.origin))
}

/// `GET /api/v4/leads/unsorted/summary`
pub(super) async fn summary(caller: &Caller, request: &Request<Incoming>) -> Answer {
    let query = summary::read_request(request)?;
    let answer = caller.session.ports.incoming.summary(&query).await?;
    Ok(summary::response(&answer, &caller.origin))
}
