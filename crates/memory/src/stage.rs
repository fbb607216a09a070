//! The stage: which uids an account knows, which of them wait, and in which order.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use incoming_leads_model::{
    Category, Direction, Event, Identity, Item, ListFilter, Moment, Order, OrderKey, PipelineId, Tally, Uid,
    Window,
};

use crate::index::tree::{Count, Tree};
use crate::index::union;
use crate::index::windows::Windows;
use crate::log::{Log, Part, Position};
use crate::packed::{self, Text};

/// The number of a uid in its account. Slots are never given back: the history needs them.
pub(crate) type Slot = u32;

type Ranks = Tree<Slot, Count>;

/// The stage of one account, and all that is remembered of what left it.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    log: Log,
    heads: Vec<Head>,
    /// Current items that are no longer as they came in.
    restaged: HashMap<Slot, Box<[u8]>>,
    uids: HashTable<Slot>,
    /// Of items that wait and have an identity, by [`Head::identity`].
    identities: HashTable<Slot>,
    hasher: RandomState,
    created: Lists,
    updated: Lists,
    /// Leads, contacts and companies that are still as they were made, by id.
    made: [Ranks; 3],
    windows: Windows,
}

/// What is looked at without reading a record.
#[derive(Debug, Clone)]
struct Head {
    created_at: Moment,
    updated_at: Moment,
    /// Where the uid, and mostly the item, lies.
    first: Position,
    /// The latest record; from there the log leads back.
    last: Position,
    /// The lead, contact and company that were made with it; 0 is none.
    made: [u64; 3],
    /// Part of the hash of the identity. It is never told and its key is random, so nobody can aim at it.
    identity: u32,
    /// The version of the item while it waits, else 0.
    version: u32,
}

/// The lists of one order: one for each filter, so that a page costs its length wherever it lies.
#[derive(Debug, Clone, Default)]
struct Lists {
    all: ByCategory,
    pipelines: BTreeMap<PipelineId, ByCategory>,
}

#[derive(Debug, Clone, Default)]
struct ByCategory {
    all: Ranks,
    categories: [Ranks; 4],
}

impl Stage {
    pub(crate) fn new(log: Log) -> Self {
        Self {
            log,
            heads: Vec::new(),
            restaged: HashMap::new(),
            uids: HashTable::new(),
            identities: HashTable::new(),
            hasher: RandomState::new(),
            created: Lists::default(),
            updated: Lists::default(),
            made: Default::default(),
            windows: Windows::default(),
        }
    }

    pub(crate) const fn log(&self) -> &Log {
        &self.log
    }

    /// The slot of a uid that ever was here.
    pub(crate) fn slot(&self, uid: &Uid) -> Option<Slot> {
        let mut bytes = Vec::with_capacity(64);
        packed::write(uid, &mut bytes);
        self.slot_of(Text::next(&bytes))
    }

    fn slot_of(&self, uid: Text<'_>) -> Option<Slot> {
        self.uids.find(self.hasher.hash_one(uid), |slot| self.uid(*slot) == uid).copied()
    }

    /// Whether it waits.
    pub(crate) fn is_pending(&self, slot: Slot) -> bool {
        self.head(slot).version > 0
    }

    /// Uid and version of an item that waits.
    pub(crate) fn version(&self, slot: Slot) -> (Uid, u64) {
        (self.log.whole_uid(self.head(slot).first), u64::from(self.head(slot).version))
    }

    /// The item as it is, or was when it was decided; none if only later events of it are known.
    pub(crate) fn item(&self, slot: Slot) -> Option<Item> {
        match self.restaged.get(&slot) {
            Some(bytes) => Some(packed::read(&mut &bytes[..])),
            None => self.log.item(self.head(slot).first),
        }
    }

    /// The latest event of a slot; none if it came with an import and nothing has happened since.
    pub(crate) fn last_event(&self, slot: Slot) -> Option<Event> {
        self.log.event(self.head(slot).last)
    }

    /// Where the entity of this id was made, if it is still as it was made.
    pub(crate) fn made(&self, part: Part, id: u64) -> Option<Position> {
        let list = &self.made[part as usize];
        let id_of = |slot: &Slot| self.head(*slot).made[part as usize];
        let rank = list.rank(|slot| id_of(slot).cmp(&id));
        let slot = list.iter_from(rank).next().filter(|slot| id_of(slot) == id)?;
        Some(self.head(slot).first)
    }

    /// From now on the entity of this id is kept elsewhere.
    pub(crate) fn unmake(&mut self, part: Part, id: u64) {
        let heads = &self.heads;
        self.made[part as usize].remove(|slot| heads[*slot as usize].made[part as usize].cmp(&id));
    }

    /// The items that wait and have this identity, in the order in which they came.
    pub(crate) fn twins(&self, identity: &Identity) -> Vec<Item> {
        let hash = self.identity_hash(identity);
        let alike = self.identities.iter_hash(spread(hash)).filter(|slot| self.head(**slot).identity == hash);
        let mut slots: Vec<Slot> = alike.copied().collect();
        slots.sort_unstable();
        let items = slots.into_iter().filter_map(|slot| self.item(slot));
        items.filter(|item| Identity::of(&item.metadata).as_ref() == Some(identity)).collect()
    }

    /// The slots of a page, in order, and whether more follow.
    pub(crate) fn page(
        &self,
        filter: &ListFilter,
        order: Order,
        offset: u64,
        size: u32,
    ) -> (Vec<Slot>, bool) {
        let compare = |one: &Slot, other: &Slot| self.compare(order.key, *one, *other);
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let page = |total: usize| {
            let from = offset.min(total);
            let to = from.saturating_add(size as usize).min(total);
            // Descending is the exact reverse of ascending, the uid included (R13).
            match order.direction {
                Direction::Ascending => (from..to, to < total),
                Direction::Descending => (total - to..total - from, to < total),
            }
        };
        let (mut slots, more) = match &filter.uids {
            Some(uids) => {
                let mut slots: Vec<Slot> = uids.iter().filter_map(|uid| self.admitted(uid, filter)).collect();
                slots.sort_unstable_by(compare);
                slots.dedup();
                let (range, more) = page(slots.len());
                (slots[range].to_vec(), more)
            }
            None => {
                let lists = self.lists(order.key).admitted(filter);
                let (range, more) = page(lists.iter().map(|list| list.len()).sum());
                (union::slice(&lists, range.start, range.end, compare), more)
            }
        };
        if order.direction == Direction::Descending {
            slots.reverse();
        }
        (slots, more)
    }

    /// The tally of a window, of these pipelines or all.
    pub(crate) fn tally(&self, pipelines: Option<&[PipelineId]>, window: Window) -> Tally {
        self.windows.tally(pipelines, window)
    }

    /// All events of a uid, latest first.
    pub(crate) fn events_of(&self, uid: &Uid) -> impl Iterator<Item = Event> {
        let last = self.slot(uid).map(|slot| self.head(slot).last);
        let positions = std::iter::successors(last, |at| self.log.previous(*at));
        positions.filter_map(|at| self.log.event(at))
    }

    /// Writes an event down and counts it. What it does to the stage, its changes say.
    pub(crate) fn record(&mut self, event: &Event) -> Slot {
        let known = self.slot(&event.uid);
        let at = self.log.append(event, known.map(|slot| self.head(slot).last));
        self.windows.add(event.pipeline_id, event.moment(), Tally::of(event));
        match known {
            Some(slot) => {
                self.heads[slot as usize].last = at;
                slot
            }
            None => self.new_slot(at, event.created_at, event.recorded_at),
        }
    }

    /// Puts an item on the stage; its uid may be known from the log already.
    pub(crate) fn stage(&mut self, item: &Item) -> Slot {
        let slot = match self.slot(&item.uid) {
            Some(slot) => slot,
            None => {
                let at = self.log.append_item(item);
                self.new_slot(at, item.created_at, item.updated_at)
            }
        };
        if let Some(old) = self.item(slot).filter(|_| self.is_pending(slot)) {
            self.delist(slot, &old);
        }
        if self.log.item(self.head(slot).first).as_ref() == Some(item) {
            self.restaged.remove(&slot);
        } else {
            self.keep_restaged(slot, item);
        }
        self.enlist(slot, item);
        slot
    }

    /// Changes an item that waits.
    pub(crate) fn restage(&mut self, uid: &Uid, change: impl FnOnce(&mut Item)) {
        let Some((slot, mut item)) = self.pending(uid) else { return };
        self.delist(slot, &item);
        change(&mut item);
        self.keep_restaged(slot, &item);
        self.enlist(slot, &item);
    }

    /// Takes an item off the stage.
    pub(crate) fn unstage(&mut self, uid: &Uid) {
        if let Some((slot, item)) = self.pending(uid) {
            self.delist(slot, &item);
        }
    }

    /// Says that the entity of this id is as the slot's record made it.
    pub(crate) fn make(&mut self, part: Part, id: u64, slot: Slot) {
        self.heads[slot as usize].made[part as usize] = id;
        let heads = &self.heads;
        self.made[part as usize].insert(slot, |other| heads[*other as usize].made[part as usize].cmp(&id));
    }

    /// Where the slot's record lies.
    pub(crate) fn first(&self, slot: Slot) -> Position {
        self.head(slot).first
    }

    /// All slots.
    pub(crate) fn slots(&self) -> std::ops::Range<Slot> {
        0..Slot::try_from(self.heads.len()).expect("memory ends before 2^32 leads of one account")
    }

    /// Ids of the entities that are still as the slot's record made them.
    pub(crate) fn still_made(&self, slot: Slot) -> impl Iterator<Item = (Part, u64)> {
        let ids = self.head(slot).made;
        let parts = Part::ALL.into_iter().zip(ids);
        parts.filter(move |(part, id)| self.made(*part, *id) == Some(self.head(slot).first))
    }

    fn pending(&self, uid: &Uid) -> Option<(Slot, Item)> {
        let slot = self.slot(uid).filter(|slot| self.is_pending(*slot))?;
        Some((slot, self.item(slot)?))
    }

    fn admitted(&self, uid: &Uid, filter: &ListFilter) -> Option<Slot> {
        let (slot, item) = self.pending(uid)?;
        filter.admits(uid, item.category(), item.pipeline_id).then_some(slot)
    }

    fn head(&self, slot: Slot) -> &Head {
        &self.heads[slot as usize]
    }

    fn uid(&self, slot: Slot) -> Text<'_> {
        self.log.uid(self.head(slot).first)
    }

    fn lists(&self, key: OrderKey) -> &Lists {
        match key {
            OrderKey::CreatedAt => &self.created,
            OrderKey::UpdatedAt => &self.updated,
        }
    }

    fn compare(&self, key: OrderKey, one: Slot, other: Slot) -> Ordering {
        compare(&self.heads, &self.log, key, one, other)
    }

    fn identity_hash(&self, identity: &Identity) -> u32 {
        // The lower half of the hash is enough: whoever finds it compares the identities themselves.
        self.hasher.hash_one(identity.as_str()) as u32
    }

    fn new_slot(&mut self, at: Position, created_at: Moment, updated_at: Moment) -> Slot {
        let slot = Slot::try_from(self.heads.len()).expect("memory ends before 2^32 leads of one account");
        self.heads.push(Head {
            created_at,
            updated_at,
            first: at,
            last: at,
            made: [0; 3],
            identity: 0,
            version: 0,
        });
        let (heads, log, hasher) = (&self.heads, &self.log, &self.hasher);
        let hash = |slot: &Slot| hasher.hash_one(log.uid(heads[*slot as usize].first));
        self.uids.insert_unique(hash(&slot), slot, hash);
        slot
    }

    fn keep_restaged(&mut self, slot: Slot, item: &Item) {
        let mut bytes = Vec::new();
        packed::write(item, &mut bytes);
        self.restaged.insert(slot, bytes.into());
    }

    fn enlist(&mut self, slot: Slot, item: &Item) {
        let identity = Identity::of(&item.metadata).map(|identity| self.identity_hash(&identity));
        let head = &mut self.heads[slot as usize];
        (head.created_at, head.updated_at) = (item.created_at, item.updated_at);
        // Nobody updates a chat four thousand million times; a version that stood still would only be cached too long.
        head.version = u32::try_from(item.version).unwrap_or(u32::MAX).max(1);
        if let Some(identity) = identity {
            head.identity = identity;
            let heads = &self.heads;
            self.identities
                .insert_unique(spread(identity), slot, |slot| spread(heads[*slot as usize].identity));
        }
        self.each_list(item, |list, compare| list.insert(slot, |other| compare(other, slot)));
    }

    fn delist(&mut self, slot: Slot, item: &Item) {
        let hash = spread(self.head(slot).identity);
        if let Ok(entry) = self.identities.find_entry(hash, |other| *other == slot) {
            entry.remove();
        }
        self.each_list(item, |list, compare| {
            list.remove(|other| compare(other, slot));
        });
        self.heads[slot as usize].version = 0;
    }

    /// Does something to each of the lists that the item belongs to.
    fn each_list(&mut self, item: &Item, mut act: impl FnMut(&mut Ranks, &dyn Fn(&Slot, Slot) -> Ordering)) {
        let (heads, log) = (&self.heads, &self.log);
        let orders = [(OrderKey::CreatedAt, &mut self.created), (OrderKey::UpdatedAt, &mut self.updated)];
        for (key, lists) in orders {
            let compare = |one: &Slot, other: Slot| compare(heads, log, key, *one, other);
            for group in [&mut lists.all, lists.pipelines.entry(item.pipeline_id).or_default()] {
                act(&mut group.all, &compare);
                act(&mut group.categories[item.category().index()], &compare);
            }
        }
    }
}

impl Lists {
    /// Lists that together hold just what the filter admits, its uids apart.
    fn admitted(&self, filter: &ListFilter) -> Vec<&Ranks> {
        let groups: Vec<&ByCategory> = match &filter.pipelines {
            None => vec![&self.all],
            Some(ids) => {
                self.pipelines.iter().filter(|(id, _)| ids.contains(id)).map(|(_, group)| group).collect()
            }
        };
        let admits = |category: &Category| {
            filter.categories.as_ref().is_none_or(|categories| categories.contains(category))
        };
        if Category::ALL.iter().all(admits) {
            return groups.into_iter().map(|group| &group.all).collect();
        }
        let categories = Category::ALL.into_iter().filter(admits);
        categories
            .flat_map(|category| groups.iter().map(move |group| &group.categories[category.index()]))
            .collect()
    }
}

/// By (key, uid), ascending (R13).
fn compare(heads: &[Head], log: &Log, key: OrderKey, one: Slot, other: Slot) -> Ordering {
    let [one, other] = [one, other].map(|slot| &heads[slot as usize]);
    let moment = |head: &Head| match key {
        OrderKey::CreatedAt => head.created_at,
        OrderKey::UpdatedAt => head.updated_at,
    };
    moment(one).cmp(&moment(other)).then_with(|| log.uid(one.first).cmp(&log.uid(other.first)))
}

/// Part of a hash as a whole one: hash tables read the upper bits too.
const fn spread(hash: u32) -> u64 {
    (hash as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
