//! How the items of an add, or the one item of intake, are decided (R2-R6, R16).

use std::collections::BTreeMap;
use std::fmt::Display;

use serde_json::{Map, Value};

use crate::account::DuplicatePolicy;
use crate::draft::{Card, CompanyDraft, ContactDraft, Draft, LeadDraft, TagRef};
use crate::entity::{Company, Contact, EntityRef, Lead, Note, Stamp, Tag};
use crate::fault::{Fault, FaultCode, Path};
use crate::id::{LeadId, PipelineId, StatusId, TagId};
use crate::identity::Identity;
use crate::item::{Item, Linked, Links};
use crate::lifecycle::add::{AddFacts, Channel, DUPLICATE_TAG, Minted, Standing, Wants, not_taken};
use crate::lifecycle::check::Check;
use crate::lifecycle::command::Scene;
use crate::lifecycle::event::{Added, Event, EventKind, Updated};
use crate::limits::MAX_TAGS;
use crate::metadata::{Category, ChatsMetadata, Metadata};
use crate::required::{self, Generation};

/// By which door an item comes in.
#[derive(Clone, Copy)]
pub(super) enum Door {
    /// The API, and by which wire.
    Add(Channel, Generation),
    /// A built-in integration.
    Intake,
}

impl Door {
    fn takes(self, category: Category) -> bool {
        match self {
            Door::Add(channel, _) => category == channel.category(),
            Door::Intake => matches!(category, Category::Chats | Category::Mail),
        }
    }
}

/// A batch while it is decided: what the store found, and what earlier items of the batch add to it.
pub(super) struct Batch<'a> {
    scene: Scene<'a>,
    facts: &'a AddFacts,
    door: Door,
    /// Places and leads of earlier items.
    earlier: BTreeMap<Identity, Vec<(usize, LeadId)>>,
    tag_names: BTreeMap<TagId, &'a str>,
    /// Of the tags that the store found and of those that items of the batch make.
    tag_ids: BTreeMap<String, TagId>,
    /// Tags that the item in hand makes.
    made_tags: Vec<Tag>,
    /// Ids for more of them.
    spare_tags: std::vec::IntoIter<TagId>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(scene: Scene<'a>, facts: &'a AddFacts, door: Door) -> Self {
        Self {
            scene,
            facts,
            door,
            earlier: BTreeMap::new(),
            tag_names: facts.tags.iter().map(|tag| (tag.id, tag.name.as_str())).collect(),
            tag_ids: facts.tags.iter().map(|tag| (tag.name.clone(), tag.id)).collect(),
            made_tags: Vec::new(),
            spare_tags: Vec::new().into_iter(),
        }
    }

    /// Decides the next item.
    pub(super) fn item(&mut self, index: usize, draft: &Draft, minted: &Minted) -> Result<Event, Vec<Fault>> {
        let Wants { notes, tags } = Wants::of(draft);
        assert!(notes <= minted.notes.len(), "as many note ids are minted as are wanted");
        assert!(tags <= minted.tags.len(), "as many tag ids are minted as are wanted");
        self.spare_tags = minted.tags.clone().into_iter();

        let mut faults = Check::new(self.scene.layout).draft(draft);
        faults.extend(self.missing(draft));
        faults.extend(self.not_live(draft));
        let place = self.place(draft).map_err(|fault| faults.push(fault)).ok();
        let cards = self.cards(draft, &mut faults);
        let twins = self.twins(index, draft, lead_of(draft, minted).id());
        if let (Some(Metadata::Chats(chat)), Some(twin), true) =
            (&draft.metadata, twins.waiting.first(), faults.is_empty())
        {
            return Ok(self.updated(twin, chat));
        }
        match self.scene.layout.policies.duplicates {
            DuplicatePolicy::Refuse => faults.extend(twins.fault()),
            DuplicatePolicy::Tag => {}
        }
        match (&draft.metadata, place) {
            (Some(metadata), Some(place)) if faults.is_empty() => {
                Ok(self.added(draft, metadata, cards, place, &twins, minted))
            }
            (Some(_) | None, Some(_) | None) => Err(faults),
        }
    }

    /// What the door asks for and the draft lacks (R2, R4).
    fn missing(&self, draft: &Draft) -> Vec<Fault> {
        let fault = |path| Fault::new(FaultCode::FieldMissing, path, "this field is missing");
        let is_empty = |text: &Option<String>| text.as_deref().unwrap_or_default().is_empty();
        let category = draft.metadata.as_ref().map(Metadata::category);
        let is_taken = category.is_some_and(|category| self.door.takes(category));
        let mut faults = Vec::new();
        match self.door {
            // Built-in intake has no source of an integration to name.
            Door::Intake => {}
            Door::Add(channel, generation) => {
                faults.extend(is_empty(&draft.source_name).then(|| fault(Path::of("source_name"))));
                faults.extend(is_empty(&draft.source_uid).then(|| fault(Path::of("source_uid"))));
                let policy = self.scene.layout.policies.required;
                let keys = required::missing(policy, generation, channel.category(), draft);
                // Where the metadata are not there or wrong as a whole, that one fault says it all.
                let keys = keys.filter(|key| is_taken || key.path.len() == 1);
                faults.extend(keys.map(|key| fault(key.path.iter().copied().collect())));
            }
        }
        match category {
            None => faults.push(fault(Path::of("metadata"))),
            Some(category) if !is_taken => faults.push(not_taken(category)),
            Some(_) => {}
        }
        faults
    }

    /// Entities that are named by id must be live (R16).
    fn not_live(&self, draft: &Draft) -> Vec<Fault> {
        let AddFacts { leads, contacts, companies, twins: _, tags: _ } = self.facts;
        let mut faults = Vec::new();
        for (at, id) in draft.leads.iter().enumerate().filter_map(|(at, lead)| Some((at, lead.id?))) {
            faults.extend(not_live("leads", at, leads.get(&id).map(|lead| lead.standing), id));
        }
        for (at, id) in draft.contacts.iter().enumerate().filter_map(|(at, contact)| Some((at, contact.id?)))
        {
            faults.extend(not_live("contacts", at, contacts.get(&id).copied(), id));
        }
        for (at, id) in draft.companies.iter().enumerate().filter_map(|(at, company)| Some((at, company.id?)))
        {
            faults.extend(not_live("companies", at, companies.get(&id).copied(), id));
        }
        faults
    }

    /// Where the lead will wait (R3); an existing one stays in its own pipeline (R16).
    fn place(&self, draft: &Draft) -> Result<Place, Fault> {
        let layout = self.scene.layout;
        let fault =
            |detail: String| Fault::new(FaultCode::NotSupportedChoice, Path::of("pipeline_id"), detail);
        let existing = draft.leads.first().and_then(|lead| self.facts.leads.get(&lead.id?));
        let pipeline = match (draft.pipeline_id, existing.map(|lead| lead.pipeline_id)) {
            (Some(named), Some(own)) if named != own => {
                return Err(fault(format!("the existing lead stands in pipeline {own}, not in {named}")));
            }
            (Some(id), _) | (None, Some(id)) => {
                layout.pipeline(id).ok_or_else(|| fault(format!("the account has no pipeline {id}")))?
            }
            (None, None) => {
                layout.main_pipeline().ok_or_else(|| fault("the account has no main pipeline".to_owned()))?
            }
        };
        if pipeline.is_archive {
            return Err(fault(format!("pipeline {} is archived", pipeline.id)));
        }
        match pipeline.unsorted_status() {
            Some(status) if pipeline.is_unsorted_on => {
                Ok(Place { pipeline: pipeline.id, unsorted: status.id })
            }
            Some(_) | None => {
                Err(fault(format!("the stage of incoming leads is switched off in pipeline {}", pipeline.id)))
            }
        }
    }

    fn cards(&mut self, draft: &Draft, faults: &mut Vec<Fault>) -> Cards {
        let (lead, contact, company) = (draft.leads.first(), draft.contacts.first(), draft.companies.first());
        Cards {
            lead: lead.map(|LeadDraft { card, .. }| self.card("leads", card, faults)),
            contact: contact.map(|ContactDraft { card, .. }| self.card("contacts", card, faults)),
            company: company.map(|CompanyDraft { card, .. }| self.card("companies", card, faults)),
        }
    }

    /// The card with tags that have both id and name, each once.
    fn card(&mut self, list: &'static str, card: &Card, faults: &mut Vec<Fault>) -> Card {
        let mut tags = Vec::with_capacity(card.tags.len());
        for (index, tag) in card.tags.iter().enumerate().take(MAX_TAGS) {
            let tag = match tag {
                TagRef { id: Some(id), .. } => self.known_tag(*id).ok_or_else(|| {
                    let path = Path::of(list).index(0).key("tags").index(index).key("id");
                    Fault::new(FaultCode::NotSupportedChoice, path, format!("the account has no tag {id}"))
                }),
                TagRef { id: None, name: Some(name) } => Ok(self.tag_named(name)),
                // The check of the draft has told.
                TagRef { id: None, name: None } => continue,
            };
            match tag {
                Ok(tag) if !tags.contains(&tag) => tags.push(tag),
                Ok(_) => {}
                Err(fault) => faults.push(fault),
            }
        }
        Card { tags, ..card.clone() }
    }

    fn known_tag(&self, id: TagId) -> Option<TagRef> {
        self.tag_names.get(&id).map(|name| TagRef { id: Some(id), name: Some((*name).to_owned()) })
    }

    /// The tag of this name; a new name makes it (R16).
    fn tag_named(&mut self, name: &str) -> TagRef {
        let known = self.tag_ids.get(name).copied();
        let id = known.unwrap_or_else(|| {
            let id = self.spare_tags.next().expect("as many tag ids are minted as are wanted");
            self.tag_ids.insert(name.to_owned(), id);
            self.made_tags.push(Tag { id, name: name.to_owned() });
            id
        });
        TagRef { id: Some(id), name: Some(name.to_owned()) }
    }

    /// What waits already and is identical (R6).
    fn twins(&mut self, index: usize, draft: &Draft, lead: LeadId) -> Twins<'a> {
        let taken = draft.metadata.as_ref().filter(|metadata| self.door.takes(metadata.category()));
        let Some(identity) = taken.and_then(Identity::of) else { return Twins::default() };
        let waiting = self.facts.twins.get(&identity).map(Vec::as_slice).unwrap_or_default();
        let earlier = self.earlier.entry(identity).or_default();
        let siblings = earlier.clone();
        earlier.push((index, lead));
        Twins { waiting, siblings }
    }

    /// A chat that waits gets a further message (R2).
    fn updated(&self, twin: &Item, chat: &ChatsMetadata) -> Event {
        let updated = Updated {
            last_message_text: chat.last_message_text.clone(),
            received_at: chat.received_at,
            links: twin.links,
        };
        Event::of(self.scene, twin, self.scene.caller, EventKind::Updated(updated))
    }

    fn added(
        &mut self,
        draft: &Draft,
        metadata: &Metadata,
        cards: Cards,
        place: Place,
        twins: &Twins<'_>,
        minted: &Minted,
    ) -> Event {
        let duplicates = twins.leads();
        let duplicate_tag = (!duplicates.is_empty()).then(|| self.tag_named(DUPLICATE_TAG));
        let now = self.scene.now;
        let created_at = draft.created_at.unwrap_or(now);
        let by = Some(self.scene.caller);
        let stamp = Stamp { created_by: by, updated_by: by, created_at, updated_at: now, is_deleted: false };

        let lead_draft = draft.leads.first();
        let lead_link = lead_of(draft, minted);
        let contact_link = draft.contacts.first().map(|contact| link(contact.id, minted.contact));
        let company_link = draft.companies.first().map(|company| link(company.id, minted.company));
        let contact_id = contact_link.map(Linked::id);
        let company_id = company_link.map(Linked::id);
        let lead = lead_link.made().map(|id| Lead {
            id,
            pipeline_id: place.pipeline,
            status_id: place.unsorted,
            price: lead_draft.and_then(|lead| lead.price).unwrap_or(0),
            card: cards.lead.unwrap_or_default(),
            contacts: contact_id.into_iter().collect(),
            company: company_id,
            closed_at: None,
            is_unsorted: true,
            stamp,
        });
        let contact = draft.contacts.first().zip(contact_link.and_then(Linked::made));
        let contact = contact.map(|(ContactDraft { first_name, last_name, .. }, id)| Contact {
            id,
            first_name: first_name.clone(),
            last_name: last_name.clone(),
            card: cards.contact.unwrap_or_default(),
            company: company_id,
            is_unsorted: true,
            stamp,
        });
        let company = company_link.and_then(Linked::made).map(|id| Company {
            id,
            card: cards.company.unwrap_or_default(),
            is_unsorted: true,
            stamp,
        });
        let item = Item {
            uid: minted.uid.clone(),
            source_name: draft.source_name.clone(),
            source_uid: draft.source_uid.clone(),
            pipeline_id: place.pipeline,
            created_at,
            updated_at: now,
            version: 1,
            metadata: metadata.clone(),
            links: Links { lead: lead_link, contact: contact_link, company: company_link },
        };
        let added = Added {
            lead,
            contact,
            company,
            notes: self.notes(lead_draft, lead_link.id(), minted),
            tags: std::mem::take(&mut self.made_tags),
            duplicate_tag,
            duplicates,
            item,
        };
        Event {
            account_id: self.scene.layout.account.id,
            uid: minted.uid.clone(),
            category: metadata.category(),
            pipeline_id: place.pipeline,
            created_at,
            recorded_at: now,
            by: self.scene.caller,
            on_behalf_of: self.scene.caller,
            kind: EventKind::Added(Box::new(added)),
        }
    }

    fn notes(&self, draft: Option<&LeadDraft>, lead: LeadId, minted: &Minted) -> Vec<Note> {
        let drafts = draft.map(|lead| lead.notes.as_slice()).unwrap_or_default();
        let notes = drafts.iter().zip(&minted.notes).map(|(note, id)| {
            let mut params = Map::new();
            params.extend(note.text.clone().map(|text| ("text".to_owned(), Value::String(text))));
            params.extend(note.further.clone());
            Note {
                id: *id,
                entity: EntityRef::Lead(lead),
                kind: note.kind.clone().unwrap_or_else(|| "common".to_owned()),
                params,
                created_by: Some(self.scene.caller),
                created_at: self.scene.now,
            }
        });
        notes.collect()
    }
}

/// Where the lead of an item stands while it waits.
#[derive(Clone, Copy)]
struct Place {
    pipeline: PipelineId,
    unsorted: StatusId,
}

/// Cards whose tags have both id and name.
struct Cards {
    lead: Option<Card>,
    contact: Option<Card>,
    company: Option<Card>,
}

/// What is identical to an item.
#[derive(Default)]
struct Twins<'a> {
    /// In the store.
    waiting: &'a [Item],
    /// Earlier in the batch: places and leads.
    siblings: Vec<(usize, LeadId)>,
}

impl Twins<'_> {
    fn leads(&self) -> Vec<LeadId> {
        let waiting = self.waiting.iter().map(|twin| twin.links.lead.id());
        waiting.chain(self.siblings.iter().map(|(_, lead)| *lead)).collect()
    }

    fn fault(&self) -> Option<Fault> {
        let (existing, detail) = match (self.waiting.first(), self.siblings.first()) {
            (Some(twin), _) => {
                (Some(twin.uid.clone()), format!("an identical incoming lead waits already: {}", twin.uid))
            }
            (None, Some((index, _))) => (None, format!("identical to item {index} of the same batch")),
            (None, None) => return None,
        };
        Some(Fault { existing, ..Fault::new(FaultCode::Duplicate, Path::of("metadata"), detail) })
    }
}

fn not_live(list: &'static str, at: usize, standing: Option<Standing>, id: impl Display) -> Option<Fault> {
    let path = || Path::of(list).index(at).key("id");
    Standing::refusal(standing)
        .map(|why| Fault::new(FaultCode::NotSupportedChoice, path(), format!("{id} {why}")))
}

fn lead_of(draft: &Draft, minted: &Minted) -> Linked<LeadId> {
    link(draft.leads.first().and_then(|lead| lead.id), minted.lead)
}

fn link<I>(existing: Option<I>, minted: I) -> Linked<I> {
    existing.map_or(Linked::Made(minted), Linked::Existing)
}
