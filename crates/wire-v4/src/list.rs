//! `GET /api/v4/leads/unsorted`: the page of a list.

use http::{Request, Response};
use incoming_leads_model::{IncomingLead, ListQuery, More, Page, PageRequest};
use serde::de::IgnoredAny;

use crate::convert::required;
use crate::document::document;
use crate::item::{ItemDocument, write_item};
use crate::message::{Failure, TooLongToAsk, hal, no_content, question, success};
use crate::problem::Problem;
use crate::query;
use crate::write::{Fragment, Origin, Writer};

pub(crate) const PATH: &str = "/api/v4/leads/unsorted";

/// Server: reads the question.
///
/// # Errors
/// 400 with the parameter that is wrong.
pub fn read_request<B>(request: &Request<B>) -> Result<ListQuery, Problem> {
    Ok(query::read_list(request.uri().query().unwrap_or_default())?)
}

/// Client: asks. None when nothing can match, so that nothing is to be asked.
///
/// # Errors
/// [`TooLongToAsk`] when so many uids are named that the address would be too long.
pub fn request(query: &ListQuery, origin: &Origin) -> Result<Option<Request<Vec<u8>>>, TooLongToAsk> {
    query::write_list(query).map(|query| question(origin, PATH, &query)).transpose()
}

/// Server: answers with a page; 204 without a body when there is nothing on it.
#[must_use]
pub fn response(page: &Page<IncomingLead>, query: &ListQuery, origin: &Origin) -> Response<Vec<u8>> {
    let Page { items, more } = page;
    let body = Vec::with_capacity(256 + items.len() * 1024);
    envelope(items, *more, query, origin, body, |w, _, lead| write_item(w, lead))
}

/// Server: answers with a page of ready items; 204 without a body when there is nothing on it.
#[must_use]
pub fn response_of_fragments<'a, I>(
    items: I,
    more: More,
    query: &ListQuery,
    origin: &Origin,
) -> Response<Vec<u8>>
where
    I: IntoIterator<Item = &'a Fragment>,
    I::IntoIter: Clone,
{
    let items = items.into_iter();
    let bytes: usize = items.clone().map(|item| item.filled_bytes(origin)).sum();
    let body = Vec::with_capacity(1024 + bytes);
    envelope(items, more, query, origin, body, |w, origin, item| w.raw(|out| item.append(origin, out)))
}

fn envelope<T>(
    items: impl IntoIterator<Item = T>,
    more: More,
    query: &ListQuery,
    origin: &Origin,
    mut body: Vec<u8>,
    mut write: impl FnMut(&mut Writer<'_>, &Origin, T),
) -> Response<Vec<u8>> {
    let mut items = items.into_iter().peekable();
    if items.peek().is_none() {
        return no_content();
    }
    Writer::new(&mut body, origin).object(|w| {
        write_paging(w, PATH, query.page, more, |page| {
            query::write_list(&ListQuery { page, ..query.clone() })
        });
        w.key("_embedded");
        w.object(|w| {
            w.key("unsorted");
            w.list(items, |w, item| write(w, origin, item));
        });
    });
    hal(body)
}

/// `_page` and `_links`: `self`, `next` where a page may follow, `first` and `prev` from the second page on.
pub(crate) fn write_paging(
    w: &mut Writer<'_>,
    path: &str,
    page: PageRequest,
    more: More,
    query: impl Fn(PageRequest) -> Option<String>,
) {
    let link = |w: &mut Writer<'_>, relation, page: PageRequest| {
        let query = query(page).unwrap_or_default();
        w.link(relation, |out| {
            out.extend_from_slice(path.as_bytes());
            out.push(b'?');
            out.extend_from_slice(query.as_bytes());
        });
    };
    let at = |number| {
        PageRequest::new(number, page.size()).expect("the size is that of a page; the number is 1 or more")
    };
    w.field("_page", page.number());
    w.key("_links");
    w.object(|w| {
        link(w, "self", page);
        if let (More::Yes | More::Perhaps, Some(next)) = (more, page.next()) {
            link(w, "next", next);
        }
        if page.number() > 1 {
            link(w, "first", at(1));
            link(w, "prev", at(page.number() - 1));
        }
    });
}

document! {
    struct ListDocument {
        "_links" => links: LinksDocument,
        "_embedded" => embedded: UnsortedDocument,
    }
}

document! {
    /// The links of a list.
    pub(crate) struct LinksDocument {
        "next" => next: IgnoredAny,
    }
}

document! {
    struct UnsortedDocument {
        "unsorted" => unsorted: Vec<ItemDocument>,
    }
}

/// Client: reads the answer. An empty page is a 204 or an empty list; another follows when there is a `next` link.
///
/// # Errors
/// What the server refused, or what of its answer cannot be read.
pub fn read_response<B: AsRef<[u8]>>(response: &Response<B>) -> Result<Page<IncomingLead>, Failure> {
    let Some(body) = success(response)? else { return Ok(Page::empty()) };
    let ListDocument { links, embedded } = crate::json::decode(body)?;
    let UnsortedDocument { unsorted } = required("_embedded", embedded)?;
    let items =
        required("_embedded.unsorted", unsorted)?.into_iter().map(|ItemDocument(lead)| lead).collect();
    Ok(Page { items, more: more(links) })
}

/// Whether a page follows: without any links, nobody knows.
pub(crate) fn more(links: Option<LinksDocument>) -> More {
    match links {
        Some(LinksDocument { next: Some(_) }) => More::Yes,
        Some(LinksDocument { next: None }) => More::No,
        None => More::Perhaps,
    }
}
