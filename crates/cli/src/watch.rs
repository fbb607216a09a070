//! `incoming-leads watch`: tells what comes, changes and goes, until somebody stops it.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use futures_util::TryStreamExt as _;
use incoming_leads_model::{
    Direction, Event, EventKind, IncomingLead, ListFilter, ListQuery, Order, OrderKey, PageRequest, Uid,
};
use incoming_leads_port::{
    Cursor, Error, ErrorKind, History, IncomingLeads, IncomingLeadsExt, Operation, Ports,
};
use serde::Serialize;

use crate::Failure;
use crate::ask::Which;
use crate::connect::To;
use crate::tell::{Progress, Telling, row};

/// How many leads are kept in mind at most.
const MOST: usize = 100_000;
/// Uids that are asked for at once.
const AT_ONCE: usize = 100;
/// The longest pause after failures, unless the server asks for a longer one.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Tell what comes, changes and goes
///
/// A line for each: + is new, ~ has changed, - does not wait any longer. Where a server offers no history it is asked
/// again and again for all that waits. What fails is told on standard error and tried again, ever more slowly, but for
/// what will not get better by itself. Ctrl-C ends it.
#[derive(Args)]
pub(crate) struct Watch {
    #[command(flatten)]
    which: Which,

    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    interval: u64,

    /// Begin with what waits already
    #[arg(long)]
    existing: bool,

    #[command(flatten)]
    telling: Telling,

    #[command(flatten)]
    to: To,
}

/// What happened to an incoming lead.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
enum Change {
    New { lead: Box<IncomingLead> },
    Updated { lead: Box<IncomingLead> },
    Gone { uid: Uid, how: Option<&'static str> },
}

impl Watch {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let Self { which, interval, existing, telling, to } = self;
        let ports = to.connection()?.ports()?;
        let mut looker = Looker::new(ports, which.filter(), existing);
        tokio::select! {
            ended = watch(&mut looker, telling, Duration::from_secs(interval)) => ended,
            stopped = stopped() => stopped,
        }
    }
}

/// Looks until nobody reads any more, or it makes no sense to go on.
async fn watch(looker: &mut Looker, telling: Telling, interval: Duration) -> Result<(), Failure> {
    let (progress, mut failures) = (Progress::none(), 0);
    loop {
        let pause = match looker.look().await {
            Ok(changes) => {
                failures = 0;
                let for_people = || changes.iter().map(Change::for_people).collect();
                if !changes.is_empty() && !telling.tell(&progress, &changes, for_people)? {
                    return Ok(());
                }
                interval
            }
            Err(error) if is_lasting(&error) => return Err(error.into()),
            Err(error) => {
                failures += 1;
                let pause = pause(interval, failures, error.retry_after());
                progress.aside(&format!("{}; trying again in {} s", Failure::from(error), pause.as_secs()));
                pause
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// The pause after so many failures in a row.
fn pause(interval: Duration, failures: u32, asked: Option<Duration>) -> Duration {
    let longer = interval.saturating_mul(2_u32.saturating_pow(failures.min(16)));
    longer.min(LONGEST_PAUSE.max(interval)).max(asked.unwrap_or_default())
}

/// Whether it will be the same the next time.
fn is_lasting(error: &Error) -> bool {
    [ErrorKind::Unauthorized, ErrorKind::Forbidden, ErrorKind::Invalid, ErrorKind::Unsupported]
        .contains(&error.kind())
}

/// Until Ctrl-C, or SIGTERM where there is one.
async fn stopped() -> Result<(), Failure> {
    #[cfg(unix)]
    {
        use anyhow::Context as _;
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).context("cannot listen to signals")?;
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = tokio::signal::ctrl_c().await;
    Ok(())
}

impl Change {
    fn for_people(&self) -> String {
        match self {
            Change::New { lead } => format!("+ {}", row(lead)),
            Change::Updated { lead } => format!("~ {}", row(lead)),
            Change::Gone { uid, how: Some(how) } => format!("- {uid}  {how}\n"),
            Change::Gone { uid, how: None } => format!("- {uid}\n"),
        }
    }
}

/// Finds out what has changed since it looked last.
struct Looker {
    port: Arc<dyn IncomingLeads>,
    history: Option<Arc<dyn History>>,
    filter: ListFilter,
    /// What waited when it looked last, where there is no history: what stands for all that is told of each.
    known: HashMap<Uid, u64>,
    /// How far the history has been read.
    cursor: Option<Cursor>,
    /// Whether what is found first is no news.
    is_silent: bool,
}

impl Looker {
    fn new(ports: Ports, filter: ListFilter, existing: bool) -> Self {
        let Ports { incoming: port, history, .. } = ports;
        Self { port, history, filter, known: HashMap::new(), cursor: None, is_silent: !existing }
    }

    async fn look(&mut self) -> Result<Vec<Change>, Error> {
        match self.history.clone() {
            Some(history) => self.read_on(&*history).await,
            None => self.poll().await,
        }
    }

    /// What the history tells after the cursor; at first the end of it is looked for, and then what waits.
    async fn read_on(&mut self, history: &dyn History) -> Result<Vec<Change>, Error> {
        let is_first = self.cursor.is_none();
        let (mut cursor, mut changes) = (self.cursor.clone(), Vec::new());
        loop {
            let stretch = history.events(cursor.as_ref(), 1000).await?;
            let is_end = stretch.events.is_empty();
            cursor = Some(stretch.next);
            for event in stretch.events.iter().filter(|event| !is_first && self.is_asked_for(event)) {
                changes.extend(self.change(event).await?);
            }
            if is_end || changes.len() >= MOST {
                break;
            }
        }
        if is_first && !self.is_silent {
            changes =
                self.waiting().await?.into_iter().map(|lead| Change::New { lead: Box::new(lead) }).collect();
        }
        // Only now: what failed on the way is read again.
        self.cursor = cursor;
        Ok(changes)
    }

    fn is_asked_for(&self, event: &Event) -> bool {
        let ListFilter { uids: _, categories, pipelines } = &self.filter;
        categories.as_ref().is_none_or(|some| some.contains(&event.category))
            && pipelines.as_ref().is_none_or(|some| some.contains(&event.pipeline_id))
    }

    /// What an event tells. Of a lead that does not wait any more its going is told, and nothing before.
    async fn change(&self, event: &Event) -> Result<Option<Change>, Error> {
        let gone = |how| Some(Change::Gone { uid: event.uid.clone(), how: Some(how) });
        Ok(match &event.kind {
            EventKind::Accepted(_) => gone("accepted"),
            EventKind::Declined(_) => gone("declined"),
            EventKind::Linked(_) => gone("linked"),
            EventKind::Added(_) => {
                self.port.get(&event.uid).await?.map(|lead| Change::New { lead: Box::new(lead) })
            }
            EventKind::Updated(_) => {
                self.port.get(&event.uid).await?.map(|lead| Change::Updated { lead: Box::new(lead) })
            }
        })
    }

    /// Compares what waits with what waited.
    async fn poll(&mut self) -> Result<Vec<Change>, Error> {
        let mut leads = self.waiting().await?;
        let found: HashSet<Uid> = leads.iter().map(|lead| lead.uid.clone()).collect();
        let missing: Vec<Uid> = self.known.keys().filter(|uid| !found.contains(*uid)).cloned().collect();
        // A lead that goes while pages are read moves others from one page to another.
        leads.extend(self.still_waiting(&missing).await?);
        let mut known = HashMap::with_capacity(leads.len());
        let mut changes = Vec::new();
        for lead in leads {
            let digest = digest(&lead);
            match self.known.get(&lead.uid) {
                None => changes.push(Change::New { lead: Box::new(lead.clone()) }),
                Some(before) if *before != digest => {
                    changes.push(Change::Updated { lead: Box::new(lead.clone()) });
                }
                Some(_) => {}
            }
            known.insert(lead.uid, digest);
        }
        let gone = missing.into_iter().filter(|uid| !known.contains_key(uid));
        changes.extend(gone.map(|uid| Change::Gone { uid, how: None }));
        self.known = known;
        Ok(if std::mem::take(&mut self.is_silent) { Vec::new() } else { changes })
    }

    /// All that waits, oldest first.
    async fn waiting(&self) -> Result<Vec<IncomingLead>, Error> {
        let order = Order { key: OrderKey::CreatedAt, direction: Direction::Ascending };
        let page = PageRequest::new(1, 250).expect("250 is a page's size");
        let query = ListQuery { filter: self.filter.clone(), order, page, ..ListQuery::default() };
        let (mut stream, mut leads, mut seen) = (self.port.stream(query), Vec::new(), HashSet::new());
        while let Some(lead) = stream.try_next().await? {
            if leads.len() >= MOST {
                let detail = format!("more than {MOST} wait; watch some categories or pipelines");
                return Err(Error::new(ErrorKind::Unsupported, Operation::List).with_detail(detail));
            }
            if seen.insert(lead.uid.clone()) {
                leads.push(lead);
            }
        }
        Ok(leads)
    }

    /// Those of these that wait all the same.
    async fn still_waiting(&self, uids: &[Uid]) -> Result<Vec<IncomingLead>, Error> {
        let mut leads = Vec::new();
        if !self.port.capabilities().list_by_uid {
            return Ok(leads);
        }
        for some in uids.chunks(AT_ONCE) {
            let filter = ListFilter { uids: Some(some.to_vec()), ..self.filter.clone() };
            let page = PageRequest::new(1, AT_ONCE as u32).expect("100 is a page's size");
            leads.extend(self.port.list(&ListQuery { filter, page, ..ListQuery::default() }).await?.items);
        }
        Ok(leads)
    }
}

/// What stands for all that is told of a lead.
fn digest(lead: &IncomingLead) -> u64 {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(lead).unwrap_or_default().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use incoming_leads_memory::Memory;
    use incoming_leads_model::document::Line;
    use incoming_leads_model::{
        Accept, AccountId, ChatOrigin, ChatsMetadata, Decline, Draft, FormsMetadata, Metadata, TakeIn, UserId,
    };
    use incoming_leads_port::{Principal, Provision, Registry};

    use super::*;

    async fn ports() -> Ports {
        let memory = Memory::default();
        let account = r#"{"account": {"account": {"id": 1, "subdomain": "a", "name": "A", "created_at": 0},
            "pipelines": [{"id": 10, "name": "Sales", "is_main": true, "statuses": [
                {"id": 11, "name": "Incoming", "sort": 10, "kind": "unsorted"},
                {"id": 12, "name": "First", "sort": 20}]}],
            "users": [{"id": 2, "name": "Ann", "email": "a@example.com", "rights": {"administrate": true}}]}}"#;
        memory.import(vec![serde_json::from_str::<Line>(account).unwrap()]).await.unwrap();
        let (account_id, user_id) = (AccountId::new(1).unwrap(), UserId::new(2).unwrap());
        memory.open(Principal { account_id, user_id }).await.unwrap()
    }

    async fn form(ports: &Ports, id: u64) -> Uid {
        let form = FormsMetadata { form_id: Some(id.to_string()), ..FormsMetadata::default() };
        let draft = Draft {
            source_name: Some("Site".to_owned()),
            source_uid: Some("site".to_owned()),
            metadata: Some(Metadata::Forms(form)),
            ..Draft::default()
        };
        ports.incoming.add_form(draft).await.unwrap().uid
    }

    async fn chat(ports: &Ports, text: &str) -> Uid {
        let origin = ChatOrigin { chat_id: Some("c".to_owned()), ..ChatOrigin::default() };
        let text = Some(text.to_owned());
        let chat = ChatsMetadata { origin, last_message_text: text, ..ChatsMetadata::default() };
        let draft = Draft { metadata: Some(Metadata::Chats(chat)), ..Draft::default() };
        ports.intake.as_ref().unwrap().take_in(&TakeIn::new(draft)).await.unwrap().uid
    }

    /// What is told, each as sign and uid.
    async fn told(looker: &mut Looker) -> Vec<(char, Uid)> {
        let changes = looker.look().await.unwrap();
        let sign = |change: &Change| change.for_people().chars().next().unwrap();
        let uid = |change: &Change| match change {
            Change::New { lead } | Change::Updated { lead } => lead.uid.clone(),
            Change::Gone { uid, how: _ } => uid.clone(),
        };
        changes.iter().map(|change| (sign(change), uid(change))).collect()
    }

    async fn tells_what_comes_changes_and_goes(ports: Ports, polls: bool) {
        let mut asked = ports.clone();
        asked.history = asked.history.filter(|_| !polls);
        let first = form(&ports, 1).await;
        let mut looker = Looker::new(asked.clone(), ListFilter::default(), false);
        assert_eq!(told(&mut looker).await, [], "what waits already is no news");
        let talk = chat(&ports, "Hello").await;
        assert_eq!(told(&mut looker).await, [('+', talk.clone())]);
        assert_eq!(told(&mut looker).await, []);
        chat(&ports, "Hello?").await;
        assert_eq!(told(&mut looker).await, [('~', talk.clone())]);
        ports.incoming.accept(&first, &Accept::default()).await.unwrap();
        ports.incoming.decline(&talk, &Decline::default()).await.unwrap();
        let mut gone = told(&mut looker).await;
        gone.sort();
        let mut expected = vec![('-', first), ('-', talk)];
        expected.sort();
        assert_eq!(gone, expected);
        let second = form(&ports, 2).await;
        let mut beginner = Looker::new(asked, ListFilter::default(), true);
        assert_eq!(told(&mut beginner).await, [('+', second)]);
        assert_eq!(told(&mut beginner).await, []);
    }

    #[tokio::test]
    async fn changes_are_told_by_the_history_and_without_it() {
        tells_what_comes_changes_and_goes(ports().await, false).await;
        tells_what_comes_changes_and_goes(ports().await, true).await;
    }

    #[test]
    fn pauses_grow_and_heed_what_the_server_asks_for() {
        let secs = Duration::from_secs;
        assert_eq!([1, 2, 3, 9].map(|failures| pause(secs(10), failures, None).as_secs()), [20, 40, 60, 60]);
        assert_eq!(pause(secs(10), 1, Some(secs(100))), secs(100));
        assert_eq!(pause(secs(3600), 3, None), secs(3600));
    }
}
