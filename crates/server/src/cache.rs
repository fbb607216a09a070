//! Ready items: list items as JSON with holes where the host goes, by what makes them unmistakable.

use std::sync::Arc;

use incoming_leads_model::{AccountId, Uid};
use incoming_leads_port::ItemVersion;
use incoming_leads_wire_v4::Fragment;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// A bounded cache of ready items, shared by all requests.
///
/// An item's version is part of its key, so a changed item is another one and nothing has to be forgotten; the account is,
/// too, or tenants would leak into each other.
#[derive(Debug)]
pub(crate) struct ReadyItems(Cache<Key, Arc<Fragment>, Bytes>);

/// What makes a ready item unmistakable. A second wire would add itself here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    account: AccountId,
    uid: Uid,
    version: u64,
}

/// What an entry costs beside its bytes: key, pointers and its place in the queues, about.
const ENTRY_BYTES: u64 = 256;

/// About what an item takes: what the number of entries is guessed from.
const USUAL_BYTES: u64 = 1280;

#[derive(Clone, Debug)]
struct Bytes;

impl Weighter<Key, Arc<Fragment>> for Bytes {
    fn weight(&self, _: &Key, ready: &Arc<Fragment>) -> u64 {
        ENTRY_BYTES + ready.heap_bytes() as u64
    }
}

impl ReadyItems {
    /// A cache of so many bytes; none for 0.
    pub(crate) fn new(bytes: usize) -> Option<Self> {
        let bytes = bytes as u64;
        let items = usize::try_from(bytes / USUAL_BYTES).unwrap_or(usize::MAX);
        (bytes > 0).then(|| Self(Cache::with_weighter(items, bytes, Bytes)))
    }

    pub(crate) fn get(&self, account: AccountId, item: &ItemVersion) -> Option<Arc<Fragment>> {
        let ItemVersion { uid, version } = item.clone();
        self.0.get(&Key { account, uid, version })
    }

    pub(crate) fn put(&self, account: AccountId, item: ItemVersion, ready: Arc<Fragment>) {
        let ItemVersion { uid, version } = item;
        self.0.insert(Key { account, uid, version }, ready);
    }
}

#[cfg(test)]
mod tests {
    use incoming_leads_model::{Category, IncomingLead, Metadata, Moment};
    use incoming_leads_wire_v4::fragment;

    use super::*;

    #[test]
    fn the_bound_holds_and_what_came_last_is_there() {
        let bound = 1 << 20;
        let cache = ReadyItems::new(bound).unwrap();
        let account = AccountId::new(1).unwrap();
        let mut held = 0;
        for number in 0..10_000 {
            let item = ItemVersion { uid: Uid::new(&format!("{number:060}")).unwrap(), version: 1 };
            let ready = Arc::new(fragment(&lead(item.uid.clone())));
            held += Bytes.weight(&Key { account, uid: item.uid.clone(), version: 1 }, &ready);
            cache.put(account, item.clone(), Arc::clone(&ready));
            assert!(cache.0.weight() <= bound as u64);
            assert_eq!(cache.get(account, &item), Some(ready));
        }
        assert!(held > 4 * bound as u64, "the test does not reach the bound");
        assert!(cache.0.len() > 100, "nothing is kept");
    }

    #[test]
    fn no_bytes_are_no_cache() {
        assert!(ReadyItems::new(0).is_none());
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
