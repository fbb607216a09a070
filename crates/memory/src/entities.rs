//! Leads, contacts, companies and customers that are no longer, or never were, as an add made them; tags and notes.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use incoming_leads_model::{
    Company, CompanyId, Contact, ContactId, Customer, CustomerId, EntityRef, Lead, LeadId, Note, NoteId, Tag,
    TagId,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::index::tree::{Count, Tree};
use crate::log::Part;
use crate::packed;

/// An entity that is found by its number.
pub(crate) trait Kept: Serialize + DeserializeOwned + PartialEq {
    type Id: Copy + Into<u64>;
    /// What an add makes of this kind.
    const PART: Option<Part>;

    fn id(&self) -> Self::Id;
    fn is_listed(&self) -> bool;
    fn is_later_than(&self, other: &Self) -> bool;
    fn kind(entities: &Entities) -> &Kind;
    fn kind_mut(entities: &mut Entities) -> &mut Kind;
}

macro_rules! kept {
    ($($entity:ident $id:ident $kind:ident $part:expr;)*) => {$(
        impl Kept for $entity {
            type Id = $id;
            const PART: Option<Part> = $part;

            fn id(&self) -> $id {
                self.id
            }

            fn is_listed(&self) -> bool {
                $entity::is_listed(self)
            }

            fn is_later_than(&self, other: &Self) -> bool {
                $entity::is_later_than(self, other)
            }

            fn kind(entities: &Entities) -> &Kind {
                &entities.$kind
            }

            fn kind_mut(entities: &mut Entities) -> &mut Kind {
                &mut entities.$kind
            }
        }
    )*};
}

kept! {
    Lead LeadId leads Some(Part::Lead);
    Contact ContactId contacts Some(Part::Contact);
    Company CompanyId companies Some(Part::Company);
    Customer CustomerId customers None;
}

/// What an account holds beside its incoming leads.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entities {
    leads: Kind,
    contacts: Kind,
    companies: Kind,
    customers: Kind,
    tags: BTreeMap<TagId, Tag>,
    tag_names: HashMap<String, TagId>,
    notes: BTreeMap<(EntityRef, NoteId), Box<[u8]>>,
}

/// The entities of one kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kind {
    rows: BTreeMap<u64, Box<[u8]>>,
    /// What lists show, wherever it is kept.
    listed: Tree<u64, Count>,
}

impl Kind {
    /// Says whether lists show the entity of this id.
    pub(crate) fn list(&mut self, id: u64, is_listed: bool) {
        let compare = |other: &u64| other.cmp(&id);
        self.listed.remove(compare);
        if is_listed {
            self.listed.insert(id, compare);
        }
    }

    /// Ids that lists show, and whether more follow.
    pub(crate) fn page(&self, offset: u64, size: u32) -> (Vec<u64>, bool) {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let mut rest = self.listed.iter_from(offset);
        let ids = rest.by_ref().take(size as usize).collect();
        (ids, rest.next().is_some())
    }

    /// The packed rows behind an id.
    pub(crate) fn rows_after(&self, id: u64) -> impl Iterator<Item = (u64, &[u8])> {
        self.rows.range((Bound::Excluded(id), Bound::Unbounded)).map(|(id, bytes)| (*id, &**bytes))
    }
}

impl Entities {
    /// The entity, if it is kept here.
    pub(crate) fn read<T: Kept>(&self, id: T::Id) -> Option<T> {
        T::kind(self).rows.get(&id.into()).map(|bytes| packed::read(&mut &bytes[..]))
    }

    /// Keeps an entity in the place of the one of this id.
    pub(crate) fn write<T: Kept>(&mut self, entity: &T) {
        let mut bytes = Vec::new();
        packed::write(entity, &mut bytes);
        let kind = T::kind_mut(self);
        kind.rows.insert(entity.id().into(), bytes.into());
        kind.list(entity.id().into(), entity.is_listed());
    }

    /// Keeps the entity no longer: it is read from elsewhere, and lists go on showing it or not.
    pub(crate) fn drop_row<T: Kept>(&mut self, id: T::Id) {
        T::kind_mut(self).rows.remove(&id.into());
    }

    pub(crate) fn tag(&self, id: TagId) -> Option<&Tag> {
        self.tags.get(&id)
    }

    pub(crate) fn tag_named(&self, name: &str) -> Option<&Tag> {
        self.tag_names.get(name).and_then(|id| self.tag(*id))
    }

    pub(crate) fn tags(&self) -> impl Iterator<Item = &Tag> {
        self.tags.values()
    }

    pub(crate) fn write_tag(&mut self, tag: Tag) {
        if let Some(namesake) = self.tag_names.insert(tag.name.clone(), tag.id)
            && namesake != tag.id
        {
            self.tags.remove(&namesake);
        }
        if let Some(old) = self.tags.insert(tag.id, tag.clone())
            && old.name != tag.name
        {
            self.tag_names.remove(&old.name);
        }
    }

    /// The notes on an entity, by id.
    pub(crate) fn notes(&self, on: EntityRef) -> impl Iterator<Item = Note> {
        let of = move |(place, _): &(&(EntityRef, NoteId), _)| place.0 == on;
        let from = NoteId::new(1).map(|first| self.notes.range((on, first)..).take_while(of));
        from.into_iter().flatten().map(|(_, bytes)| packed::read(&mut &bytes[..]))
    }

    /// The notes behind a place, or all.
    pub(crate) fn notes_after(&self, place: Option<(EntityRef, NoteId)>) -> impl Iterator<Item = Note> {
        let from = place.map_or(Bound::Unbounded, Bound::Excluded);
        self.notes.range((from, Bound::Unbounded)).map(|(_, bytes)| packed::read(&mut &bytes[..]))
    }

    pub(crate) fn write_note(&mut self, note: &Note) {
        let mut bytes = Vec::new();
        packed::write(note, &mut bytes);
        self.notes.insert((note.entity, note.id), bytes.into());
    }
}
