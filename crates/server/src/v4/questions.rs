//! List, detail, summary.

use std::sync::Arc;

use http::{Request, Response, header};
use hyper::body::Bytes;
use incoming_leads_model::{AccountId, Uid};
use incoming_leads_port::{ItemVersion, Versioned};
use incoming_leads_wire_v4::{Fragment, HAL_JSON, fragment, get, list, summary};

use super::Answer;
use crate::app::{App, Caller};
use crate::body::Incoming;
use crate::cache::{PageKey, Ready};
use crate::failure::Failure;

/// `GET /api/v4/leads/unsorted`
pub(super) async fn list(
    app: &App,
    caller: &Caller,
    request: &Request<Incoming>,
) -> Result<Response<Bytes>, Failure> {
    let query = list::read_request(request)?;
    let (ports, origin) = (&caller.session.ports, &caller.origin);
    let query = if let (Some(ready), Some(versioned), Some(principal)) =
        (&app.ready, &ports.versioned, caller.session.principal)
    {
        let key = PageKey { account: principal.account_id, query, origin: origin.clone() };
        if let Some(response) = ready_list(ready, versioned.as_ref(), &key).await? {
            return Ok(response);
        }
        key.query
    } else {
        query
    };
    let page = ports.incoming.list(&query).await?;
    Ok(list::response(&page, &query, origin).map(Bytes::from))
}

/// A list of what is ready; only items that are not are read. None where somebody has decided or changed one of those
/// meanwhile: what is left would be of two moments, and a page that is short though another follows.
///
/// The revision or the versions that it is made of come from the store, so what has changed is never taken as it was.
async fn ready_list(
    ready: &Ready,
    versioned: &dyn Versioned,
    key: &PageKey,
) -> Result<Option<Response<Bytes>>, Failure> {
    // First: what changes from here on makes another revision, so that no page is kept as one that it is not.
    let revision = versioned.revision().await?;
    if let Some(body) = ready.page_of(key, revision) {
        return Ok(Some(hal(body)));
    }
    let versions = versioned.versions(&key.query).await?;
    if let Some(body) = ready.page(key, &versions) {
        ready.put_page(key.clone(), revision, versions, body.clone());
        return Ok(Some(hal(body)));
    }
    let Some(items) = ready_items(ready, versioned, key.account, &versions.items).await? else {
        return Ok(None);
    };
    let fragments = items.iter().map(Arc::as_ref);
    let response =
        list::response_of_fragments(fragments, versions.more, &key.query, &key.origin).map(Bytes::from);
    if !items.is_empty() {
        ready.put_page(key.clone(), revision, versions, response.body().clone());
    }
    Ok(Some(response))
}

fn hal(body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HAL_JSON);
    response
}

/// The items with exactly these versions, if all of them still are as they were.
async fn ready_items(
    ready: &Ready,
    versioned: &dyn Versioned,
    account: AccountId,
    versions: &[ItemVersion],
) -> Result<Option<Vec<Arc<Fragment>>>, Failure> {
    let mut items: Vec<_> = versions.iter().map(|item| ready.item(account, item)).collect();
    let missing: Vec<usize> = (0..items.len()).filter(|&place| items[place].is_none()).collect();
    if !missing.is_empty() {
        let uids: Vec<_> = missing.iter().map(|&place| versions[place].uid.clone()).collect();
        let mut read = versioned.items(&uids).await?.into_iter().peekable();
        for place in missing {
            let Some((version, lead)) = read.next_if(|(_, lead)| lead.uid == versions[place].uid) else {
                continue;
            };
            let fragment = Arc::new(fragment(&lead));
            let item = ItemVersion { uid: lead.uid, version };
            if item == versions[place] {
                items[place] = Some(Arc::clone(&fragment));
            }
            ready.put_item(account, item, fragment);
        }
    }
    Ok(items.into_iter().collect())
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
