//! What is ready to go out: list items as JSON with holes where the host goes, and whole pages, each by what makes it
//! unmistakable.

use std::sync::Arc;

use hyper::body::Bytes;
use incoming_leads_model::{AccountId, ListQuery, Page, Uid};
use incoming_leads_port::ItemVersion;
use incoming_leads_wire_v4::{Fragment, Origin};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// A bounded cache, shared by all requests: half of it for items, half for pages.
///
/// An item's version is part of its key, and a page is kept with the versions that it was made of and the store's
/// revision, of which the store tells one or the other at each request: nothing has to be forgotten, and nothing is
/// shown as it was. The account is part of each key, or tenants would leak into each other.
#[derive(Debug)]
pub(crate) struct Ready {
    items: Cache<ItemKey, Arc<Fragment>, Weight>,
    pages: Cache<PageKey, Arc<ReadyPage>, Weight>,
}

/// What makes a ready item unmistakable. A second wire would add itself here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ItemKey {
    account: AccountId,
    uid: Uid,
    version: u64,
}

/// What makes a ready page unmistakable, but for the versions of its items.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PageKey {
    pub(crate) account: AccountId,
    pub(crate) query: ListQuery,
    pub(crate) origin: Origin,
}

#[derive(Debug)]
struct ReadyPage {
    /// What the store told before it told the versions, if it tells that at all.
    revision: Option<u64>,
    versions: Page<ItemVersion>,
    body: Bytes,
}

/// What an entry costs beside its bytes: key, pointers and its place in the queues, about.
const ENTRY_BYTES: u64 = 256;
/// What an item of a page costs, or a uid of its question: a uid, a version and pointers.
const VERSION_BYTES: u64 = 112;

/// About what an item takes: what the number of entries is guessed from.
const USUAL_ITEM_BYTES: u64 = 1280;
/// About what a page takes.
const USUAL_PAGE_BYTES: u64 = 64 << 10;

#[derive(Clone, Debug)]
struct Weight;

impl Weighter<ItemKey, Arc<Fragment>> for Weight {
    fn weight(&self, _: &ItemKey, ready: &Arc<Fragment>) -> u64 {
        ENTRY_BYTES + ready.heap_bytes() as u64
    }
}

impl Weighter<PageKey, Arc<ReadyPage>> for Weight {
    fn weight(&self, key: &PageKey, ready: &Arc<ReadyPage>) -> u64 {
        let asked = key.query.filter.uids.as_ref().map_or(0, Vec::len);
        let versions = ready.versions.items.len() + asked;
        ENTRY_BYTES + ready.body.len() as u64 + versions as u64 * VERSION_BYTES
    }
}

impl Ready {
    /// A cache of so many bytes; none for 0.
    pub(crate) fn new(bytes: usize) -> Option<Self> {
        let half = bytes as u64 / 2;
        let entries = |usual: u64| usize::try_from(half / usual).unwrap_or(usize::MAX);
        (bytes > 0).then(|| Self {
            items: Cache::with_weighter(entries(USUAL_ITEM_BYTES), half, Weight),
            pages: Cache::with_weighter(entries(USUAL_PAGE_BYTES), half, Weight),
        })
    }

    pub(crate) fn item(&self, account: AccountId, item: &ItemVersion) -> Option<Arc<Fragment>> {
        let ItemVersion { uid, version } = item.clone();
        self.items.get(&ItemKey { account, uid, version })
    }

    pub(crate) fn put_item(&self, account: AccountId, item: ItemVersion, ready: Arc<Fragment>) {
        let ItemVersion { uid, version } = item;
        self.items.insert(ItemKey { account, uid, version }, ready);
    }

    /// The body of a page, if nothing has changed since this revision, of which it is.
    pub(crate) fn page_of(&self, key: &PageKey, revision: Option<u64>) -> Option<Bytes> {
        let page = self.pages.get(key)?;
        (revision.is_some() && page.revision == revision).then(|| page.body.clone())
    }

    /// The body of a page, if it was made of just these versions.
    pub(crate) fn page(&self, key: &PageKey, versions: &Page<ItemVersion>) -> Option<Bytes> {
        let page = self.pages.get(key)?;
        (page.versions == *versions).then(|| page.body.clone())
    }

    /// Keeps a page that was made of these versions, which the store told after this revision.
    pub(crate) fn put_page(
        &self,
        key: PageKey,
        revision: Option<u64>,
        versions: Page<ItemVersion>,
        body: Bytes,
    ) {
        self.pages.insert(key, Arc::new(ReadyPage { revision, versions, body }));
    }
}

#[cfg(test)]
mod tests {
    use incoming_leads_model::{Category, IncomingLead, Metadata, Moment, More, PageRequest};
    use incoming_leads_wire_v4::fragment;

    use super::*;

    #[test]
    fn the_bound_holds_and_what_came_last_is_there() {
        let bound = 1 << 20;
        let cache = Ready::new(bound).unwrap();
        let account = AccountId::new(1).unwrap();
        let mut held = 0;
        for number in 0..10_000 {
            let item = ItemVersion { uid: Uid::new(&format!("{number:060}")).unwrap(), version: 1 };
            let ready = Arc::new(fragment(&lead(item.uid.clone())));
            held += Weight.weight(&ItemKey { account, uid: item.uid.clone(), version: 1 }, &ready);
            cache.put_item(account, item.clone(), Arc::clone(&ready));
            assert!(cache.items.weight() <= bound as u64);
            assert_eq!(cache.item(account, &item), Some(ready));
        }
        assert!(held > 4 * bound as u64, "the test does not reach the bound");
        assert!(cache.items.len() > 100, "nothing is kept");
    }

    #[test]
    fn pages_are_bounded_and_true_to_their_versions() {
        let cache = Ready::new(2 << 20).unwrap();
        let account = AccountId::new(1).unwrap();
        let origin = Origin::new("http://a").unwrap();
        for number in 1..100 {
            let query = ListQuery { page: PageRequest::new(number, 250).unwrap(), ..ListQuery::default() };
            let key = PageKey { account, query, origin: origin.clone() };
            let item = ItemVersion { uid: Uid::new("u").unwrap(), version: number };
            let versions = Page { items: vec![item; 250], more: More::Yes };
            cache.put_page(key.clone(), Some(number), versions.clone(), vec![b'x'; 100_000].into());
            assert!(cache.page_of(&key, Some(number)).is_some());
            assert!(cache.page_of(&key, Some(number + 1)).is_none() && cache.page_of(&key, None).is_none());
            assert!(cache.pages.weight() <= 1 << 20);
            assert!(cache.page(&key, &versions).is_some());
            let mut later = versions.clone();
            later.items[249].version += 1;
            assert!(cache.page(&key, &later).is_none());
            assert!(cache.page(&key, &Page { more: More::No, ..versions }).is_none());
        }
        assert!(cache.pages.len() > 3, "nothing is kept");
    }

    #[test]
    fn no_bytes_are_no_cache() {
        assert!(Ready::new(0).is_none());
    }

    fn lead(uid: Uid) -> IncomingLead {
        IncomingLead {
            uid,
            account_id: AccountId::new(1).ok(),
            source_name: Some(Some("s".repeat(200))),
            source_uid: None,
            pipeline_id: None,
            created_at: Moment::MIN,
            updated_at: None,
            metadata: Metadata::empty(Category::Forms),
            leads: None,
            contacts: None,
            companies: None,
        }
    }
}
