//! A store of the least kind: it carries changes out, and decides nothing.

use std::collections::BTreeMap;

use incoming_leads_model::*;
use serde_json::{Value, json};

/// Who asks, as [`layout`] knows them.
pub(crate) const ADMINISTRATOR: u64 = 1;
pub(crate) const SORTER: u64 = 2;
pub(crate) const VIEWER: u64 = 3;
/// An administrator who is no longer active.
pub(crate) const LEFT: u64 = 4;

/// The main pipeline, its "unsorted" status and its first one after that.
pub(crate) const SALES: u64 = 1;
pub(crate) const UNSORTED: u64 = 10;
pub(crate) const FIRST: u64 = 20;

/// The live entities of [`World::new`]: a lead with its contact and company, and a customer.
pub(crate) const LIVE: u64 = 90;

pub(crate) fn id<I: TryFrom<u64, Error: std::fmt::Debug>>(number: u64) -> I {
    I::try_from(number).unwrap()
}

pub(crate) fn at(secs: i64) -> Moment {
    Moment::from_secs(secs).unwrap()
}

pub(crate) fn layout() -> Layout {
    let user = |id: u64, is_active: bool, rights: Rights| json!({"id": id, "name": "A", "email": "a@example.com", "is_active": is_active, "rights": rights});
    let layout = json!({
        "account": {"id": 7, "subdomain": "example", "name": "Example", "created_at": 0},
        "pipelines": [
            {"id": SALES, "name": "Sales", "is_main": true, "statuses": [
                {"id": 30, "name": "Offer", "sort": 30},
                {"id": 143, "name": "Lost", "sort": 5},
                {"id": FIRST, "name": "First contact", "sort": 20},
                {"id": UNSORTED, "name": "Incoming leads", "sort": 10, "kind": "unsorted"},
            ]},
            {"id": 2, "name": "Other", "statuses": [
                {"id": 11, "name": "Incoming leads", "sort": 10, "kind": "unsorted"},
                {"id": 21, "name": "First contact", "sort": 20},
            ]},
            {"id": 3, "name": "Old", "is_archive": true, "statuses": [
                {"id": 12, "name": "Incoming leads", "sort": 10, "kind": "unsorted"},
            ]},
            {"id": 4, "name": "Without the stage", "is_unsorted_on": false, "statuses": [
                {"id": 13, "name": "Incoming leads", "sort": 10, "kind": "unsorted"},
            ]},
            {"id": 5, "name": "Nothing but the stage", "statuses": [
                {"id": 14, "name": "Incoming leads", "sort": 10, "kind": "unsorted"},
            ]},
        ],
        "users": [
            user(ADMINISTRATOR, true, Rights::ADMINISTRATOR),
            user(SORTER, true, Rights::SORTER),
            user(VIEWER, true, Rights::VIEWER),
            user(LEFT, false, Rights::ADMINISTRATOR),
        ],
        "fields": [
            {"id": 1, "entity": "contact", "name": "Phone", "code": "PHONE", "choices": [
                {"id": 1, "value": "Work", "code": "WORK"},
                {"id": 2, "value": "Home"},
            ]},
            {"id": 2, "entity": "lead", "name": "Source"},
        ],
    });
    serde_json::from_value(layout).unwrap()
}

pub(crate) fn draft(metadata: Value) -> Draft {
    let draft = json!({
        "source_name": "example",
        "source_uid": "1",
        "metadata": metadata,
        "leads": [{"card": {"name": "Lead"}}],
        "contacts": [{"card": {"name": "Contact"}}],
        "companies": [{"card": {"name": "Company"}}],
    });
    serde_json::from_value(draft).unwrap()
}

pub(crate) fn call(called_at: i64) -> Draft {
    draft(json!({"sip": {"from": "1", "phone": "2", "called_at": called_at}}))
}

pub(crate) fn form(form_sent_at: i64) -> Draft {
    draft(json!({"forms": {"form_id": "1", "form_sent_at": form_sent_at}}))
}

pub(crate) fn chat(chat_id: &str) -> Draft {
    draft(json!({"chats": {"origin": {"chat_id": chat_id}, "last_message_text": "hello", "received_at": 10}}))
}

pub(crate) fn mail(message_id: &str) -> Draft {
    draft(json!({"mail": {"thread_id": "1", "message_id": message_id}}))
}

/// The lead, contact and company of the draft are those that are there already.
pub(crate) fn with_existing_entities(mut draft: Draft) -> Draft {
    draft.leads = vec![LeadDraft { id: Some(id(LIVE)), ..LeadDraft::default() }];
    draft.contacts = vec![ContactDraft { id: Some(id(LIVE)), ..ContactDraft::default() }];
    draft.companies = vec![CompanyDraft { id: Some(id(LIVE)), ..CompanyDraft::default() }];
    draft
}

/// All that an account holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct World {
    pub(crate) layout: Layout,
    pub(crate) now: Moment,
    /// The number from which the next ids are made.
    pub(crate) next: u64,
    pub(crate) leads: BTreeMap<LeadId, Lead>,
    pub(crate) contacts: BTreeMap<ContactId, Contact>,
    pub(crate) companies: BTreeMap<CompanyId, Company>,
    pub(crate) customers: BTreeMap<CustomerId, Customer>,
    pub(crate) tags: BTreeMap<TagId, Tag>,
    pub(crate) notes: BTreeMap<NoteId, Note>,
    /// What waits, as changes have it.
    pub(crate) stage: BTreeMap<Uid, Item>,
    /// Where each stands, as events have it.
    pub(crate) states: BTreeMap<Uid, State>,
    /// What happened.
    pub(crate) history: BTreeMap<Uid, Vec<Event>>,
}

impl World {
    pub(crate) fn new() -> Self {
        let stamp = Stamp {
            created_by: None,
            updated_by: None,
            created_at: at(0),
            updated_at: at(0),
            is_deleted: false,
        };
        let card = Card::default();
        let lead = Lead {
            id: id(LIVE),
            pipeline_id: id(SALES),
            status_id: id(30),
            price: 0,
            card: card.clone(),
            contacts: Vec::new(),
            company: None,
            closed_at: None,
            is_unsorted: false,
            stamp,
        };
        let contact = Contact {
            id: id(LIVE),
            first_name: None,
            last_name: None,
            card: card.clone(),
            company: None,
            is_unsorted: false,
            stamp,
        };
        let company = Company { id: id(LIVE), card: card.clone(), is_unsorted: false, stamp };
        let customer = Customer { id: id(LIVE), card, contacts: Vec::new(), company: None, stamp };
        Self {
            layout: layout(),
            now: at(1_000),
            next: 100,
            leads: [(lead.id, lead)].into(),
            contacts: [(contact.id, contact)].into(),
            companies: [(company.id, company)].into(),
            customers: [(customer.id, customer)].into(),
            tags: BTreeMap::new(),
            notes: BTreeMap::new(),
            stage: BTreeMap::new(),
            states: BTreeMap::new(),
            history: BTreeMap::new(),
        }
    }

    pub(crate) fn scene(&self, user: u64) -> Scene<'_> {
        Scene { caller: id(user), layout: &self.layout, now: self.now }
    }

    /// Ids of one item, all of which begin at this number.
    pub(crate) fn minted(base: u64, wants: Wants) -> Minted {
        Minted {
            uid: Uid::compose(at(0), base, [0; 20]),
            lead: id(base),
            contact: id(base),
            company: id(base),
            notes: (base..).map(id).take(wants.notes).collect(),
            tags: (base..).map(id).take(wants.tags).collect(),
        }
    }

    pub(crate) fn facts(&self, needs: &AddNeeds) -> AddFacts {
        let AddNeeds { identities, leads, contacts, companies, tag_ids, tag_names, .. } = needs;
        let twins = |identity: &Identity| {
            let twins =
                self.stage.values().filter(|item| Identity::of(&item.metadata).as_ref() == Some(identity));
            (identity.clone(), twins.cloned().collect::<Vec<_>>())
        };
        let lead = |id: &LeadId| {
            let lead = self.leads.get(id)?;
            let standing = Standing::of(lead.is_unsorted, lead.stamp.is_deleted);
            Some((*id, LeadStanding { standing, pipeline_id: lead.pipeline_id }))
        };
        let tags =
            self.tags.values().filter(|tag| tag_ids.contains(&tag.id) || tag_names.contains(&tag.name));
        AddFacts {
            twins: identities.iter().map(twins).filter(|(_, twins)| !twins.is_empty()).collect(),
            leads: leads.iter().filter_map(lead).collect(),
            contacts: contacts.iter().filter_map(|id| Some((*id, self.contact(*id)?))).collect(),
            companies: companies.iter().filter_map(|id| Some((*id, self.company(*id)?))).collect(),
            tags: tags.cloned().collect(),
        }
    }

    fn contact(&self, id: ContactId) -> Option<Standing> {
        self.contacts.get(&id).map(|contact| Standing::of(contact.is_unsorted, contact.stamp.is_deleted))
    }

    fn company(&self, id: CompanyId) -> Option<Standing> {
        self.companies.get(&id).map(|company| Standing::of(company.is_unsorted, company.stamp.is_deleted))
    }

    pub(crate) fn state(&self, uid: &Uid) -> &State {
        self.states.get(uid).unwrap_or(&State::Absent)
    }

    pub(crate) fn decide_add(&self, user: u64, add: &Add) -> Result<Vec<Event>, Refusal> {
        let minted = add
            .wants()
            .into_iter()
            .zip(0..)
            .map(|(wants, place)| Self::minted(self.next + 1_000 * place, wants));
        add.decide(self.scene(user), &self.facts(&add.needs()), &minted.collect::<Vec<_>>())
    }

    pub(crate) fn decide_take_in(&self, user: u64, draft: Draft) -> Result<Event, Refusal> {
        let item = TakeIn::new(draft);
        item.decide(self.scene(user), &self.facts(&item.needs()), &Self::minted(self.next, item.wants()))
    }

    pub(crate) fn decide_accept(&self, user: u64, uid: &Uid, accept: Accept) -> Result<Event, Refusal> {
        // The sequence of the uid is the number of its lead.
        let number = u64::from_str_radix(&uid.as_str()[10..20], 16).unwrap();
        accept.decide(self.scene(user), uid, self.state(uid), [number + 500, number + 501].map(id))
    }

    pub(crate) fn decide_decline(&self, user: u64, uid: &Uid, decline: Decline) -> Result<Event, Refusal> {
        decline.decide(self.scene(user), uid, self.state(uid))
    }

    pub(crate) fn decide_link(&self, user: u64, uid: &Uid, link: Link) -> Result<Event, Refusal> {
        let target = match link.target {
            LinkTarget::Lead(id) => {
                self.leads.get(&id).map(|lead| Standing::of(lead.is_unsorted, lead.stamp.is_deleted))
            }
            LinkTarget::Customer(id) => {
                self.customers.get(&id).map(|customer| Standing::of(false, customer.stamp.is_deleted))
            }
        };
        let contact = link.contact_id.and_then(|id| self.contact(id));
        let facts = LinkFacts { state: self.state(uid).clone(), target, contact };
        link.decide(self.scene(user), uid, &facts)
    }

    pub(crate) fn add(&mut self, user: u64, add: &Add) -> Result<Vec<Event>, Refusal> {
        let events = self.decide_add(user, add)?;
        self.next += 1_000 * events.len() as u64;
        events.iter().for_each(|event| self.carry_out(event));
        Ok(events)
    }

    /// Adds one call or form as an administrator.
    pub(crate) fn bring(&mut self, draft: Draft) -> Result<Event, Vec<Fault>> {
        let add = match &draft.metadata {
            Some(Metadata::Forms(_)) => Add::forms(vec![draft]),
            _ => Add::calls(vec![draft]),
        };
        match self.add(ADMINISTRATOR, &add) {
            Ok(mut events) => Ok(events.remove(0)),
            Err(Refusal::Items(mut items)) => Err(items.remove(0).faults),
            Err(refusal) => panic!("{refusal}"),
        }
    }

    pub(crate) fn take_in(&mut self, user: u64, draft: Draft) -> Result<Event, Refusal> {
        let decided = self.decide_take_in(user, draft)?;
        self.next += 1_000;
        Ok(self.with(decided))
    }

    pub(crate) fn accept(&mut self, user: u64, uid: &Uid, accept: Accept) -> Result<Event, Refusal> {
        self.decide_accept(user, uid, accept).map(|event| self.with(event))
    }

    pub(crate) fn decline(&mut self, user: u64, uid: &Uid, decline: Decline) -> Result<Event, Refusal> {
        self.decide_decline(user, uid, decline).map(|event| self.with(event))
    }

    pub(crate) fn link(&mut self, user: u64, uid: &Uid, link: Link) -> Result<Event, Refusal> {
        self.decide_link(user, uid, link).map(|event| self.with(event))
    }

    fn with(&mut self, event: Event) -> Event {
        self.carry_out(&event);
        event
    }

    pub(crate) fn summary(&self, window: Window) -> Summary {
        let events = self.history.values().flatten().filter(|event| window.contains(event.moment()));
        events.map(Tally::of).sum::<Tally>().into()
    }

    /// Carries an event out; whatever a change names must be there.
    pub(crate) fn carry_out(&mut self, event: &Event) {
        let (by, at) = (event.by, event.recorded_at);
        for change in event.changes() {
            match change {
                Change::MakeTag(tag) => assert!(self.tags.insert(tag.id, tag).is_none()),
                Change::MakeLead(lead) => assert!(self.leads.insert(lead.id, *lead).is_none()),
                Change::MakeContact(contact) => assert!(self.contacts.insert(contact.id, *contact).is_none()),
                Change::MakeCompany(company) => {
                    assert!(self.companies.insert(company.id, *company).is_none());
                }
                Change::MakeNote(note) => assert!(self.notes.insert(note.id, note).is_none()),
                Change::PatchLead(id, patch) => self.leads.get_mut(&id).unwrap().patch(&patch, by, at),
                Change::PatchContact(id, patch) => self.contacts.get_mut(&id).unwrap().patch(patch, by, at),
                Change::PatchCompany(id, patch) => self.companies.get_mut(&id).unwrap().patch(patch, by, at),
                Change::JoinCustomer(id, contact, company) => {
                    self.customers.get_mut(&id).unwrap().join(contact, company, by, at);
                }
                Change::AbsorbContact { from, into } => {
                    let from = self.contacts[&from].clone();
                    self.contacts.get_mut(&into).unwrap().absorb(&from, by, at);
                }
                Change::Stage(item) => assert!(self.stage.insert(item.uid.clone(), *item).is_none()),
                Change::Restage(uid, updated) => self.stage.get_mut(&uid).unwrap().update(&updated, at),
                Change::Unstage(uid) => assert!(self.stage.remove(&uid).is_some()),
            }
        }
        let state = self.states.remove(&event.uid).unwrap_or_default();
        self.states.insert(event.uid.clone(), state.apply(event).unwrap());
        self.history.entry(event.uid.clone()).or_default().push(event.clone());
    }
}
