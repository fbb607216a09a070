//! Playing a script: each step is taken on the instance and judged by the oracle, and the two are compared, as far as
//! the transport tells.

use std::fmt::{Debug, Write as _};

use incoming_leads_model::document::Line;
use incoming_leads_model::{
    Accept, Add, Cards, Category, Decline, Direction, Draft, IncomingLead, Link, LinkTarget, ListFilter,
    ListQuery, Metadata, More, Order, OrderKey, PageRequest, Receipt, SummaryQuery, TakeIn, Uid, Window,
};
use incoming_leads_port::{EntityQuery, Error, ErrorKind, Outcome, Ports};

use crate::act::waiting;
use crate::failure::{Done, Failure, places, same, some, told};
use crate::fixture::{Fixture, START, TARGET_LEAD};
use crate::rule::Rule;
use crate::script::oracle::{
    Fate, Home, Known, New, Oracle, Refused, Settling, Taken, Verdict, What, home, id_of,
};
use crate::script::step::{Item, Kind, ListStep, Step, SummaryStep, Symbol, Target, Who, moment};
use crate::subject::Instance;

/// A script on its way.
pub(crate) struct Play<'a> {
    on: &'a Instance,
    oracle: Oracle,
    /// The steps taken so far, in words.
    pub(crate) trace: Vec<String>,
}

/// The instance and the oracle disagree.
#[derive(Debug)]
pub(crate) struct Divergence {
    pub(crate) rule: Rule,
    pub(crate) failure: Failure,
}

type Agreed<T> = Result<T, Divergence>;

/// A disagreement about this rule.
fn by<T>(rule: Rule, result: Result<T, Failure>) -> Agreed<T> {
    result.map_err(|failure| Divergence { rule, failure })
}

impl<'a> Play<'a> {
    /// Learns the uids of what the fixture holds.
    pub(crate) async fn begin(on: &'a Instance, fixture: &Fixture) -> Agreed<Self> {
        let mut play = Self { on, oracle: Oracle::new(fixture.name), trace: Vec::new() };
        let ours = by(Rule::R13, waiting(&on.viewer, ListFilter::default()).await)?;
        let theirs = by(Rule::R13, waiting(&on.stranger, ListFilter::default()).await)?;
        for line in &fixture.lines {
            let Line::Draft(incoming) = line else { continue };
            let (home, waiting) = match incoming.account_id == fixture.account {
                true => (Home::Ours, &ours),
                false => (Home::Theirs, &theirs),
            };
            let lead = waiting.iter().find(|lead| Some(&lead.metadata) == incoming.draft.metadata.as_ref());
            let Some(lead) = lead else {
                let failure =
                    Failure::new("what waits at the start", format!("{:?}", incoming.draft), "no such lead");
                return Err(Divergence { rule: Rule::R2, failure });
            };
            play.oracle.came(fixture_lead(home, &incoming.draft), lead.uid.clone(), lead_id(lead), None);
        }
        Ok(play)
    }

    fn ports(&self, who: Who) -> &'a Ports {
        match who {
            Who::Administrator => &self.on.administrator,
            Who::Sorter => &self.on.sorter,
            Who::Viewer => &self.on.viewer,
            Who::Stranger => &self.on.stranger,
        }
    }

    /// The symbol of a uid.
    fn name(&self, uid: &Uid) -> String {
        let place = self.oracle.leads.iter().position(|lead| lead.uid == *uid);
        place.map_or_else(|| format!("an unknown uid ({uid})"), |place| format!("L{}", place + 1))
    }

    fn symbol(&self, symbol: Symbol) -> String {
        self.oracle.index(symbol).map_or_else(|| "nothing".to_owned(), |index| format!("L{}", index + 1))
    }

    fn uid(&self, symbol: Symbol) -> Uid {
        match self.oracle.index(symbol) {
            Some(index) => self.oracle.leads[index].uid.clone(),
            None => Uid::new("00000000000000000000nobody").expect("it is a uid"),
        }
    }

    /// Takes one step.
    pub(crate) async fn step(&mut self, step: &Step) -> Agreed<()> {
        self.trace.push(self.describe(step));
        let capabilities = self.on.administrator.incoming.capabilities();
        match step {
            Step::Add(who, kind, items) => {
                // Who requires the moment has its own case for what lacks it.
                let is_timeless = |item: &Item| item.is_timeless && capabilities.takes_partial_metadata;
                let items = items.iter().map(|item| Item { is_timeless: is_timeless(item), ..*item });
                self.add(*who, *kind, &items.collect::<Vec<_>>()).await
            }
            Step::TakeIn(who, kind, item) => self.take_in(*who, *kind, *item).await,
            Step::Accept(who, symbol, user_id, status_id) => {
                let accept = Accept { user_id: *user_id, status_id: *status_id };
                let got = self.ports(*who).incoming.accept(&self.uid(*symbol), &accept).await;
                let verdict = self.oracle.accept(*who, *symbol, *user_id, *status_id);
                self.settle(Rule::R8, verdict, got)
            }
            Step::Decline(who, symbol, user_id) => {
                let decline = Decline { user_id: *user_id };
                let got = self.ports(*who).incoming.decline(&self.uid(*symbol), &decline).await;
                let verdict = self.oracle.decline(*who, *symbol, *user_id);
                self.settle(Rule::R9, verdict, got)
            }
            Step::Link(who, symbol, target, contact_id, user_id) => {
                let target = self.target(*target);
                let link = Link { target, contact_id: *contact_id, user_id: *user_id };
                let got = self.ports(*who).incoming.link(&self.uid(*symbol), &link).await;
                let verdict = match capabilities.link {
                    true => self.oracle.link(*who, *symbol, target, *contact_id, *user_id),
                    false => Err(unsupported(Rule::R10)),
                };
                self.settle(Rule::R10, verdict, got)
            }
            Step::Get(who, symbol) => self.get(*who, *symbol).await,
            Step::List(who, list) => self.list(*who, list).await,
            Step::Summary(who, summary) => self.summary(*who, summary).await,
            Step::Wait(secs) => {
                self.oracle.now += i64::from(*secs);
                if let Some(clock) = &self.on.clock {
                    clock.set(moment(self.oracle.now));
                }
                Ok(())
            }
        }
    }

    fn outcome(&mut self, text: &str) {
        if let Some(line) = self.trace.last_mut() {
            let _ = write!(line, " -> {text}");
        }
    }

    /// Compares what was judged with what came: a refusal here, else both go on.
    fn judged<T, A: Debug>(
        &mut self,
        rule: Rule,
        verdict: Verdict<T>,
        got: Result<A, Error>,
        show: impl FnOnce(&Self, &A) -> String,
    ) -> Agreed<Option<(T, A)>> {
        let disagree = |rule, expected, got| {
            Err(Divergence { rule, failure: Failure::new("the answer to this step", expected, got) })
        };
        match (verdict, got) {
            (Ok(expected), Ok(got)) => Ok(Some((expected, got))),
            (Ok(_), Err(error)) => disagree(rule, "success".to_owned(), refusal(&error)),
            (Err(refused), Ok(got)) => disagree(refused.rule, expected_refusal(&refused), show(self, &got)),
            (Err(refused), Err(error)) => {
                let is_same_kind = error.kind() == refused.kind && error.outcome() == Outcome::NotApplied;
                let tells_others = places(&error).is_some_and(|places| places != refused.places);
                if !is_same_kind || tells_others {
                    return disagree(refused.rule, expected_refusal(&refused), refusal(&error));
                }
                self.outcome(&expected_refusal(&refused));
                Ok(None)
            }
        }
    }

    async fn add(&mut self, who: Who, kind: Kind, items: &[Item]) -> Agreed<()> {
        let drafts: Vec<Draft> = items.iter().map(|item| kind.draft(*item)).collect();
        let add = if kind == Kind::Form { Add::forms(drafts) } else { Add::calls(drafts) };
        let got = self.ports(who).incoming.add(&add).await;
        let verdict = self.oracle.add(who, kind, items);
        let judged = self
            .judged(Rule::R3, verdict, got, |_, receipts| format!("{} leads were added", receipts.len()))?;
        let Some((expected, receipts)) = judged else { return Ok(()) };
        by(Rule::R5, same("the number of receipts", expected.len(), receipts.len()))?;
        let mut names = Vec::new();
        for (new, receipt) in expected.into_iter().zip(receipts) {
            self.came(who, new, &receipt)?;
            names.push(self.name(&receipt.uid));
        }
        self.outcome(&names.join(", "));
        Ok(())
    }

    async fn take_in(&mut self, who: Who, kind: Kind, item: Item) -> Agreed<()> {
        let Some(intake) = &self.ports(who).intake else {
            self.outcome("left out: there is no intake");
            return Ok(());
        };
        let got = intake.take_in(&TakeIn::new(kind.draft(item))).await;
        let verdict = self.oracle.take_in(who, kind, item);
        let judged = self.judged(Rule::R2, verdict, got, |play, receipt| {
            format!("it came in as {}", play.name(&receipt.uid))
        })?;
        let Some((taken, receipt)) = judged else { return Ok(()) };
        match taken {
            Taken::Anew(new) => {
                self.came(who, new, &receipt)?;
                self.outcome(&self.name(&receipt.uid));
            }
            Taken::Again(index) => {
                let expected = self.oracle.leads[index].uid.clone();
                by(
                    Rule::R2,
                    same("the lead that is updated", self.name(&expected), self.name(&receipt.uid)),
                )?;
                self.oracle.came_again(index);
                self.outcome(&format!("{} again", self.name(&receipt.uid)));
            }
        }
        Ok(())
    }

    /// A new lead came: its receipt has what was sent, and a uid that nobody had.
    fn came(&mut self, who: Who, new: New, receipt: &Receipt) -> Agreed<()> {
        if self.oracle.leads.iter().any(|lead| lead.uid == receipt.uid) {
            let failure =
                Failure::new("the uid of a new lead", "one that nobody had", self.name(&receipt.uid));
            return Err(Divergence { rule: Rule::R3, failure });
        }
        by(Rule::R1, told("the category of the receipt", category(new.kind), receipt.category))?;
        by(Rule::R3, told("the pipeline of the receipt", new.pipeline, receipt.pipeline_id))?;
        by(Rule::R4, told("created_at of the receipt", moment(new.created), receipt.created_at))?;
        let lead = receipt.leads.as_ref().and_then(|leads| leads.first().copied());
        self.oracle.came(new, receipt.uid.clone(), lead, Some(id_of(who)));
        Ok(())
    }

    fn settle(&mut self, rule: Rule, verdict: Verdict<Settling>, got: Result<Receipt, Error>) -> Agreed<()> {
        let judged = self
            .judged(rule, verdict, got, |play, receipt| format!("{} was decided", play.name(&receipt.uid)))?;
        let Some((settling, receipt)) = judged else { return Ok(()) };
        let lead = self.oracle.leads[settling.index].clone();
        by(rule, same("the uid of the receipt", self.name(&lead.uid), self.name(&receipt.uid)))?;
        by(rule, told("the category of the receipt", category(lead.kind), receipt.category))?;
        by(rule, told("the pipeline of the receipt", lead.pipeline, receipt.pipeline_id))?;
        by(rule, told("created_at of the receipt", moment(lead.created), receipt.created_at))?;
        if let (Some(id), Fate::Accepted | Fate::Declined) = (lead.lead, settling.fate) {
            by(rule, told("the lead of the receipt", vec![id], receipt.leads))?;
        }
        self.oracle.settled(settling);
        self.outcome("done");
        Ok(())
    }

    /// What a link names; where the adapter does not tell the lead's id, the fixture's lead.
    fn target(&self, target: Target) -> LinkTarget {
        match target {
            Target::Fixed(target) => target,
            Target::LeadOf(symbol) => {
                let lead = self.oracle.index(symbol).and_then(|index| self.oracle.leads[index].lead);
                LinkTarget::Lead(lead.unwrap_or(TARGET_LEAD))
            }
        }
    }

    async fn get(&mut self, who: Who, symbol: Symbol) -> Agreed<()> {
        let ports = self.ports(who);
        let got = ports.incoming.get(&self.uid(symbol)).await;
        let verdict = match ports.incoming.capabilities().get {
            true => Ok(self.oracle.get(who, symbol)),
            false => Err(unsupported(Rule::R7)),
        };
        let name = |play: &Self, lead: &Option<IncomingLead>| {
            lead.as_ref().map_or_else(|| "nothing".to_owned(), |lead| play.name(&lead.uid))
        };
        let Some((expected, got)) = self.judged(Rule::R7, verdict, got, name)? else { return Ok(()) };
        let expected = expected.map(|index| &self.oracle.leads[index]);
        let expected_name = expected.map_or_else(|| "nothing".to_owned(), |lead| self.name(&lead.uid));
        by(Rule::R7, same("what waits with the uid", expected_name, name(self, &got)))?;
        expected.zip(got.as_ref()).map_or(Ok(()), |(expected, got)| as_known(expected, got))
    }

    async fn list(&mut self, who: Who, asked: &ListStep) -> Agreed<()> {
        let ports = self.ports(who);
        let capabilities = ports.incoming.capabilities();
        let uids = asked.uids.as_ref().map(|uids| uids.iter().map(|symbol| self.uid(*symbol)).collect());
        let kinds = asked.kinds.as_ref();
        let query = ListQuery {
            filter: ListFilter {
                uids,
                categories: kinds.map(|kinds| kinds.iter().map(|kind| category(*kind)).collect()),
                pipelines: asked.pipelines.clone(),
            },
            order: Order {
                key: if asked.is_by_update { OrderKey::UpdatedAt } else { OrderKey::CreatedAt },
                direction: if asked.is_ascending { Direction::Ascending } else { Direction::Descending },
            },
            page: PageRequest::new(asked.number, asked.size).expect("scripts ask for pages that there are"),
            cards: Cards::Omit,
        };
        let got = ports.incoming.list(&query).await;
        let can_filter = asked.uids.is_none() || capabilities.list_by_uid;
        let can_order = !asked.is_by_update || capabilities.order_by_updated_at;
        let verdict = match can_filter && can_order {
            true => Ok(self.oracle.list(who, asked)),
            false => Err(unsupported(Rule::R13)),
        };
        let judged = self.judged(Rule::R13, verdict, got, |_, page| format!("{} leads", page.items.len()))?;
        let Some(((expected, follows), page)) = judged else { return Ok(()) };
        let names: Vec<_> = page.items.iter().map(|lead| self.name(&lead.uid)).collect();
        let expected_names: Vec<_> = expected.iter().map(|index| format!("L{}", index + 1)).collect();
        by(Rule::R13, same("the leads of the page", expected_names, names))?;
        let is_true = match page.more {
            More::Yes => follows,
            More::No => !follows,
            More::Perhaps => !capabilities.tells_more && (follows || page.items.len() == asked.size as usize),
        };
        if !is_true {
            let failure =
                Failure::new("whether a page follows", format!("{follows}"), format!("{:?}", page.more));
            return Err(Divergence { rule: Rule::R13, failure });
        }
        expected
            .iter()
            .zip(&page.items)
            .try_for_each(|(index, lead)| as_known(&self.oracle.leads[*index], lead))
    }

    async fn summary(&mut self, who: Who, asked: &SummaryStep) -> Agreed<()> {
        let ports = self.ports(who);
        let capabilities = ports.incoming.capabilities();
        let uids = asked.uids.as_ref().map(|uids| uids.iter().map(|symbol| self.uid(*symbol)).collect());
        let window = asked.window.map_or(Window::ALL, |(from, to)| {
            Window::new(moment(from), moment(to)).expect("scripts ask for windows that there are")
        });
        let query = SummaryQuery { uids, pipelines: asked.pipelines.clone(), window };
        let got = ports.incoming.summary(&query).await;
        let can_name = asked.uids.is_none() || capabilities.summary_by_uid;
        let can_place = asked.pipelines.is_none() || capabilities.summary_by_pipeline;
        let verdict = match can_name && can_place {
            true => Ok(self.oracle.summary(who, asked)),
            false => Err(unsupported(Rule::R12)),
        };
        let judged = self.judged(Rule::R12, verdict, got, |_, summary| format!("{summary:?}"))?;
        let Some((expected, got)) = judged else { return Ok(()) };
        by(Rule::R12, same("calls, forms, chats, mails that came", expected.came, got.categories))?;
        by(Rule::R12, same("the total", expected.came.iter().sum(), got.total))?;
        by(Rule::R12, same("accepted", expected.accepted, got.accepted))?;
        by(Rule::R12, told("declined", expected.declined, got.declined))?;
        by(Rule::R12, told("linked", expected.linked, got.linked))?;
        by(Rule::R12, same("the mean, in seconds", expected.mean_secs, got.average_sort_time_secs))
    }

    /// After the last step: both lists, where each lead's lead stands, and the history.
    pub(crate) async fn finish(&mut self) -> Agreed<()> {
        let whole = ListStep {
            kinds: None,
            pipelines: None,
            uids: None,
            is_by_update: false,
            is_ascending: true,
            number: 1,
            size: 500,
        };
        for who in [Who::Viewer, Who::Stranger] {
            self.trace.push(format!("at the end {who} lists all that waits"));
            self.list(who, &whole).await?;
            self.trace.push(format!("at the end {who} looks up where the leads stand"));
            self.standings(who).await?;
            self.trace.push(format!("at the end {who} reads the history"));
            self.history(who).await?;
        }
        Ok(())
    }

    async fn standings(&self, who: Who) -> Agreed<()> {
        let Some(directory) = &self.ports(who).directory else { return Ok(()) };
        for lead in self.oracle.leads.iter().filter(|lead| lead.home == home(who)) {
            let Some(id) = lead.lead else { continue };
            let page =
                by(Rule::R3, directory.leads(&EntityQuery::with_ids(vec![id])).await.map_err(Failure::from))?;
            let got = by(Rule::R3, some("the lead's lead by its id", page.items.first()))?;
            let flags = (got.is_unsorted, got.stamp.is_deleted);
            let (rule, expected) = match lead.fate {
                Fate::Waits => (Rule::R3, (true, false)),
                Fate::Accepted => (Rule::R8, (false, false)),
                Fate::Declined => (Rule::R9, (false, true)),
                Fate::Linked => (Rule::R10, (false, true)),
            };
            let what = format!("whether the lead of {} is hidden, and in the bin", self.name(&lead.uid));
            by(rule, same(&what, expected, flags))?;
            if let Fate::Waits | Fate::Accepted = lead.fate {
                let what = format!("the status of the lead of {}", self.name(&lead.uid));
                by(rule, same(&what, lead.status, got.status_id))?;
            }
            if let (Some(creator), Fate::Waits | Fate::Accepted) = (lead.creator, lead.fate) {
                let what = format!("the creator of the lead of {}", self.name(&lead.uid));
                by(rule, same(&what, Some(creator), got.stamp.created_by))?;
            }
        }
        Ok(())
    }

    async fn history(&self, who: Who) -> Agreed<()> {
        use incoming_leads_model::EventKind;
        let Some(history) = &self.ports(who).history else { return Ok(()) };
        let (mut cursor, mut got) = (None, Vec::new());
        loop {
            let stretch = by(Rule::R7, history.events(cursor.as_ref(), 7).await.map_err(Failure::from))?;
            if stretch.events.is_empty() {
                break;
            }
            got.extend(stretch.events.iter().map(|event| {
                let what = match event.kind {
                    EventKind::Added(_) => What::Came,
                    EventKind::Updated(_) => What::CameAgain,
                    EventKind::Accepted(_) => What::Settled(Fate::Accepted),
                    EventKind::Declined(_) => What::Settled(Fate::Declined),
                    EventKind::Linked(_) => What::Settled(Fate::Linked),
                };
                format!("{} {what:?}", self.name(&event.uid))
            }));
            cursor = Some(stretch.next);
        }
        let expected = self.oracle.log(home(who));
        let expected: Vec<_> =
            expected.map(|entry| format!("L{} {:?}", entry.lead + 1, entry.what)).collect();
        by(Rule::R7, same("the history", expected, got))
    }

    fn describe(&self, step: &Step) -> String {
        match step {
            Step::Add(who, kind, items) => {
                let items: Vec<_> = items.iter().map(ToString::to_string).collect();
                format!("{who} adds {} {kind}s: {}", items.len(), items.join("; "))
            }
            Step::TakeIn(who, kind, item) => format!("{who} takes in {kind} {item}"),
            Step::Accept(who, lead, user, status) => {
                format!(
                    "{who} accepts {}{}{}",
                    self.symbol(*lead),
                    named(" for user", user),
                    named(" into status", status)
                )
            }
            Step::Decline(who, lead, user) => {
                format!("{who} declines {}{}", self.symbol(*lead), named(" for user", user))
            }
            Step::Link(who, lead, target, contact, user) => {
                let to = match target {
                    Target::Fixed(target) => target.to_string(),
                    Target::LeadOf(symbol) => format!("the lead of {}", self.symbol(*symbol)),
                };
                let (contact, user) = (named(" with contact", contact), named(" for user", user));
                format!("{who} links {} to {to}{contact}{user}", self.symbol(*lead))
            }
            Step::Get(who, lead) => format!("{who} asks for {}", self.symbol(*lead)),
            Step::List(who, list) => {
                let ListStep { kinds, pipelines, uids, is_by_update, is_ascending, number, size } = list;
                let key = if *is_by_update { "updated_at" } else { "created_at" };
                let direction = if *is_ascending { "ascending" } else { "descending" };
                let mut text = format!("{who} lists page {number} of {size} by {key} {direction}");
                if let Some(kinds) = kinds {
                    let kinds: Vec<_> = kinds.iter().map(ToString::to_string).collect();
                    let _ = write!(text, ", of the kinds [{}]", kinds.join(", "));
                }
                self.conditions(&mut text, uids.as_deref(), pipelines.as_deref());
                text
            }
            Step::Summary(who, SummaryStep { uids, pipelines, window }) => {
                let mut text = format!("{who} asks for the summary");
                if let Some((from, to)) = window {
                    let _ = write!(text, " from second {from} to second {to}");
                }
                self.conditions(&mut text, uids.as_deref(), pipelines.as_deref());
                text
            }
            Step::Wait(secs) => {
                format!("{secs} seconds go by: it is second {}", self.oracle.now + i64::from(*secs))
            }
        }
    }

    fn conditions(&self, text: &mut String, uids: Option<&[Symbol]>, pipelines: Option<&[impl ToString]>) {
        if let Some(pipelines) = pipelines {
            let pipelines: Vec<_> = pipelines.iter().map(ToString::to_string).collect();
            let _ = write!(text, ", of the pipelines [{}]", pipelines.join(", "));
        }
        if let Some(uids) = uids {
            let uids: Vec<_> = uids.iter().map(|symbol| self.symbol(*symbol)).collect();
            let _ = write!(text, ", of the uids [{}]", uids.join(", "));
        }
    }
}

fn named(what: &str, choice: &Option<impl ToString>) -> String {
    choice.as_ref().map(|choice| format!("{what} {}", choice.to_string())).unwrap_or_default()
}

/// The lead as it is told agrees with what is known of it.
fn as_known(known: &Known, got: &IncomingLead) -> Agreed<()> {
    let of_lead = |rule, done: Done| by(rule, done);
    of_lead(Rule::R1, same("the category", category(known.kind), got.category()))?;
    of_lead(Rule::R4, same("created_at", moment(known.created), got.created_at))?;
    of_lead(Rule::R3, told("the pipeline", known.pipeline, got.pipeline_id))?;
    of_lead(Rule::R13, told("updated_at", moment(known.recorded), got.updated_at))?;
    match (known.lead, lead_id(got)) {
        (Some(expected), Some(got)) => of_lead(Rule::R3, same("the id of its lead", expected, got)),
        (None, _) | (_, None) => Ok(()),
    }
}

fn lead_id(lead: &IncomingLead) -> Option<incoming_leads_model::LeadId> {
    lead.leads.as_ref()?.first()?.id
}

fn category(kind: Kind) -> Category {
    match kind {
        Kind::Call => Category::Sip,
        Kind::Form => Category::Forms,
        Kind::Chat => Category::Chats,
        Kind::Mail => Category::Mail,
    }
}

fn unsupported(rule: Rule) -> Refused {
    Refused { rule, kind: ErrorKind::Unsupported, places: std::collections::BTreeSet::new() }
}

fn expected_refusal(refused: &Refused) -> String {
    shown(refused.kind, Some(&refused.places))
}

fn refusal(error: &Error) -> String {
    let unknown = if error.outcome() == Outcome::Unknown { ", effect unknown" } else { "" };
    format!("{}{unknown}", shown(error.kind(), places(error).as_ref()))
}

fn shown(kind: ErrorKind, places: Option<&std::collections::BTreeSet<crate::failure::Place>>) -> String {
    let mut text = format!("refused: {kind:?}");
    for (index, code, path) in places.into_iter().flatten() {
        let item = index.map(|index| format!("item {index} ")).unwrap_or_default();
        let _ = write!(text, ", {item}{path} {}", code.as_str());
    }
    text
}

/// A lead of the fixture, as its draft tells it.
fn fixture_lead(home: Home, draft: &Draft) -> New {
    let number = |text: &Option<String>| text.as_ref()?.rsplit('-').next()?.parse().ok();
    let (kind, number) = match &draft.metadata {
        Some(Metadata::Chats(chat)) => (Kind::Chat, number(&chat.origin.chat_id)),
        Some(Metadata::Mail(mail)) => (Kind::Mail, number(&mail.message_id)),
        Some(Metadata::Forms(_)) => (Kind::Form, None),
        Some(Metadata::Sip(_)) | None => (Kind::Call, None),
    };
    let main = match home {
        Home::Ours => crate::fixture::MAIN,
        Home::Theirs => crate::fixture::FOREIGN_PIPELINE,
    };
    New {
        home,
        kind,
        twin: number.map(|number| (kind, number)),
        pipeline: draft.pipeline_id.unwrap_or(main),
        created: draft.created_at.map_or(0, |at| at.secs() - START.secs()),
    }
}
