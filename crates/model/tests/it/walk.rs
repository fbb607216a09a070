//! A breadth-first walk over all that can become of a small account: in every state every command by every role.
//!
//! What a command should answer is said here once more, naively and on purpose: the model is not asked about itself.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use incoming_leads_model::*;

use crate::world::*;

/// What comes in: two identical calls, a chat, and a mail whose lead and contact are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Lead {
    Call,
    Twin,
    Chat,
    Mail,
}

const LEADS: [Lead; 4] = [Lead::Call, Lead::Twin, Lead::Chat, Lead::Mail];
const ROLES: [u64; 4] = [ADMINISTRATOR, SORTER, VIEWER, LEFT];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Step {
    Bring(Lead),
    /// A further message of the chat, while it waits.
    Message,
    Accept(Lead),
    Decline(Lead),
    LinkToLead(Lead),
    /// And its contact.
    LinkToCustomer(Lead),
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Done,
    Forbidden,
    NotFound,
    Invalid,
}

impl Lead {
    fn draft(self) -> Draft {
        match self {
            Lead::Call | Lead::Twin => call(1),
            Lead::Chat => chat("1"),
            Lead::Mail => {
                let lead = LeadDraft { id: Some(id(OTHER_LIVE)), ..LeadDraft::default() };
                let contact = ContactDraft { id: Some(id(LIVE)), ..ContactDraft::default() };
                Draft { leads: vec![lead], contacts: vec![contact], ..mail("1") }
            }
        }
    }

    /// From where its ids are made, whenever it comes.
    fn number(self) -> u64 {
        10_000 * (1 + self as u64)
    }

    fn uid(self) -> Uid {
        Uid::compose(at(0), self.number(), [0; 20])
    }

    /// What it is linked to.
    fn target(self) -> u64 {
        match self {
            Lead::Call | Lead::Twin | Lead::Chat => LIVE,
            Lead::Mail => OTHER_LIVE,
        }
    }

    /// Whether what becomes of the one may matter to the other.
    fn concerns(self, other: Self) -> bool {
        let is_call = |lead| matches!(lead, Lead::Call | Lead::Twin);
        self == other || is_call(self) && is_call(other)
    }
}

/// A second live lead and customer, so that no two incoming leads join the same one.
const OTHER_LIVE: u64 = LIVE + 1;

impl Step {
    fn all() -> Vec<Self> {
        let steps = [Step::Bring, Step::Accept, Step::Decline, Step::LinkToLead, Step::LinkToCustomer];
        steps.into_iter().flat_map(|step| LEADS.map(step)).chain([Step::Message]).collect()
    }

    fn lead(self) -> Lead {
        match self {
            Step::Message => Lead::Chat,
            Step::Bring(lead)
            | Step::Accept(lead)
            | Step::Decline(lead)
            | Step::LinkToLead(lead)
            | Step::LinkToCustomer(lead) => lead,
        }
    }

    /// Each comes once, and the chat has two messages: else there were no end.
    fn is_due(self, world: &World) -> bool {
        match self {
            Step::Bring(lead) => !world.history.contains_key(&lead.uid()),
            Step::Message => world.stage.get(&Lead::Chat.uid()).is_some_and(|item| item.version == 1),
            Step::Accept(_) | Step::Decline(_) | Step::LinkToLead(_) | Step::LinkToCustomer(_) => true,
        }
    }

    fn decide(self, world: &World, user: u64) -> Result<Event, Refusal> {
        let lead = self.lead();
        let uid = lead.uid();
        match self {
            Step::Bring(Lead::Call | Lead::Twin) => {
                world.decide_add(user, &Add::calls(vec![lead.draft()])).map(|mut events| events.remove(0))
            }
            Step::Bring(Lead::Chat | Lead::Mail) | Step::Message => world.decide_take_in(user, lead.draft()),
            Step::Accept(_) => world.decide_accept(user, &uid, Accept::default()),
            Step::Decline(_) => world.decide_decline(user, &uid, Decline::default()),
            Step::LinkToLead(_) => {
                let target = LinkTarget::Lead(id(lead.target()));
                world.decide_link(user, &uid, Link { target, contact_id: None, user_id: None })
            }
            Step::LinkToCustomer(_) => {
                let target = LinkTarget::Customer(id(lead.target()));
                world.decide_link(user, &uid, Link { target, contact_id: Some(id(LIVE)), user_id: None })
            }
        }
    }

    /// What it should answer, by the words of the rules.
    fn expected(self, world: &World, user: u64) -> Answer {
        let waits = |lead: Lead| {
            let last = world.history.get(&lead.uid()).and_then(|events| events.last());
            last.is_some_and(|event| matches!(event.kind, EventKind::Added(_) | EventKind::Updated(_)))
        };
        let policies = world.layout.policies;
        let may = match self {
            Step::Bring(_) | Step::Message | Step::Accept(_) | Step::Decline(_) => {
                user == ADMINISTRATOR || user == SORTER
            }
            Step::LinkToLead(_) | Step::LinkToCustomer(_) => user == ADMINISTRATOR,
        };
        let is_right = match self {
            Step::Bring(Lead::Call) => policies.duplicates == DuplicatePolicy::Tag || !waits(Lead::Twin),
            Step::Bring(Lead::Twin) => policies.duplicates == DuplicatePolicy::Tag || !waits(Lead::Call),
            Step::LinkToLead(lead) | Step::LinkToCustomer(lead) => {
                lead == Lead::Chat || lead == Lead::Mail && policies.linkable == LinkPolicy::ChatsAndMail
            }
            Step::Bring(_) | Step::Message | Step::Accept(_) | Step::Decline(_) => true,
        };
        let is_there = matches!(self, Step::Bring(_) | Step::Message) || waits(self.lead());
        match (may, is_there, is_right) {
            (false, _, _) => Answer::Forbidden,
            (true, false, _) => Answer::NotFound,
            (true, true, false) => Answer::Invalid,
            (true, true, true) => Answer::Done,
        }
    }
}

/// All states that can be reached, and which step leads from where to where.
struct Graph {
    states: usize,
    steps: BTreeMap<(usize, Step), usize>,
}

fn walk(policies: Policies) -> Graph {
    let mut start = World::new();
    start.layout.policies = policies;
    let other = incoming_leads_model::Lead { id: id(OTHER_LIVE), ..start.leads[&id(LIVE)].clone() };
    start.leads.insert(other.id, other);
    let other = Customer { id: id(OTHER_LIVE), ..start.customers[&id(LIVE)].clone() };
    start.customers.insert(other.id, other);

    let mut known = Known::default();
    known.number(start);
    let mut steps = BTreeMap::new();
    let mut number = 0;
    while let Some(world) = known.worlds.get(number) {
        let mut world = World::clone(world);
        for step in Step::all() {
            if !step.is_due(&world) {
                continue;
            }
            world.next = step.lead().number();
            for user in ROLES {
                let decided = step.decide(&world, user);
                assert_eq!(
                    Answer::of(&decided),
                    step.expected(&world, user),
                    "{step:?} by {user} in {world:#?}"
                );
                if let (Ok(event), ADMINISTRATOR) = (decided, user) {
                    assert_eq!(event.uid, step.lead().uid());
                    let mut after = world.clone();
                    after.carry_out(&event);
                    after.is_sound();
                    after.next = 0;
                    steps.insert((number, step), known.number(after));
                }
            }
        }
        number += 1;
    }
    Graph { states: number, steps }
}

impl Answer {
    fn of(decided: &Result<Event, Refusal>) -> Self {
        match decided {
            Ok(_) => Answer::Done,
            Err(Refusal::Forbidden(_)) => Answer::Forbidden,
            Err(Refusal::NotFound(_)) => Answer::NotFound,
            Err(Refusal::Invalid(_) | Refusal::Items(_)) => Answer::Invalid,
        }
    }
}

/// The worlds that were seen, by number; those of a like history are compared.
#[derive(Default)]
struct Known {
    worlds: Vec<Rc<World>>,
    alike: HashMap<Vec<(Uid, usize, StateKind)>, Vec<usize>>,
}

impl Known {
    fn number(&mut self, world: World) -> usize {
        let history = world.history.iter();
        let key = history.map(|(uid, events)| (uid.clone(), events.len(), world.state(uid).kind())).collect();
        let alike = self.alike.entry(key).or_default();
        let known = alike.iter().copied().find(|number| *self.worlds[*number] == world);
        known.unwrap_or_else(|| {
            self.worlds.push(Rc::new(world));
            alike.push(self.worlds.len() - 1);
            self.worlds.len() - 1
        })
    }
}

impl World {
    /// The invariants.
    fn is_sound(&self) {
        let mut counts = [0; 4];
        for lead in LEADS {
            let uid = lead.uid();
            let Some(events) = self.history.get(&uid) else { continue };
            let kinds: Vec<_> = events.iter().map(|event| &event.kind).collect();
            let EventKind::Added(added) = kinds[0] else { panic!("it was not added first") };
            let decisions = kinds
                .iter()
                .filter(|kind| !matches!(kind, EventKind::Added(_) | EventKind::Updated(_)))
                .count();
            assert!(decisions <= 1, "at most one decision");
            let last = *kinds.last().unwrap();
            let waits = matches!(last, EventKind::Added(_) | EventKind::Updated(_));
            assert_eq!(waits, decisions == 0, "nothing happens after the decision");
            assert_eq!(waits, self.stage.contains_key(&uid));
            match (last, self.state(&uid)) {
                (EventKind::Added(_) | EventKind::Updated(_), State::Pending(item)) => {
                    counts[0] += 1;
                    assert_eq!(**item, self.stage[&uid], "state and stage tell the same");
                }
                (EventKind::Accepted(_), State::Accepted { .. }) => counts[1] += 1,
                (EventKind::Declined(_), State::Declined { .. }) => counts[2] += 1,
                (EventKind::Linked(_), State::Linked { .. }) => counts[3] += 1,
                (event, state) => panic!("{event:?} made {state:?}"),
            }
            self.entities_are_sound(added, last, waits);
        }
        self.counts_are_conserved(counts);
        let live = (&self.leads[&id(LIVE)], &self.leads[&id(OTHER_LIVE)], &self.contacts[&id(LIVE)]);
        assert!(live.0.is_listed() && live.1.is_listed() && live.2.is_listed());
        assert!(
            !live.0.is_unsorted && !live.1.is_unsorted,
            "what was there before is never hidden or binned"
        );
        if self.layout.policies.duplicates == DuplicatePolicy::Refuse {
            let mut identities: Vec<_> =
                self.stage.values().filter_map(|item| Identity::of(&item.metadata)).collect();
            identities.sort();
            identities.dedup();
            assert_eq!(identities.len(), self.stage.len(), "no two identical incoming leads wait");
        }
    }

    fn entities_are_sound(&self, added: &lifecycle::Added, last: &EventKind, waits: bool) {
        let links = added.item.links;
        if let Some(lead) = links.lead.made().map(|lead| &self.leads[&lead]) {
            assert_eq!(lead.is_unsorted, waits);
            assert_eq!(lead.status_id == id(UNSORTED), !matches!(last, EventKind::Accepted(_)));
            let is_binned = matches!(last, EventKind::Declined(_) | EventKind::Linked(_));
            assert_eq!(lead.stamp.is_deleted, is_binned);
        }
        let absorbed = matches!(last, EventKind::Linked(linked) if linked.contact_id.is_some());
        let is_declined = matches!(last, EventKind::Declined(_));
        if let Some(contact) = links.contact.and_then(Linked::made).map(|contact| &self.contacts[&contact]) {
            assert_eq!(contact.is_unsorted, waits, "hidden until accepted");
            assert_eq!(contact.stamp.is_deleted, is_declined || absorbed);
            assert_eq!(contact.is_listed(), !waits && !is_declined && !absorbed);
        }
        if let Some(company) = links.company.and_then(Linked::made).map(|company| &self.companies[&company]) {
            assert_eq!(company.is_unsorted, waits, "hidden until accepted");
            assert_eq!(company.stamp.is_deleted, is_declined);
            assert_eq!(company.is_listed(), !waits && !is_declined);
        }
    }

    fn counts_are_conserved(&self, [pending, accepted, declined, linked]: [u64; 4]) {
        let summary = self.summary(Window::ALL);
        assert_eq!(summary.total, pending + accepted + declined + linked);
        assert_eq!(summary.total, summary.categories.iter().sum::<u64>());
        assert_eq!(summary.accepted, accepted);
        assert_eq!((summary.declined, summary.linked), (Some(declined), Some(linked)));
    }
}

impl Graph {
    /// Steps that concern different incoming leads lead to the same state, whichever is taken first; only what is
    /// identical may stand in each other's way.
    fn does_not_depend_on_order(&self) -> usize {
        let mut diamonds = 0;
        for ((from, one), after_one) in &self.steps {
            let others = self.steps.range((*from, *one)..).take_while(|((start, _), _)| start == from);
            for ((_, other), after_other) in
                others.filter(|((_, other), _)| !one.lead().concerns(other.lead()))
            {
                let [one_first, other_first] = [(after_one, other), (after_other, one)]
                    .map(|(state, step)| self.steps[&(*state, *step)]);
                assert_eq!(one_first, other_first, "{one:?} and {other:?}");
                diamonds += 1;
            }
        }
        diamonds
    }
}

#[test]
fn every_reachable_state_is_sound_and_independent_steps_commute() {
    let graph = walk(Policies::default());
    // Of the calls 4 x 4 states less the one in which both wait; of the chat: absent, and waiting, accepted, declined,
    // linked to a lead or to a customer, with one message or two; of the mail 4.
    assert_eq!(graph.states, 15 * 11 * 4);
    assert_eq!((graph.steps.len(), graph.does_not_depend_on_order()), (1_887, 1_764));
}

#[test]
fn so_is_every_state_where_duplicates_are_tagged_and_mails_linked() {
    let policies = Policies {
        duplicates: DuplicatePolicy::Tag,
        linkable: LinkPolicy::ChatsAndMail,
        ..Policies::default()
    };
    let graph = walk(policies);
    // Of the calls: none, 6 with one, 18 with both tagged, 8 with both untagged of which the first was decided before;
    // the chat as above; the mail can be linked to a lead and to a customer too.
    assert_eq!(graph.states, (1 + 6 + 18 + 8) * 11 * 6);
    assert_eq!((graph.steps.len(), graph.does_not_depend_on_order()), (6_699, 6_710));
}
