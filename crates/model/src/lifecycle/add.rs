//! Add and intake: the commands that bring incoming leads in (R2-R6, R16).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::account::Right;
use crate::draft::{Card, ContactDraft, Draft, TagRef};
use crate::entity::Tag;
use crate::fault::{Fault, FaultCode, ItemFaults, Path, Refusal};
use crate::id::{CompanyId, ContactId, LeadId, NoteId, PipelineId, TagId, Uid};
use crate::identity::Identity;
use crate::item::Item;
use crate::lifecycle::batch::{Batch, Door};
use crate::lifecycle::command::Scene;
use crate::lifecycle::event::Event;
use crate::limits::{MAX_BATCH_ITEMS, MAX_NAME_CHARS, MAX_TAGS};
use crate::metadata::{Category, Metadata};
use crate::required::Generation;

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

    /// Why an entity that stands so cannot be named; none is one that the account does not have.
    pub(super) const fn refusal(standing: Option<Self>) -> Option<&'static str> {
        match standing {
            Some(Standing::Live) => None,
            Some(Standing::Hidden) => Some("belongs to an incoming lead that waits"),
            Some(Standing::Binned) => Some("lies in the bin"),
            None => Some("is not there"),
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

    /// Items whose metadata are of another category than the channel's, refused. On a wire where the address picks the
    /// metadata nobody behind it could tell, so a client asks here before it sends.
    ///
    /// # Errors
    /// [`Refusal::Items`] with just those items.
    pub fn check_categories(&self) -> Result<(), Refusal> {
        let other = |item: &Draft| {
            let category = item.metadata.as_ref()?.category();
            (category != self.channel.category()).then(|| vec![not_taken(category)])
        };
        let items = self.items.iter().enumerate();
        let refused: Vec<_> =
            items.filter_map(|(index, item)| Some(ItemFaults { index, faults: other(item)? })).collect();
        if refused.is_empty() { Ok(()) } else { Err(Refusal::Items(refused)) }
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
        self.items.iter().map(Wants::of).collect()
    }

    /// Decides. `minted` has the ids of each item, in order, as many as [`Add::wants`] says.
    ///
    /// # Errors
    /// The right to add is missing; the batch is empty or too large; items are wrong, of which all faults are told.
    ///
    /// # Panics
    /// When fewer ids were minted than were wanted: rather than losing an item, a note or a tag.
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
        assert_eq!(minted.len(), count, "ids are minted for each item");
        let mut batch = Batch::new(scene, facts, Door::Add(self.channel, self.generation));
        let mut refused = Vec::new();
        let mut events = Vec::with_capacity(count);
        for (index, (draft, minted)) in self.items.iter().zip(minted).enumerate() {
            match batch.item(index, draft, minted) {
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
            let name = Some(name.chars().take(MAX_NAME_CHARS).collect());
            item.contacts
                .push(ContactDraft { card: Card { name, ..Card::default() }, ..ContactDraft::default() });
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
        Wants::of(&self.item)
    }

    /// Decides. A chat that waits already is updated instead of doubled.
    ///
    /// # Errors
    /// The right to add is missing; the item is wrong.
    ///
    /// # Panics
    /// When fewer ids were minted than were wanted.
    pub fn decide(&self, scene: Scene<'_>, facts: &AddFacts, minted: &Minted) -> Result<Event, Refusal> {
        scene.layout.authorize(scene.caller, Right::Add)?;
        let mut batch = Batch::new(scene, facts, Door::Intake);
        batch.item(0, &self.item, minted).map_err(Refusal::Invalid)
    }
}

/// Something that comes in, by whichever door: what a store does with it is the same.
#[derive(Debug, Clone, PartialEq)]
pub enum Arrival {
    /// By the API.
    Add(Add),
    /// By a built-in integration.
    TakeIn(Box<TakeIn>),
}

impl Arrival {
    /// What the store is to look up.
    #[must_use]
    pub fn needs(&self) -> AddNeeds {
        match self {
            Arrival::Add(add) => add.needs(),
            Arrival::TakeIn(item) => item.needs(),
        }
    }

    /// How many ids each item may use up.
    #[must_use]
    pub fn wants(&self) -> Vec<Wants> {
        match self {
            Arrival::Add(add) => add.wants(),
            Arrival::TakeIn(item) => vec![item.wants()],
        }
    }

    /// Decides: see [`Add::decide`] and [`TakeIn::decide`].
    ///
    /// # Errors
    /// Theirs.
    ///
    /// # Panics
    /// When fewer ids were minted than were wanted.
    pub fn decide(
        &self,
        scene: Scene<'_>,
        facts: &AddFacts,
        minted: &[Minted],
    ) -> Result<Vec<Event>, Refusal> {
        match self {
            Arrival::Add(add) => add.decide(scene, facts, minted),
            Arrival::TakeIn(item) => {
                let [minted] = minted else { panic!("ids are minted for the one item") };
                item.decide(scene, facts, minted).map(|event| vec![event])
            }
        }
    }
}

impl From<Draft> for Arrival {
    /// By the door that takes its category; what has no metadata is refused as a call is.
    fn from(draft: Draft) -> Self {
        match &draft.metadata {
            Some(Metadata::Chats(_) | Metadata::Mail(_)) => Arrival::TakeIn(Box::new(TakeIn::new(draft))),
            Some(Metadata::Forms(_)) => Arrival::Add(Add::forms(vec![draft])),
            Some(Metadata::Sip(_)) | None => Arrival::Add(Add::calls(vec![draft])),
        }
    }
}

impl AddNeeds {
    fn of(&mut self, item: &Draft) {
        if let Some(identity) = item.metadata.as_ref().and_then(Identity::of) {
            self.identities.push(identity);
            if !self.tag_names.iter().any(|name| name == DUPLICATE_TAG) {
                self.tag_names.push(DUPLICATE_TAG.to_owned());
            }
        }
        self.leads.extend(item.leads.iter().filter_map(|lead| lead.id));
        self.contacts.extend(item.contacts.iter().filter_map(|contact| contact.id));
        self.companies.extend(item.companies.iter().filter_map(|company| company.id));
        for tag in tags_of(item) {
            match tag {
                TagRef { id: Some(id), .. } => self.tag_ids.push(*id),
                TagRef { id: None, name } => self.tag_names.extend(name.clone()),
            }
        }
    }
}

impl Wants {
    pub(super) fn of(item: &Draft) -> Self {
        let notes = item.leads.iter().map(|lead| lead.notes.len()).sum();
        // One more than it names: the tag for duplicates.
        let tags = tags_of(item).filter(|tag| tag.id.is_none()).count() + 1;
        Self { notes, tags }
    }
}

fn tags_of(item: &Draft) -> impl Iterator<Item = &TagRef> {
    let cards = item.leads.iter().map(|lead| &lead.card);
    let cards = cards.chain(item.contacts.iter().map(|contact| &contact.card));
    let cards = cards.chain(item.companies.iter().map(|company| &company.card));
    cards.flat_map(|card| card.tags.iter().take(MAX_TAGS))
}

/// Metadata of a category that does not come in by this door.
pub(super) fn not_taken(category: Category) -> Fault {
    let detail = format!("metadata of the category {category} are not taken here");
    Fault::new(FaultCode::InvalidType, Path::of("metadata"), detail)
}

fn whole(code: FaultCode, detail: String) -> Refusal {
    Refusal::Invalid(vec![Fault::new(code, Path::root(), detail)])
}
