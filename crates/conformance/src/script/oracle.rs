//! The naive oracle: a plain list of all leads that ever came, and linear scans.
//!
//! It restates the rules in its own words, on purpose: an adapter that asks the model cannot show that the model is
//! wrong, so nothing here calls the model's decisions, identities, filters, windows or tallies.

use std::collections::BTreeSet;

use incoming_leads_model::{ContactId, FaultCode, LeadId, LinkTarget, PipelineId, StatusId, Uid, UserId};
use incoming_leads_port::ErrorKind;

use crate::failure::Place;
use crate::fixture::{
    ADMINISTRATOR, CONTACT, CUSTOMER, FIRST, FOREIGN_FIRST, FOREIGN_LEAD, FOREIGN_PIPELINE, FOREIGN_UNSORTED,
    LATER, MAIN, MAIN_UNSORTED, Named, SECOND, SECOND_FIRST, SECOND_LEAD, SECOND_UNSORTED, SORTER, STRANGER,
    TARGET_LEAD, VIEWER,
};
use crate::rule::Rule;
use crate::script::step::{Flaw, Item, Kind, ListStep, SummaryStep, Symbol, Who};

/// All that the oracle knows. Moments are seconds from the start.
#[derive(Debug)]
pub(crate) struct Oracle {
    pub(crate) now: i64,
    tags_duplicates: bool,
    links_mails: bool,
    /// Every lead that ever came, L1 first.
    pub(crate) leads: Vec<Known>,
    log: Vec<Entry>,
}

/// One of the two accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home {
    Ours,
    Theirs,
}

/// What is known of a lead.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) uid: Uid,
    pub(crate) home: Home,
    pub(crate) kind: Kind,
    /// What makes two of them the same.
    pub(crate) twin: Option<(Kind, u64)>,
    pub(crate) pipeline: PipelineId,
    pub(crate) created: i64,
    pub(crate) recorded: i64,
    pub(crate) fate: Fate,
    /// Where its lead stands, until it lies in the bin.
    pub(crate) status: StatusId,
    /// Who made its lead; not told of what the fixture holds.
    pub(crate) creator: Option<UserId>,
    /// The id of its lead, where the adapter tells it.
    pub(crate) lead: Option<LeadId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Waits,
    Accepted,
    Declined,
    Linked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Came,
    CameAgain,
    Settled(Fate),
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) lead: usize,
    pub(crate) what: What,
    at: i64,
}

/// A decision that succeeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settling {
    pub(crate) index: usize,
    pub(crate) fate: Fate,
    /// Where an accepted lead goes, and who becomes its creator.
    place: Option<(StatusId, UserId)>,
}

/// A new lead before it has a uid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct New {
    pub(crate) home: Home,
    pub(crate) kind: Kind,
    pub(crate) twin: Option<(Kind, u64)>,
    pub(crate) pipeline: PipelineId,
    pub(crate) created: i64,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    Anew(New),
    Again(usize),
}

/// Why a step is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) rule: Rule,
    pub(crate) kind: ErrorKind,
    pub(crate) places: BTreeSet<Place>,
}

pub(crate) type Verdict<T> = Result<T, Refused>;

/// Counts, as a summary tells them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Calls, forms, chats, mails.
    pub(crate) came: [u64; 4],
    pub(crate) accepted: u64,
    pub(crate) declined: u64,
    pub(crate) linked: u64,
    pub(crate) mean_secs: u64,
}

fn refused(rule: Rule, kind: ErrorKind) -> Refused {
    Refused { rule, kind, places: BTreeSet::new() }
}

/// A fault: where, what, and the rule that says so.
type Wrong = (Option<usize>, FaultCode, &'static str, Rule);

fn invalid(wrong: &[Wrong]) -> Verdict<()> {
    let Some((.., rule)) = wrong.first() else { return Ok(()) };
    let places = wrong.iter().map(|(index, code, path, _)| (*index, *code, (*path).to_owned())).collect();
    Err(Refused { rule: *rule, kind: ErrorKind::Invalid, places })
}

/// Where somebody is at home.
pub(crate) fn home(who: Who) -> Home {
    if who == Who::Stranger { Home::Theirs } else { Home::Ours }
}

fn twin(kind: Kind, item: Item) -> Option<(Kind, u64)> {
    // What has no metadata, or such as are not taken here, is like nothing.
    let is_taken = item.flaw != Flaw::NoMetadata && item.flaw != Flaw::OtherCategory;
    let is_without_moment = item.is_timeless && (kind == Kind::Call || kind == Kind::Form);
    (is_taken && !is_without_moment).then_some((kind, item.number))
}

/// The pipeline in which an item waits; none where it cannot.
fn pipeline(home: Home, named: Option<PipelineId>) -> Option<PipelineId> {
    match (home, named) {
        (Home::Ours, None) => Some(MAIN),
        (Home::Theirs, None) => Some(FOREIGN_PIPELINE),
        (Home::Ours, Some(id)) if id == MAIN || id == SECOND => Some(id),
        (Home::Theirs, Some(id)) if id == FOREIGN_PIPELINE => Some(id),
        (_, Some(_)) => None,
    }
}

/// Where leads of a pipeline wait, and where they go when nothing is said.
fn statuses(pipeline: PipelineId) -> (StatusId, StatusId) {
    if pipeline == MAIN {
        (MAIN_UNSORTED, FIRST)
    } else if pipeline == SECOND {
        (SECOND_UNSORTED, SECOND_FIRST)
    } else {
        (FOREIGN_UNSORTED, FOREIGN_FIRST)
    }
}

/// The user who somebody is.
pub(crate) fn id_of(who: Who) -> UserId {
    match who {
        Who::Administrator => ADMINISTRATOR,
        Who::Sorter => SORTER,
        Who::Viewer => VIEWER,
        Who::Stranger => STRANGER,
    }
}

fn is_colleague(who: Who, user: UserId) -> bool {
    match home(who) {
        Home::Ours => user == ADMINISTRATOR || user == SORTER || user == VIEWER,
        Home::Theirs => user == STRANGER,
    }
}

fn wrong_user(who: Who, user: Option<UserId>) -> Option<Wrong> {
    let user = user?;
    (!is_colleague(who, user)).then_some((None, FaultCode::NotSupportedChoice, "user_id", Rule::R7))
}

fn is_status_of(pipeline: PipelineId, status: StatusId) -> bool {
    let closed = status.get() == 142 || status.get() == 143;
    let of_main = pipeline == MAIN && (status == FIRST || status == LATER);
    let of_second = pipeline == SECOND && status == SECOND_FIRST;
    closed || of_main || of_second
}

impl Oracle {
    pub(crate) const fn new(fixture: Named) -> Self {
        let is_lenient = matches!(fixture, Named::Lenient);
        Self { now: 0, tags_duplicates: is_lenient, links_mails: is_lenient, leads: vec![], log: vec![] }
    }

    /// What a symbol means now; none past the last lead.
    pub(crate) fn index(&self, symbol: Symbol) -> Option<usize> {
        (symbol.0 < self.leads.len()).then_some(symbol.0)
    }

    /// What happened in one account.
    pub(crate) fn log(&self, home: Home) -> impl Iterator<Item = &Entry> {
        self.log.iter().filter(move |entry| self.leads[entry.lead].home == home)
    }

    pub(crate) fn add(&self, who: Who, kind: Kind, items: &[Item]) -> Verdict<Vec<New>> {
        if who == Who::Viewer {
            return Err(refused(Rule::R11, ErrorKind::Forbidden));
        }
        if items.is_empty() {
            invalid(&[(None, FaultCode::TooFew, "", Rule::R5)])?;
        }
        let mut wrong = Vec::new();
        let mut new = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let is_repeated =
                items[..index].iter().any(|earlier| is_same(twin(kind, *earlier), twin(kind, *item)));
            let mut faults = self.faults(who, kind, *item, is_repeated);
            faults.iter_mut().for_each(|fault| fault.0 = Some(index));
            wrong.extend(faults);
            new.extend(self.new_lead(who, kind, *item));
        }
        invalid(&wrong)?;
        Ok(new)
    }

    pub(crate) fn take_in(&self, who: Who, kind: Kind, item: Item) -> Verdict<Taken> {
        if who == Who::Viewer {
            return Err(refused(Rule::R11, ErrorKind::Forbidden));
        }
        invalid(&self.faults(who, kind, item, false))?;
        if let (Kind::Chat, Some(twin)) = (kind, self.waiting_twin(who, twin(kind, item))) {
            return Ok(Taken::Again(twin));
        }
        let new = self.new_lead(who, kind, item).expect("it has a pipeline, else it had a fault");
        Ok(Taken::Anew(new))
    }

    fn new_lead(&self, who: Who, kind: Kind, item: Item) -> Option<New> {
        let home = home(who);
        let pipeline = pipeline(home, item.pipeline)?;
        Some(New { home, kind, twin: twin(kind, item), pipeline, created: item.created.unwrap_or(self.now) })
    }

    fn waiting_twin(&self, who: Who, twin: Option<(Kind, u64)>) -> Option<usize> {
        self.leads
            .iter()
            .position(|lead| lead.home == home(who) && lead.fate == Fate::Waits && is_same(lead.twin, twin))
    }

    /// All that is wrong with an item.
    fn faults(&self, who: Who, kind: Kind, item: Item, is_repeated: bool) -> Vec<Wrong> {
        use FaultCode::{Duplicate, FieldMissing, InvalidType, NotSupportedChoice, TooMany};
        let mut faults = Vec::new();
        match item.flaw {
            Flaw::None => {}
            Flaw::NoSourceName => faults.push((None, FieldMissing, "source_name", Rule::R4)),
            Flaw::NoSourceUid => faults.push((None, FieldMissing, "source_uid", Rule::R4)),
            Flaw::NoMetadata => faults.push((None, FieldMissing, "metadata", Rule::R4)),
            Flaw::OtherCategory => faults.push((None, InvalidType, "metadata", Rule::R2)),
            Flaw::UnknownField => {
                faults.push((None, NotSupportedChoice, "leads.0.custom_fields.0.field", Rule::R16));
            }
            Flaw::UnknownTag => faults.push((None, NotSupportedChoice, "leads.0.tags.0.id", Rule::R16)),
            Flaw::TwoLeads => faults.push((None, TooMany, "leads", Rule::R4)),
        }
        if pipeline(home(who), item.pipeline).is_none() {
            faults.push((None, NotSupportedChoice, "pipeline_id", Rule::R3));
        }
        let is_double = is_repeated || self.waiting_twin(who, twin(kind, item)).is_some();
        // A chat that waits is updated, by either policy; only beside another fault its twin is named like any other.
        let is_update = kind == Kind::Chat && faults.is_empty();
        if is_double && !self.tags_duplicates && !is_update {
            faults.push((None, Duplicate, "metadata", Rule::R6));
        }
        faults
    }

    /// The lead that a command of somebody finds.
    fn found(&self, who: Who, symbol: Symbol) -> Verdict<usize> {
        self.get(who, symbol).ok_or_else(|| refused(Rule::R7, ErrorKind::NotFound))
    }

    pub(crate) fn get(&self, who: Who, symbol: Symbol) -> Option<usize> {
        let index = self.index(symbol)?;
        let lead = &self.leads[index];
        (lead.home == home(who) && lead.fate == Fate::Waits).then_some(index)
    }

    pub(crate) fn accept(
        &self,
        who: Who,
        symbol: Symbol,
        user: Option<UserId>,
        status: Option<StatusId>,
    ) -> Verdict<Settling> {
        if who == Who::Viewer {
            return Err(refused(Rule::R11, ErrorKind::Forbidden));
        }
        let index = self.found(who, symbol)?;
        let mut wrong: Vec<Wrong> = wrong_user(who, user).into_iter().collect();
        if status.is_some_and(|status| !is_status_of(self.leads[index].pipeline, status)) {
            wrong.push((None, FaultCode::NotSupportedChoice, "status_id", Rule::R8));
        }
        invalid(&wrong)?;
        let (_, first) = statuses(self.leads[index].pipeline);
        let place = Some((status.unwrap_or(first), user.unwrap_or(id_of(who))));
        Ok(Settling { index, fate: Fate::Accepted, place })
    }

    pub(crate) fn decline(&self, who: Who, symbol: Symbol, user: Option<UserId>) -> Verdict<Settling> {
        if who == Who::Viewer {
            return Err(refused(Rule::R11, ErrorKind::Forbidden));
        }
        let index = self.found(who, symbol)?;
        invalid(&wrong_user(who, user).into_iter().collect::<Vec<_>>())?;
        Ok(Settling { index, fate: Fate::Declined, place: None })
    }

    pub(crate) fn link(
        &self,
        who: Who,
        symbol: Symbol,
        target: LinkTarget,
        contact: Option<ContactId>,
        user: Option<UserId>,
    ) -> Verdict<Settling> {
        if who == Who::Viewer || who == Who::Sorter {
            return Err(refused(Rule::R11, ErrorKind::Forbidden));
        }
        let index = self.found(who, symbol)?;
        let wrong_choice = |path| (None, FaultCode::NotSupportedChoice, path, Rule::R10);
        let mut wrong = Vec::new();
        let kind = self.leads[index].kind;
        if kind != Kind::Chat && !(kind == Kind::Mail && self.links_mails) {
            wrong.push(wrong_choice("category"));
        }
        if !self.is_live(who, target) {
            wrong.push(wrong_choice("target"));
        }
        if contact.is_some_and(|contact| home(who) == Home::Theirs || contact != CONTACT) {
            wrong.push(wrong_choice("contact_id"));
        }
        wrong.extend(wrong_user(who, user));
        invalid(&wrong)?;
        Ok(Settling { index, fate: Fate::Linked, place: None })
    }

    fn is_live(&self, who: Who, target: LinkTarget) -> bool {
        let home = home(who);
        match target {
            LinkTarget::Customer(customer) => home == Home::Ours && customer == CUSTOMER,
            LinkTarget::Lead(id) => {
                let of_fixture = match home {
                    Home::Ours => id == TARGET_LEAD || id == SECOND_LEAD,
                    Home::Theirs => id == FOREIGN_LEAD,
                };
                of_fixture
                    || self
                        .leads
                        .iter()
                        .any(|lead| lead.home == home && lead.lead == Some(id) && lead.fate == Fate::Accepted)
            }
        }
    }

    /// The page, and whether another follows.
    pub(crate) fn list(&self, who: Who, asked: &ListStep) -> (Vec<usize>, bool) {
        let ListStep { kinds, pipelines, uids, is_by_update, is_ascending, number, size } = asked;
        let mut all = Vec::new();
        for (index, lead) in self.leads.iter().enumerate() {
            let mut is_asked = lead.home == home(who) && lead.fate == Fate::Waits;
            if let Some(kinds) = kinds {
                is_asked &= kinds.contains(&lead.kind);
            }
            if let Some(pipelines) = pipelines {
                is_asked &= pipelines.contains(&lead.pipeline);
            }
            if let Some(uids) = uids {
                is_asked &= uids.iter().any(|symbol| self.index(*symbol) == Some(index));
            }
            if is_asked {
                all.push(index);
            }
        }
        all.sort_by_key(|index| {
            let lead = &self.leads[*index];
            (if *is_by_update { lead.recorded } else { lead.created }, lead.uid.as_str())
        });
        if !is_ascending {
            all.reverse();
        }
        let before = (usize::try_from(*number).unwrap_or(usize::MAX) - 1) * *size as usize;
        let follows = all.len() > before + *size as usize;
        (all.into_iter().skip(before).take(*size as usize).collect(), follows)
    }

    pub(crate) fn summary(&self, who: Who, asked: &SummaryStep) -> Counts {
        let SummaryStep { uids, pipelines, window } = asked;
        let mut counts = Counts::default();
        let mut secs = 0;
        for Entry { lead: index, what, at } in self.log(home(who)) {
            let lead = &self.leads[*index];
            let is_in_window = window.is_none_or(|(from, to)| from <= *at && *at <= to);
            let is_in_pipeline = pipelines.as_ref().is_none_or(|asked| asked.contains(&lead.pipeline));
            let is_named = uids
                .as_ref()
                .is_none_or(|asked| asked.iter().any(|symbol| self.index(*symbol) == Some(*index)));
            if !(is_in_window && is_in_pipeline && is_named) {
                continue;
            }
            match what {
                What::Came => counts.came[place(lead.kind)] += 1,
                What::CameAgain | What::Settled(Fate::Waits) => {}
                What::Settled(Fate::Linked) => counts.linked += 1,
                What::Settled(fate) => {
                    secs += u64::try_from(*at - lead.created).unwrap_or(0);
                    match fate {
                        Fate::Accepted => counts.accepted += 1,
                        _ => counts.declined += 1,
                    }
                }
            }
        }
        let sorted = counts.accepted + counts.declined;
        counts.mean_secs = u64::checked_div(secs, sorted).unwrap_or(0);
        counts
    }

    /// A new lead came, with this uid.
    pub(crate) fn came(&mut self, new: New, uid: Uid, lead: Option<LeadId>, creator: Option<UserId>) {
        let New { home, kind, twin, pipeline, created } = new;
        let (recorded, fate) = (self.now, Fate::Waits);
        let (status, _) = statuses(pipeline);
        self.leads.push(Known {
            uid,
            home,
            kind,
            twin,
            pipeline,
            created,
            recorded,
            fate,
            status,
            creator,
            lead,
        });
        self.log.push(Entry { lead: self.leads.len() - 1, what: What::Came, at: created });
    }

    /// A further message of a chat came.
    pub(crate) fn came_again(&mut self, index: usize) {
        self.leads[index].recorded = self.now;
        self.log.push(Entry { lead: index, what: What::CameAgain, at: self.now });
    }

    /// A lead was decided.
    pub(crate) fn settled(&mut self, Settling { index, fate, place }: Settling) {
        let lead = &mut self.leads[index];
        lead.fate = fate;
        if let Some((status, creator)) = place {
            lead.status = status;
            lead.creator = Some(creator);
        }
        self.log.push(Entry { lead: index, what: What::Settled(fate), at: self.now });
    }
}

fn is_same(one: Option<(Kind, u64)>, other: Option<(Kind, u64)>) -> bool {
    one.is_some() && one == other
}

fn place(kind: Kind) -> usize {
    match kind {
        Kind::Call => 0,
        Kind::Form => 1,
        Kind::Chat => 2,
        Kind::Mail => 3,
    }
}
