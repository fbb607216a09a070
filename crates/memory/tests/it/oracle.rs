//! Random commands against a list that is scanned from end to end, on purpose: it shares no code with the store.

use incoming_leads_model::{
    Accept, Category, Decline, Direction, Link, LinkTarget, ListFilter, ListQuery, Metadata, More, Order,
    OrderKey, PageRequest, PipelineId, SummaryQuery, Uid, Window,
};
use incoming_leads_port::ErrorKind;
use proptest::prelude::*;

use crate::world::{
    CUSTOMER, LEAD, START, World, call, chat, draft, form, id, links_mail, mail, moment, now,
};

#[derive(Debug, Clone)]
enum Step {
    Add(Vec<Seed>),
    TakeIn(Seed),
    Decide(Decision, usize),
    Wait(u32),
    List(Question),
    Get(usize),
    Summary(Span),
}

/// An incoming lead: its kind (0..4, of which an add takes the even or the odd), key, pipeline, age.
#[derive(Debug, Clone, Copy)]
struct Seed {
    kind: u8,
    key: u8,
    pipeline: u64,
    age: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Accept,
    Decline,
    LinkLead,
    LinkCustomer,
}

#[derive(Debug, Clone)]
struct Question {
    uids: Option<Vec<usize>>,
    categories: Option<Vec<Category>>,
    pipelines: Option<Vec<u64>>,
    key: OrderKey,
    direction: Direction,
    number: u64,
    size: u32,
}

#[derive(Debug, Clone)]
struct Span {
    uids: Option<Vec<usize>>,
    pipelines: Option<Vec<u64>>,
    from: i64,
    length: i64,
}

/// What is known of one uid.
#[derive(Debug, Clone)]
struct Known {
    uid: Uid,
    category: Category,
    key: u8,
    pipeline: u64,
    created_at: i64,
    updated_at: i64,
    decided: Option<(Decision, i64)>,
}

struct Naive {
    now: i64,
    all: Vec<Known>,
}

impl Naive {
    fn waiting_twin(&self, category: Category, key: u8) -> Option<usize> {
        let same = |known: &Known| known.decided.is_none() && known.category == category && known.key == key;
        (key > 0).then(|| self.all.iter().position(same)).flatten()
    }

    fn list(&self, question: &Question) -> (Vec<Uid>, bool) {
        let mut waiting: Vec<&Known> = self
            .all
            .iter()
            .enumerate()
            .filter(|(_, known)| known.decided.is_none())
            .filter(|(at, _)| question.uids.as_ref().is_none_or(|uids| uids.contains(at)))
            .map(|(_, known)| known)
            .filter(|known| question.categories.as_ref().is_none_or(|of| of.contains(&known.category)))
            .filter(|known| question.pipelines.as_ref().is_none_or(|of| of.contains(&known.pipeline)))
            .collect();
        waiting.sort_by_key(|known| match question.key {
            OrderKey::CreatedAt => (known.created_at, known.uid.to_string()),
            OrderKey::UpdatedAt => (known.updated_at, known.uid.to_string()),
        });
        if question.direction == Direction::Descending {
            waiting.reverse();
        }
        let before = (question.number as usize - 1) * question.size as usize;
        let rest: Vec<Uid> = waiting.into_iter().skip(before).map(|known| known.uid.clone()).collect();
        let more = rest.len() > question.size as usize;
        (rest.into_iter().take(question.size as usize).collect(), more)
    }

    /// Total, four categories, accepted, declined, linked, mean.
    fn summary(&self, span: &Span) -> [u64; 9] {
        let mut counts = [0; 9];
        let mut secs = 0;
        let inside = |at: i64| (span.from..=span.from + span.length).contains(&at);
        for (at, known) in self.all.iter().enumerate() {
            if span.uids.as_ref().is_some_and(|uids| !uids.contains(&at))
                || span.pipelines.as_ref().is_some_and(|of| !of.contains(&known.pipeline))
            {
                continue;
            }
            if inside(known.created_at) {
                counts[0] += 1;
                counts[1 + Category::ALL.iter().position(|category| *category == known.category).unwrap()] +=
                    1;
            }
            match known.decided {
                Some((Decision::Accept, at)) if inside(at) => {
                    counts[5] += 1;
                    secs += (at - known.created_at).max(0);
                }
                Some((Decision::Decline, at)) if inside(at) => {
                    counts[6] += 1;
                    secs += (at - known.created_at).max(0);
                }
                Some((Decision::LinkLead | Decision::LinkCustomer, at)) if inside(at) => counts[7] += 1,
                Some(_) | None => {}
            }
        }
        counts[8] = (secs as u64).checked_div(counts[5] + counts[6]).unwrap_or(0);
        counts
    }
}

fn metadata(seed: Seed) -> Metadata {
    match seed.kind {
        0 => call(seed.key),
        1 => form(seed.key),
        2 => chat(seed.key),
        _ => mail(seed.key),
    }
}

struct Run {
    world: World,
    naive: Naive,
}

impl Run {
    fn new() -> Self {
        Self { world: World::with_policies(links_mail()), naive: Naive { now: START, all: vec![] } }
    }

    fn incoming_draft(&self, seed: Seed) -> incoming_leads_model::Draft {
        let mut draft = draft(metadata(seed));
        draft.pipeline_id = Some(id(seed.pipeline));
        draft.created_at = seed.age.map(|age| moment(self.naive.now - age));
        draft
    }

    fn know(&mut self, uid: &Uid, seed: Seed) {
        self.naive.all.push(Known {
            uid: uid.clone(),
            category: Category::ALL[usize::from(seed.kind)],
            key: seed.key,
            pipeline: seed.pipeline,
            created_at: self.naive.now - seed.age.unwrap_or(0),
            updated_at: self.naive.now,
            decided: None,
        });
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Add(seeds) => self.add(seeds),
            Step::TakeIn(seed) => self.take_in(Seed { kind: 2 + seed.kind % 2, ..*seed }),
            Step::Decide(decision, at) => self.decide(*decision, *at),
            Step::Wait(secs) => {
                self.world.clock.advance_secs(*secs);
                self.naive.now += i64::from(*secs);
            }
            Step::List(question) => self.list(question),
            Step::Get(at) => {
                if let Some(known) = pick(&self.naive.all, *at) {
                    let got = now(self.world.ports.incoming.get(&known.uid)).unwrap();
                    assert_eq!(got.map(|lead| lead.uid), known.decided.is_none().then(|| known.uid.clone()));
                }
            }
            Step::Summary(span) => self.summary(span),
        }
    }

    fn add(&mut self, seeds: &[Seed]) {
        // One batch is of one kind.
        let kind = seeds[0].kind % 2;
        let seeds: Vec<Seed> = seeds.iter().map(|seed| Seed { kind, ..*seed }).collect();
        let category = Category::ALL[usize::from(kind)];
        let is_double = |(at, seed): (usize, &Seed)| {
            self.naive.waiting_twin(category, seed.key).is_some()
                || seeds[..at].iter().any(|earlier| seed.key > 0 && earlier.key == seed.key)
        };
        let refused = seeds.iter().enumerate().any(is_double);
        match self.world.add(seeds.iter().map(|seed| self.incoming_draft(*seed)).collect()) {
            Ok(receipts) => {
                assert!(!refused, "a duplicate was taken");
                assert_eq!(receipts.len(), seeds.len());
                receipts.iter().zip(&seeds).for_each(|(receipt, seed)| self.know(&receipt.uid, *seed));
            }
            Err(error) => {
                assert!(refused, "{error}");
                assert_eq!(error.kind(), ErrorKind::Invalid);
            }
        }
    }

    fn take_in(&mut self, seed: Seed) {
        let category = Category::ALL[usize::from(seed.kind)];
        let twin = self.naive.waiting_twin(category, seed.key);
        match (self.world.take_in(self.incoming_draft(seed)), twin, category) {
            (Ok(receipt), Some(twin), Category::Chats) => {
                assert_eq!(receipt.uid, self.naive.all[twin].uid);
                self.naive.all[twin].updated_at = self.naive.now;
            }
            (Ok(receipt), None, _) => self.know(&receipt.uid, seed),
            (Err(error), Some(_), Category::Mail) => assert_eq!(error.kind(), ErrorKind::Invalid),
            (answer, twin, _) => panic!("{answer:?} with the twin {twin:?}"),
        }
    }

    fn decide(&mut self, decision: Decision, at: usize) {
        let Some(at) = at.checked_rem(self.naive.all.len()) else { return };
        let known = self.naive.all[at].clone();
        let port = &self.world.ports.incoming;
        let link = |target| Link { target, contact_id: None, user_id: None };
        let answer = match decision {
            Decision::Accept => now(port.accept(&known.uid, &Accept::default())),
            Decision::Decline => now(port.decline(&known.uid, &Decline::default())),
            Decision::LinkLead => now(port.link(&known.uid, &link(LinkTarget::Lead(id(LEAD))))),
            Decision::LinkCustomer => now(port.link(&known.uid, &link(LinkTarget::Customer(id(CUSTOMER))))),
        };
        let is_link = matches!(decision, Decision::LinkLead | Decision::LinkCustomer);
        let linkable = matches!(known.category, Category::Chats | Category::Mail);
        match answer {
            Ok(receipt) => {
                assert_eq!(receipt.uid, known.uid);
                assert!(known.decided.is_none() && (!is_link || linkable));
                self.naive.all[at].decided = Some((decision, self.naive.now));
            }
            Err(error) if known.decided.is_some() => assert_eq!(error.kind(), ErrorKind::NotFound),
            Err(error) => {
                assert!(is_link && !linkable, "{error}");
                assert_eq!(error.kind(), ErrorKind::Invalid);
            }
        }
    }

    fn uids(&self, places: Option<&Vec<usize>>) -> Option<Vec<Uid>> {
        let known = |at: &usize| self.naive.all.get(*at).map(|known| known.uid.clone());
        places.map(|places| places.iter().filter_map(known).collect())
    }

    fn list(&self, question: &Question) {
        let pipelines = question.pipelines.as_ref();
        let query = ListQuery {
            filter: ListFilter {
                uids: self.uids(question.uids.as_ref()),
                categories: question.categories.clone(),
                pipelines: pipelines.map(|ids| ids.iter().map(|pipeline| id(*pipeline)).collect()),
            },
            order: Order { key: question.key, direction: question.direction },
            page: PageRequest::new(question.number, question.size).unwrap(),
            ..ListQuery::default()
        };
        let page = now(self.world.ports.incoming.list(&query)).unwrap();
        let (uids, more) = self.naive.list(question);
        assert_eq!(page.items.iter().map(|lead| lead.uid.clone()).collect::<Vec<_>>(), uids);
        assert_eq!(page.more, if more { More::Yes } else { More::No });
        let versions = now(self.world.ports.versioned.as_ref().unwrap().versions(&query)).unwrap();
        assert_eq!(versions.items.into_iter().map(|version| version.uid).collect::<Vec<_>>(), uids);
        for lead in page.items {
            let known = self.naive.all.iter().find(|known| known.uid == lead.uid).unwrap();
            assert_eq!(lead.created_at, moment(known.created_at));
            assert_eq!(lead.updated_at, Some(moment(known.updated_at)));
            assert_eq!(lead.category(), known.category);
            assert_eq!(lead.pipeline_id, Some(id(known.pipeline)));
        }
    }

    fn summary(&self, span: &Span) {
        let pipelines = span.pipelines.as_ref();
        let pipelines: Option<Vec<PipelineId>> =
            pipelines.map(|ids| ids.iter().map(|number| id(*number)).collect());
        let window = Window::new(moment(span.from), moment(span.from + span.length)).unwrap();
        let query = SummaryQuery { uids: self.uids(span.uids.as_ref()), pipelines, window };
        let summary = now(self.world.ports.incoming.summary(&query)).unwrap();
        let [sip, forms, chats, mail] = summary.categories;
        let counts = [
            summary.total,
            sip,
            forms,
            chats,
            mail,
            summary.accepted,
            summary.declined.unwrap(),
            summary.linked.unwrap(),
            summary.average_sort_time_secs,
        ];
        assert_eq!(counts, self.naive.summary(span));
    }
}

fn pick<T>(all: &[T], at: usize) -> Option<&T> {
    at.checked_rem(all.len()).map(|at| &all[at])
}

fn seed() -> impl Strategy<Value = Seed> {
    (0..2_u8, 0..12_u8, 1..4_u64, proptest::option::of(-20..200_i64))
        .prop_map(|(kind, key, pipeline, age)| Seed { kind, key, pipeline, age })
}

fn some<T: std::fmt::Debug>(
    of: impl Strategy<Value = T>,
    most: usize,
) -> impl Strategy<Value = Option<Vec<T>>> {
    proptest::option::weighted(0.4, proptest::collection::vec(of, 0..most))
}

fn category() -> impl Strategy<Value = Category> {
    (0..4_usize).prop_map(|at| Category::ALL[at])
}

fn question() -> impl Strategy<Value = Question> {
    let filter = (some(0..30_usize, 12), some(category(), 5), some(1..6_u64, 5));
    let key = prop_oneof![Just(OrderKey::CreatedAt), Just(OrderKey::UpdatedAt)];
    let direction = prop_oneof![Just(Direction::Ascending), Just(Direction::Descending)];
    (filter, key, direction, 1..5_u64, 1..20_u32).prop_map(
        |((uids, categories, pipelines), key, direction, number, size)| Question {
            uids,
            categories,
            pipelines,
            key,
            direction,
            number,
            size,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let decision = prop_oneof![
        Just(Decision::Accept),
        Just(Decision::Decline),
        Just(Decision::LinkLead),
        Just(Decision::LinkCustomer)
    ];
    let span = (some(0..30_usize, 12), some(1..6_u64, 4), START - 250..START + 800, 0..600_i64)
        .prop_map(|(uids, pipelines, from, length)| Span { uids, pipelines, from, length });
    prop_oneof![
        4 => proptest::collection::vec(seed(), 1..4).prop_map(Step::Add),
        4 => seed().prop_map(Step::TakeIn),
        4 => (decision, any::<usize>()).prop_map(|(decision, at)| Step::Decide(decision, at)),
        2 => (0..60_u32).prop_map(Step::Wait),
        4 => question().prop_map(Step::List),
        1 => any::<usize>().prop_map(Step::Get),
        2 => span.prop_map(Step::Summary),
    ]
}

/// A store in which such steps were taken, for other tests.
pub(crate) fn lived_in() -> impl Strategy<Value = World> {
    proptest::collection::vec(step(), 20..80).prop_map(|steps| {
        let mut run = Run::new();
        steps.iter().for_each(|step| run.step(step));
        run.world
    })
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.memory.fmt(f)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_store_answers_as_a_list_that_is_scanned(steps in proptest::collection::vec(step(), 1..120)) {
        let mut run = Run::new();
        steps.iter().for_each(|step| run.step(step));
    }
}
