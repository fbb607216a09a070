//! Add and intake: the commands that bring incoming leads in (R2-R6, R16).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::account::{DuplicatePolicy, Pipeline, Right};
use crate::draft::{Card, CompanyDraft, ContactDraft, Draft, LeadDraft, TagRef};
use crate::entity::{Company, Contact, EntityRef, Lead, Note, Stamp, Tag};
use crate::fault::{Fault, FaultCode, ItemFaults, Path, Refusal};
use crate::id::{CompanyId, ContactId, LeadId, NoteId, PipelineId, StatusId, TagId, Uid};
use crate::identity::Identity;
use crate::item::{Item, Linked, Links};
use crate::lifecycle::check::{At, Check};
use crate::lifecycle::command::Scene;
use crate::lifecycle::event::{Added, Event, EventKind, Updated};
use crate::limits::MAX_BATCH_ITEMS;
use crate::metadata::{Category, Metadata};
use crate::moment::Moment;
use crate::required::{self, Generation};

/// The tag that identical pending leads get where the policy tags them (R6). Source: a digest of the vendor's page.
pub const DUPLICATE_TAG: &str = "duplicate";

/// To add calls or forms: 1 to 250 of them, all or nothing (R5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Add {
    /// Calls or forms; a wire takes them apart.
    pub channel: Channel,
    /// The wire they came by: it decides which keys are required (R4).
    #[serde(default)]
    pub generation: Generation,
    /// The items.
    pub items: Vec<Draft>,
}

/// What the API adds (R2). Source: both v4 documents, "Only 2 types".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Calls.
    Sip,
    /// Forms.
    Forms,
}

impl Channel {
    /// The category of what it adds.
    #[must_use]
    pub const fn category(self) -> Category {
        match self {
            Channel::Sip => Category::Sip,
            Channel::Forms => Category::Forms,
        }
    }
}

/// To take in one chat message or one mail, as built-in integrations do (R2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TakeIn {
    /// The item; its metadata are a chat's or a mail's.
    pub item: Draft,
}

/// What a store looks up before it decides.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct AddNeeds {
    /// Identities of which pending twins are to be found.
    pub identities: Vec<Identity>,
    /// Leads that are named by id.
    pub leads: Vec<LeadId>,
    /// Contacts that are named by id.
    pub contacts: Vec<ContactId>,
    /// Companies that are named by id.
    pub companies: Vec<CompanyId>,
    /// Tags that are named by id.
    pub tag_ids: Vec<TagId>,
    /// Tags that are named by name.
    pub tag_names: Vec<String>,
}

/// What the store found.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "every store fills it")]
pub struct AddFacts {
    /// The items that wait, by identity.
    pub twins: BTreeMap<Identity, Vec<Item>>,
    /// How the named leads stand; those that are missing here do not exist.
    pub leads: BTreeMap<LeadId, LeadStanding>,
    /// How the named contacts stand; those that are missing here do not exist.
    pub contacts: BTreeMap<ContactId, Standing>,
    /// How the named companies stand; those that are missing here do not exist.
    pub companies: BTreeMap<CompanyId, Standing>,
    /// The named tags that exist.
    pub tags: Vec<Tag>,
}

/// How an entity stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It can be seen and used.
    Live,
    /// It belongs to an incoming lead that waits.
    Hidden,
    /// It lies in the bin.
    Binned,
}

/// How a lead stands, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "every store fills it")]
pub struct LeadStanding {
    /// How it stands.
    pub standing: Standing,
    /// Its pipeline.
    pub pipeline_id: PipelineId,
}

impl Standing {
    /// Of an entity with these two flags.
    #[must_use]
    pub const fn of(is_unsorted: bool, is_deleted: bool) -> Self {
        if is_deleted {
            Standing::Binned
        } else if is_unsorted {
            Standing::Hidden
        } else {
            Standing::Live
        }
    }
}

/// How many ids one item may use up beside its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wants {
    /// Note ids.
    pub notes: usize,
    /// Tag ids.
    pub tags: usize,
}

/// The ids of one item, made before it is decided; a retry keeps them, and gaps do not matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Minted {
    /// Its uid.
    pub uid: Uid,
    /// The id of its lead.
    pub lead: LeadId,
    /// The id of its contact.
    pub contact: ContactId,
    /// The id of its company.
    pub company: CompanyId,
    /// Ids of its notes, as many as were wanted.
    pub notes: Vec<NoteId>,
    /// Ids of its new tags, as many as were wanted.
    pub tags: Vec<TagId>,
}

impl Add {
    /// To add calls, as v4 does.
    #[must_use]
    pub const fn calls(items: Vec<Draft>) -> Self {
        Self { channel: Channel::Sip, generation: Generation::V4, items }
    }

    /// To add forms, as v4 does.
    #[must_use]
    pub const fn forms(items: Vec<Draft>) -> Self {
        Self { channel: Channel::Forms, generation: Generation::V4, items }
    }

    /// What the store is to look up.
    #[must_use]
    pub fn needs(&self) -> AddNeeds {
        let mut needs = AddNeeds::default();
        self.items.iter().for_each(|item| needs.of(item));
        needs
    }

    /// How many ids each item may use up.
    #[must_use]
    pub fn wants(&self) -> Vec<Wants> {
        self.items.iter().map(wants).collect()
    }

    /// Decides. `minted` has the ids of each item, in order, as many as [`Add::wants`] says.
    ///
    /// # Errors
    /// The right to add is missing; the batch is empty or too large; items are wrong, of which all faults are told.
    pub fn decide(
        &self,
        scene: Scene<'_>,
        facts: &AddFacts,
        minted: &[Minted],
    ) -> Result<Vec<Event>, Refusal> {
        scene.layout.authorize(scene.caller, Right::Add)?;
        let count = self.items.len();
        if count == 0 {
            return Err(whole(FaultCode::TooFew, "the batch is empty: send 1 to 250 items".to_owned()));
        }
        if count > MAX_BATCH_ITEMS {
            return Err(whole(
                FaultCode::TooMany,
                format!("{count} items, at most {MAX_BATCH_ITEMS} are taken at once"),
            ));
        }
        let mut batch = Batch::new(scene, facts);
        let mut refused = Vec::new();
        let mut events = Vec::with_capacity(count);
        for (index, (draft, minted)) in self.items.iter().zip(minted).enumerate() {
            match batch.item(index, draft, Some(self), minted) {
                Ok(event) => events.push(event),
                Err(faults) => refused.push(ItemFaults { index, faults }),
            }
        }
        if refused.is_empty() { Ok(events) } else { Err(Refusal::Items(refused)) }
    }
}

impl TakeIn {
    /// To take this item in. A contact that is not given is made with the name of the chat's or mail's author.
    #[must_use]
    pub fn new(mut item: Draft) -> Self {
        let author = match &item.metadata {
            Some(Metadata::Chats(chat)) => chat.client.name.clone().or_else(|| chat.from.clone()),
            Some(Metadata::Mail(mail)) => mail.from.name.clone().or_else(|| mail.from.email.clone()),
            Some(Metadata::Sip(_) | Metadata::Forms(_)) | None => None,
        };
        if let (true, Some(name)) = (item.contacts.is_empty(), author.filter(|name| !name.is_empty())) {
            item.contacts.push(ContactDraft {
                card: Card { name: Some(name), ..Card::default() },
                ..ContactDraft::default()
            });
        }
        Self { item }
    }

    /// What the store is to look up.
    #[must_use]
    pub fn needs(&self) -> AddNeeds {
        let mut needs = AddNeeds::default();
        needs.of(&self.item);
        needs
    }

    /// How many ids it may use up.
    #[must_use]
    pub fn wants(&self) -> Wants {
        wants(&self.item)
    }

    /// Decides. A chat that waits already is updated instead of doubled.
    ///
    /// # Errors
    /// The right to add is missing; the item is wrong.
    pub fn decide(&self, scene: Scene<'_>, facts: &AddFacts, minted: &Minted) -> Result<Event, Refusal> {
        scene.layout.authorize(scene.caller, Right::Add)?;
        let mut batch = Batch::new(scene, facts);
        batch.item(0, &self.item, None, minted).map_err(Refusal::Invalid)
    }
}

impl AddNeeds {
    fn of(&mut self, item: &Draft) {
        self.identities.extend(item.metadata.as_ref().and_then(Identity::of));
        self.leads.extend(item.leads.iter().filter_map(|lead| lead.id));
        self.contacts.extend(item.contacts.iter().filter_map(|contact| contact.id));
        self.companies.extend(item.companies.iter().filter_map(|company| company.id));
        for tag in tags_of(item) {
            match tag {
                TagRef { id: Some(id), .. } => self.tag_ids.push(*id),
                TagRef { id: None, name } => self.tag_names.extend(name.clone()),
            }
        }
        if item.metadata.is_some() && !self.tag_names.iter().any(|name| name == DUPLICATE_TAG) {
            self.tag_names.push(DUPLICATE_TAG.to_owned());
        }
    }
}

fn tags_of(item: &Draft) -> impl Iterator<Item = &TagRef> {
    let cards = item.leads.iter().map(|lead| &lead.card);
    let cards = cards.chain(item.contacts.iter().map(|contact| &contact.card));
    cards.chain(item.companies.iter().map(|company| &company.card)).flat_map(|card| &card.tags)
}

fn wants(item: &Draft) -> Wants {
    let notes = item.leads.iter().map(|lead| lead.notes.len()).sum();
    // One more than it names: the tag for duplicates.
    let tags = tags_of(item).filter(|tag| tag.id.is_none()).count() + 1;
    Wants { notes, tags }
}

fn whole(code: FaultCode, detail: String) -> Refusal {
    Refusal::Invalid(vec![Fault::new(code, Path::root(), detail)])
}

/// A batch while it is decided: what the store found, and what earlier items of the batch add to it.
struct Batch<'a> {
    scene: Scene<'a>,
    facts: &'a AddFacts,
    /// Identities of earlier items: their places and leads.
    earlier: BTreeMap<Identity, Vec<(usize, LeadId)>>,
    /// Tags that earlier items make.
    new_tags: Vec<Tag>,
}

impl<'a> Batch<'a> {
    const fn new(scene: Scene<'a>, facts: &'a AddFacts) -> Self {
        Self { scene, facts, earlier: BTreeMap::new(), new_tags: Vec::new() }
    }

    /// Decides one item: of an add, or, without one, of intake.
    fn item(
        &mut self,
        index: usize,
        draft: &Draft,
        add: Option<&Add>,
        minted: &Minted,
    ) -> Result<Event, Vec<Fault>> {
        let mut check = Check::new(self.scene.layout);
        check.draft(draft);
        check.faults.extend(missing(self.scene, draft, add));
        check.faults.extend(wrong_category(draft, add));
        let pipeline = self.pipeline(draft).map_err(|fault| check.faults.push(fault)).ok();
        self.named_entities(draft, &mut check);
        let mut tagger = Tagger { batch: self, ids: minted.tags.iter().copied(), made: Vec::new() };
        let cards = tagger.cards(draft, &mut check.faults);
        let mut tags = tagger.made;
        let unused_tag = minted.tags.last().copied();

        let identity = draft.metadata.as_ref().and_then(Identity::of);
        let twins = identity.as_ref().and_then(|identity| self.facts.twins.get(identity));
        let waiting = twins.map(Vec::as_slice).unwrap_or_default();
        let is_chat = matches!(draft.metadata, Some(Metadata::Chats(_)));
        if let (true, Some(twin)) = (is_chat && check.faults.is_empty(), waiting.first()) {
            return Ok(self.update(twin, draft));
        }
        let siblings =
            identity.as_ref().and_then(|identity| self.earlier.get(identity)).cloned().unwrap_or_default();
        let is_double = !waiting.is_empty() || !siblings.is_empty();
        if is_double && self.scene.layout.policies.duplicates == DuplicatePolicy::Refuse {
            check.faults.push(duplicate(waiting, &siblings));
        }
        if let Some(identity) = identity {
            self.earlier.entry(identity).or_default().push((index, minted.lead));
        }
        let (Some((pipeline, unsorted)), Some(metadata), true) =
            (pipeline, &draft.metadata, check.faults.is_empty())
        else {
            return Err(check.faults);
        };

        let duplicates: Vec<LeadId> = waiting
            .iter()
            .map(|twin| twin.links.lead.id())
            .chain(siblings.iter().map(|(_, lead)| *lead))
            .collect();
        let duplicate_tag = is_double.then(|| self.duplicate_tag(unused_tag, &mut tags)).flatten();
        let place = Place { pipeline: pipeline.id, unsorted };
        let added = self.added(draft, metadata, cards, place, minted, tags);
        self.new_tags.extend(added.tags.iter().cloned());
        Ok(self.event(Added { duplicate_tag, duplicates, ..added }))
    }

    /// The pipeline in which the item will wait, and its "unsorted" status (R3).
    fn pipeline(&self, draft: &Draft) -> Result<(&'a Pipeline, StatusId), Fault> {
        let layout = self.scene.layout;
        let fault =
            |detail: String| Fault::new(FaultCode::NotSupportedChoice, Path::of("pipeline_id"), detail);
        let of_lead = draft.leads.iter().filter_map(|lead| lead.id).find_map(|id| self.facts.leads.get(&id));
        let pipeline = match (draft.pipeline_id, of_lead.map(|lead| lead.pipeline_id)) {
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
        let unsorted = pipeline.unsorted_status().filter(|_| pipeline.is_unsorted_on);
        let unsorted = unsorted.ok_or_else(|| {
            fault(format!("the stage of incoming leads is switched off in pipeline {}", pipeline.id))
        })?;
        Ok((pipeline, unsorted.id))
    }

    /// Entities that are named by id must be live (R16).
    fn named_entities(&self, draft: &Draft, check: &mut Check<'_>) {
        let leads = draft.leads.iter().enumerate().filter_map(|(at, lead)| Some((at, lead.id?)));
        for (at, id) in leads {
            let standing = self.facts.leads.get(&id).map(|lead| lead.standing);
            not_live(check, &At::top("leads").index(at).key("id"), standing, &id);
        }
        let contacts = draft.contacts.iter().enumerate().filter_map(|(at, contact)| Some((at, contact.id?)));
        for (at, id) in contacts {
            not_live(
                check,
                &At::top("contacts").index(at).key("id"),
                self.facts.contacts.get(&id).copied(),
                &id,
            );
        }
        let companies =
            draft.companies.iter().enumerate().filter_map(|(at, company)| Some((at, company.id?)));
        for (at, id) in companies {
            not_live(
                check,
                &At::top("companies").index(at).key("id"),
                self.facts.companies.get(&id).copied(),
                &id,
            );
        }
    }

    /// A chat that waits gets a further message (R2).
    fn update(&self, twin: &Item, draft: &Draft) -> Event {
        let (last_message_text, received_at) = match &draft.metadata {
            Some(Metadata::Chats(chat)) => (chat.last_message_text.clone(), chat.received_at),
            Some(Metadata::Sip(_) | Metadata::Forms(_) | Metadata::Mail(_)) | None => (None, None),
        };
        let updated = Updated { last_message_text, received_at, links: twin.links };
        Event {
            account_id: self.scene.layout.account.id,
            uid: twin.uid.clone(),
            category: twin.category(),
            pipeline_id: twin.pipeline_id,
            created_at: twin.created_at,
            recorded_at: self.scene.now,
            by: self.scene.caller,
            on_behalf_of: self.scene.caller,
            kind: EventKind::Updated(updated),
        }
    }

    fn duplicate_tag(&self, unused: Option<TagId>, made: &mut Vec<Tag>) -> Option<TagRef> {
        let known = self
            .facts
            .tags
            .iter()
            .chain(&self.new_tags)
            .chain(made.iter())
            .find(|tag| tag.name == DUPLICATE_TAG);
        if let Some(tag) = known {
            return Some(tag.to_ref());
        }
        let tag = Tag { id: unused?, name: DUPLICATE_TAG.to_owned() };
        let name = tag.to_ref();
        made.push(tag);
        Some(name)
    }

    fn added(
        &self,
        draft: &Draft,
        metadata: &Metadata,
        cards: Tagged,
        place: Place,
        minted: &Minted,
        tags: Vec<Tag>,
    ) -> Added {
        let created_at = draft.created_at.unwrap_or(self.scene.now);
        let by = Some(self.scene.caller);
        let stamp = Stamp {
            created_by: by,
            updated_by: by,
            created_at,
            updated_at: self.scene.now,
            is_deleted: false,
        };
        let company_link = draft.companies.first().map(|company| link(company.id, minted.company));
        let contact_link = draft.contacts.first().map(|contact| link(contact.id, minted.contact));
        let lead_draft = draft.leads.first().cloned().unwrap_or_default();
        let lead_link = link(lead_draft.id, minted.lead);
        let company = company_link.and_then(Linked::made).map(|id| {
            let card = cards.company.unwrap_or_default();
            Company { id, card, is_unsorted: true, stamp }
        });
        let contact =
            contact_link.and_then(Linked::made).zip(draft.contacts.first()).map(|(id, contact)| Contact {
                id,
                first_name: contact.first_name.clone(),
                last_name: contact.last_name.clone(),
                card: cards.contact.unwrap_or_default(),
                company: company_link.map(Linked::id),
                is_unsorted: true,
                stamp,
            });
        let lead = lead_link.made().map(|id| Lead {
            id,
            pipeline_id: place.pipeline,
            status_id: place.unsorted,
            price: lead_draft.price.unwrap_or(0),
            card: cards.lead.unwrap_or_default(),
            contacts: contact_link.map(Linked::id).into_iter().collect(),
            company: company_link.map(Linked::id),
            closed_at: None,
            is_unsorted: true,
            stamp,
        });
        let item = Item {
            uid: minted.uid.clone(),
            source_name: draft.source_name.clone(),
            source_uid: draft.source_uid.clone(),
            pipeline_id: place.pipeline,
            created_at,
            updated_at: self.scene.now,
            version: 1,
            metadata: metadata.clone(),
            links: Links { lead: lead_link, contact: contact_link, company: company_link },
        };
        let notes = notes(&lead_draft, lead_link.id(), &minted.notes, stamp, self.scene.now);
        Added { item, lead, contact, company, notes, tags, duplicate_tag: None, duplicates: Vec::new() }
    }

    fn event(&self, added: Added) -> Event {
        Event {
            account_id: self.scene.layout.account.id,
            uid: added.item.uid.clone(),
            category: added.item.category(),
            pipeline_id: added.item.pipeline_id,
            created_at: added.item.created_at,
            recorded_at: self.scene.now,
            by: self.scene.caller,
            on_behalf_of: self.scene.caller,
            kind: EventKind::Added(Box::new(added)),
        }
    }
}

/// Where the lead of an item stands while it waits.
#[derive(Clone, Copy)]
struct Place {
    pipeline: PipelineId,
    unsorted: StatusId,
}

/// Cards whose tags have both id and name.
struct Tagged {
    lead: Option<Card>,
    contact: Option<Card>,
    company: Option<Card>,
}

/// Finds the tags that cards name, and makes those whose name is new (R16).
struct Tagger<'b, 'a, I> {
    batch: &'b Batch<'a>,
    ids: I,
    made: Vec<Tag>,
}

impl<I: Iterator<Item = TagId>> Tagger<'_, '_, I> {
    fn cards(&mut self, draft: &Draft, faults: &mut Vec<Fault>) -> Tagged {
        let lead = draft.leads.first().map(|LeadDraft { card, .. }| self.card("leads", card, faults));
        let contact =
            draft.contacts.first().map(|ContactDraft { card, .. }| self.card("contacts", card, faults));
        let company =
            draft.companies.first().map(|CompanyDraft { card, .. }| self.card("companies", card, faults));
        Tagged { lead, contact, company }
    }

    fn card(&mut self, list: &'static str, card: &Card, faults: &mut Vec<Fault>) -> Card {
        let mut card = card.clone();
        for (index, tag) in card.tags.iter_mut().enumerate() {
            let found = match (tag.id, &tag.name) {
                (Some(id), _) => {
                    let found = self.batch.facts.tags.iter().find(|tag| tag.id == id);
                    if found.is_none() {
                        let path = Path::of(list).index(0).key("tags").index(index).key("id");
                        let detail = format!("the account has no tag {id}");
                        faults.push(Fault::new(FaultCode::NotSupportedChoice, path, detail));
                    }
                    found.map(Tag::to_ref)
                }
                (None, Some(name)) => self.by_name(name),
                (None, None) => None,
            };
            if let Some(found) = found {
                *tag = found;
            }
        }
        let mut seen = Vec::with_capacity(card.tags.len());
        card.tags.retain(|tag| {
            !seen.contains(tag) && {
                seen.push(tag.clone());
                true
            }
        });
        card
    }

    fn by_name(&mut self, name: &str) -> Option<TagRef> {
        let known = self.batch.facts.tags.iter().chain(&self.batch.new_tags).chain(&self.made);
        if let Some(tag) = known.into_iter().find(|tag| tag.name == name) {
            return Some(tag.to_ref());
        }
        let tag = Tag { id: self.ids.next()?, name: name.to_owned() };
        let found = tag.to_ref();
        self.made.push(tag);
        Some(found)
    }
}

fn missing(scene: Scene<'_>, draft: &Draft, add: Option<&Add>) -> Vec<Fault> {
    let fault = |path| Fault::new(FaultCode::FieldMissing, path, "this field is missing");
    let mut faults = Vec::new();
    // Built-in intake has no source of an integration to name.
    if add.is_some() && draft.source_name.as_ref().is_none_or(String::is_empty) {
        faults.push(fault(Path::of("source_name")));
    }
    if add.is_some() && draft.source_uid.as_ref().is_none_or(String::is_empty) {
        faults.push(fault(Path::of("source_uid")));
    }
    if draft.metadata.is_none() {
        faults.push(fault(Path::of("metadata")));
    }
    if let Some(add) = add {
        let category = add.channel.category();
        let keys = required::missing(scene.layout.policies.required, add.generation, category, draft);
        // Without metadata that one fault says it all.
        let keys = keys.filter(|key| draft.metadata.is_some() || key.path.len() == 1);
        faults
            .extend(keys.map(|key| fault(key.path.iter().fold(Path::root(), |path, step| path.key(*step)))));
    }
    faults
}

fn wrong_category(draft: &Draft, add: Option<&Add>) -> Option<Fault> {
    let category = draft.metadata.as_ref()?.category();
    let wrong = match add {
        Some(add) => category != add.channel.category(),
        None => matches!(category, Category::Sip | Category::Forms),
    };
    let detail = format!("metadata of the category {category} are not taken here");
    wrong.then(|| Fault::new(FaultCode::InvalidType, Path::of("metadata"), detail))
}

fn not_live(check: &mut Check<'_>, at: &At<'_>, standing: Option<Standing>, id: &impl std::fmt::Display) {
    let why = match standing {
        Some(Standing::Live) => return,
        Some(Standing::Hidden) => "belongs to an incoming lead that waits",
        Some(Standing::Binned) => "lies in the bin",
        None => "is not there",
    };
    check.fault(at, FaultCode::NotSupportedChoice, format!("{id} {why}"));
}

fn duplicate(waiting: &[Item], siblings: &[(usize, LeadId)]) -> Fault {
    let existing = waiting.first().map(|twin| twin.uid.clone());
    let detail = match (&existing, siblings.first()) {
        (Some(uid), _) => format!("an identical incoming lead waits already: {uid}"),
        (None, Some((index, _))) => format!("identical to item {index} of the same batch"),
        (None, None) => String::new(),
    };
    Fault { existing, ..Fault::new(FaultCode::Duplicate, Path::of("metadata"), detail) }
}

fn link<I>(existing: Option<I>, minted: I) -> Linked<I> {
    existing.map_or(Linked::Made(minted), Linked::Existing)
}

fn notes(lead: &LeadDraft, on: LeadId, ids: &[NoteId], stamp: Stamp, now: Moment) -> Vec<Note> {
    let notes = lead.notes.iter().zip(ids).map(|(note, id)| {
        let mut params = Map::new();
        params.extend(note.text.clone().map(|text| ("text".to_owned(), Value::String(text))));
        params.extend(note.further.clone());
        Note {
            id: *id,
            entity: EntityRef::Lead(on),
            kind: note.kind.clone().unwrap_or_else(|| "common".to_owned()),
            params,
            created_by: stamp.created_by,
            created_at: now,
        }
    });
    notes.collect()
}
