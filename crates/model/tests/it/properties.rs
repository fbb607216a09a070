//! What holds whatever comes.

use std::collections::HashMap;
use std::sync::LazyLock;

use incoming_leads_model::paging::split;
use incoming_leads_model::window::{
    Bucket, Descent, GUIDE_LEVELS, LEVELS, Run, Start, Step, buckets_of, cover, guides_of,
};
use incoming_leads_model::*;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use crate::arbitrary;
use crate::world::*;

fn ordered(a: Moment, b: Moment) -> Window {
    Window::new(a.min(b), a.max(b)).unwrap()
}

fn tally(events: &[Event], window: Window) -> Tally {
    events.iter().filter(|event| window.contains(event.moment())).map(Tally::of).sum()
}

// Summaries.

proptest! {
    #[test]
    fn tallies_of_disjoint_windows_add_up(
        events in vec(event(), 0..6),
        from in arbitrary::moment(),
        to in arbitrary::moment(),
        cut in arbitrary::moment(),
    ) {
        let all = ordered(from, to);
        prop_assume!(all.contains(cut) && cut < all.to());
        let first = Window::new(all.from(), cut).unwrap();
        let second = Window::new(at(cut.secs() + 1), all.to()).unwrap();
        prop_assert_eq!(tally(&events, first) + tally(&events, second), tally(&events, all));
    }

    #[test]
    fn tallies_kept_by_bucket_answer_every_window(
        events in vec(event(), 0..6),
        from in arbitrary::moment(),
        to in arbitrary::moment(),
    ) {
        let mut kept: HashMap<Bucket, Tally> = HashMap::new();
        for event in &events {
            for bucket in buckets_of(event.moment()) {
                *kept.entry(bucket).or_default() += Tally::of(event);
            }
        }
        let window = ordered(from, to);
        let buckets = cover(window).into_iter().flat_map(Run::buckets);
        let found: Tally = buckets.filter_map(|bucket| kept.get(&bucket)).copied().sum();
        prop_assert_eq!(found, tally(&events, window));
    }

    #[test]
    fn mean_is_that_of_the_decisions(created in 0..1_000_i64, decided in vec((any::<bool>(), 0..1_000_i64), 1..5)) {
        let events: Vec<_> = decided.iter().map(|(is_accepted, at_secs)| {
            let event = events()[usize::from(!is_accepted)].clone();
            Event { created_at: at(created), recorded_at: at(*at_secs), ..event }
        }).collect();
        let secs: i64 = decided.iter().map(|(_, at_secs)| (at_secs - created).max(0)).sum();
        let summary = Summary::from(tally(&events, Window::ALL));
        prop_assert_eq!(summary.average_sort_time_secs, (secs / decided.len() as i64) as u64);
        let accepted = decided.iter().filter(|(is_accepted, _)| *is_accepted).count() as u64;
        prop_assert_eq!((summary.accepted, summary.declined), (accepted, Some(decided.len() as u64 - accepted)));
    }
}

/// An event of each kind.
fn events() -> &'static [Event; 5] {
    static EVENTS: LazyLock<[Event; 5]> = LazyLock::new(|| {
        let mut world = World::new();
        let added = world.take_in(SORTER, chat("1")).unwrap();
        let link = Link { target: LinkTarget::Lead(id(LIVE)), contact_id: None, user_id: None };
        [
            world.decide_accept(SORTER, &added.uid, Accept::default()).unwrap(),
            world.decide_decline(SORTER, &added.uid, Decline::default()).unwrap(),
            world.decide_link(ADMINISTRATOR, &added.uid, link).unwrap(),
            world.decide_take_in(SORTER, chat("1")).unwrap(),
            added,
        ]
    });
    &EVENTS
}

fn event() -> impl Strategy<Value = Event> {
    let kinds = prop::sample::select(&events()[..]);
    let categories = prop::sample::select(&Category::ALL[..]);
    (kinds, categories, arbitrary::moment(), arbitrary::moment()).prop_map(
        |(event, category, created_at, recorded_at)| Event { category, created_at, recorded_at, ..event },
    )
}

// Windows.

/// The buckets lie end to end from the first second to the last, and no 64 of them could be one.
fn is_exact(window: Window) {
    let runs = cover(window);
    assert!(
        runs.len() <= 2 * usize::from(LEVELS) && runs.iter().all(|run| run.first <= run.last),
        "{window:?}"
    );
    let mut buckets: Vec<_> = runs.into_iter().flat_map(Run::buckets).collect();
    buckets.sort_by_key(|bucket| bucket.first_sec());
    let mut next = window.from().secs() as u64;
    for bucket in &buckets {
        assert_eq!(bucket.first_sec(), next, "{window:?}");
        next = bucket.last_sec() + 1;
    }
    let end = if window.to() == Moment::MAX { 1 << 42 } else { window.to().secs() as u64 + 1 };
    assert_eq!(next, end, "{window:?}");
    let mut of_parent: HashMap<(u8, u64), usize> = HashMap::new();
    for bucket in &buckets {
        *of_parent.entry((bucket.level + 1, bucket.index / 64)).or_default() += 1;
    }
    assert!(of_parent.values().all(|children| *children < 64), "{window:?}");
    assert!(buckets.len() <= 2 * 63 * usize::from(LEVELS), "{window:?}");
}

proptest! {
    #[test]
    fn cover_is_exactly_the_window(from in arbitrary::moment(), to in arbitrary::moment()) {
        is_exact(ordered(from, to));
    }

    #[test]
    fn moment_has_one_bucket_a_level_and_all_of_them_hold_it(moment in arbitrary::moment()) {
        let buckets: Vec<_> = buckets_of(moment).collect();
        prop_assert_eq!(buckets.iter().map(|bucket| bucket.level).collect::<Vec<_>>(), (0..LEVELS).collect::<Vec<_>>());
        let sec = moment.secs() as u64;
        for bucket in buckets {
            prop_assert!((bucket.first_sec()..=bucket.last_sec()).contains(&sec));
            prop_assert_eq!(bucket.last_sec() - bucket.first_sec() + 1, 64_u64.pow(bucket.level.into()));
        }
    }
}

fn cover_of(from: Moment, to: Moment) -> Vec<Bucket> {
    cover(Window::new(from, to).unwrap()).into_iter().flat_map(Run::buckets).collect()
}

#[test]
fn cover_of_a_second_is_a_second_and_of_all_time_one_bucket() {
    for secs in [0, 1, 63, 64, 4_095, limits::MAX_MOMENT_SECS - 1] {
        let only = Bucket { level: 0, index: secs as u64 };
        assert_eq!(cover_of(at(secs), at(secs)), [only]);
    }
    assert_eq!(cover_of(Moment::MIN, Moment::MAX), [Bucket { level: LEVELS - 1, index: 0 }]);
    assert_eq!(cover_of(at(0), at(63)), [Bucket { level: 1, index: 0 }]);
    let edges = [0, 1, 62, 63, 64, 65, 127, 128, 4_095, 4_096, 4_097, limits::MAX_MOMENT_SECS];
    for from in edges {
        for to in edges.into_iter().filter(|to| from <= *to) {
            is_exact(Window::new(at(from), at(to)).unwrap());
        }
    }
}

// Pages.

proptest! {
    #[test]
    fn split_pages_hold_exactly_the_wanted_one(number in 1..=40_u64, size in 1..=500_u32, most in 0..=600_u32) {
        let wanted = PageRequest::new(number, size).unwrap();
        let mut next = wanted.offset();
        let slices = split(wanted, most);
        for slice in &slices {
            prop_assert_eq!(slice.page.offset() + u64::from(slice.skip), next);
            prop_assert!(slice.take > 0);
            prop_assert!(slice.skip + slice.take <= slice.page.size());
            prop_assert!(slice.page.size() <= most.clamp(1, 500));
            next += u64::from(slice.take);
        }
        prop_assert_eq!(next, wanted.offset() + u64::from(size));
        // What follows goes on where they end.
        let rest = slices[slices.len() - 1].following().unwrap();
        prop_assert_eq!(rest.page.offset() + u64::from(rest.skip), next);
        prop_assert!(rest.take > 0 && rest.skip + rest.take == rest.page.size());
        if size <= most {
            prop_assert_eq!(slices.len(), 1);
            prop_assert_eq!(slices[0].page, wanted);
        }
    }

    #[test]
    fn split_far_past_any_store_ends(back in 0..1_000_u64, size in 1..=500_u32, most in 1..=500_u32) {
        let wanted = PageRequest::new(u64::MAX - back, size).unwrap();
        prop_assert!(split(wanted, most).len() <= 501);
    }
}

// Identity and uids.

/// The keys that make the identity, as the rule names them; none when there is no identity.
fn keys(metadata: &Metadata) -> Option<Vec<Option<String>>> {
    match metadata {
        Metadata::Sip(call) => call.called_at.map(|at| {
            let duration = call.duration.map(|secs| secs.to_string());
            vec![
                Some("sip".to_owned()),
                call.from.clone(),
                call.phone.clone(),
                duration,
                Some(at.to_string()),
                call.service_code.clone(),
            ]
        }),
        Metadata::Forms(form) => form.form_sent_at.map(|at| {
            vec![Some("forms".to_owned()), form.form_id.clone(), form.form_page.clone(), Some(at.to_string())]
        }),
        Metadata::Chats(chat) => {
            chat.origin.chat_id.clone().map(|chat_id| vec![Some("chats".to_owned()), Some(chat_id)])
        }
        Metadata::Mail(mail) => match (&mail.thread_id, &mail.message_id) {
            (Some(thread), Some(message)) => {
                Some(vec![Some("mail".to_owned()), Some(thread.clone()), Some(message.clone())])
            }
            _ => None,
        },
    }
}

/// Metadata of which many are alike.
fn few() -> impl Strategy<Value = Metadata> {
    let text = || prop::option::of(prop::sample::select(vec!["", "1", "null", "\"1\",null"]));
    let of = |category: &'static str, keys: &'static [&'static str]| {
        (vec(text(), keys.len()), prop::option::of(0..2_i64), prop::option::of(0..2_u64), any::<bool>())
            .prop_map(move |(texts, moment, duration, other)| {
                let texts = keys.iter().zip(texts).map(|(key, text)| ((*key).to_owned(), text.into()));
                let mut told: Further = texts.collect();
                match category {
                    "sip" => {
                        told.extend([
                            ("called_at".to_owned(), moment.into()),
                            ("duration".to_owned(), duration.into()),
                        ]);
                        told.extend([("link".to_owned(), other.to_string().into())]);
                    }
                    "forms" => {
                        told.extend([("form_sent_at".to_owned(), moment.into())]);
                        told.extend([("form_name".to_owned(), other.to_string().into())]);
                    }
                    "chats" => {
                        let chat_id = told.remove("chat_id");
                        told.extend([("origin".to_owned(), serde_json::json!({"chat_id": chat_id}))]);
                        told.extend([("service".to_owned(), other.to_string().into())]);
                    }
                    _ => told.extend([("subject".to_owned(), other.to_string().into())]),
                }
                serde_json::from_value(serde_json::json!({category: told})).unwrap()
            })
    };
    prop_oneof![
        of("sip", &["from", "phone", "service_code"]),
        of("forms", &["form_id", "form_page"]),
        of("chats", &["chat_id"]),
        of("mail", &["thread_id", "message_id"]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn identities_are_equal_exactly_when_the_named_keys_are(one in few(), other in few()) {
        let [one_identity, other_identity] = [&one, &other].map(Identity::of);
        prop_assert_eq!(one_identity.is_some(), keys(&one).is_some());
        prop_assert_eq!(one_identity == other_identity, keys(&one) == keys(&other));
    }

    #[test]
    fn uids_of_ours_grow_with_time_and_sequence(
        one in (arbitrary::moment(), 0..1_u64 << 40, any::<[u8; 20]>()),
        other in (arbitrary::moment(), 0..1_u64 << 40, any::<[u8; 20]>()),
    ) {
        let [a, b] = [one, other].map(|(now, sequence, random)| Uid::compose(now, sequence, random));
        prop_assert_eq!(a.cmp(&b), one.cmp(&other));
        prop_assert_eq!(a.as_str().len(), 60);
        prop_assert!(a.as_str().bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
        prop_assert_eq!(Uid::new(a.as_str()), Ok(a));
    }
}

#[test]
fn uid_is_time_sequence_and_chance() {
    let uid = Uid::compose(at(0x12), 0xab_0000_0000_0034, [0xcd; 20]);
    assert_eq!(uid.to_string(), format!("{}{}{}", "0000000012", "0000000034", "cd".repeat(20)));
    assert_eq!(format!("{:?}", Uid::new("a/b").unwrap()), "Uid(a/b)");
    assert_eq!("a".parse::<Uid>(), Uid::new("a"));
    for wrong in ["", "a\0", "\u{85}"] {
        let invalid = Uid::new(wrong).unwrap_err();
        assert_eq!(invalid.to_string(), "a uid is a text of 1 to 128 bytes without control characters");
    }
    assert_eq!(String::from(Uid::new("a").unwrap()), "a");
    assert_eq!(Identity::of(&chat("1").metadata.unwrap()).unwrap().as_str(), r#"["chats","1"]"#);
}

// Commands.

#[derive(Debug, Clone)]
enum Command {
    Add(Vec<Draft>),
    TakeIn(Box<Draft>),
    Accept(usize, Accept),
    Decline(usize, Decline),
    Link(usize, Link),
}

fn command() -> impl Strategy<Value = (u64, Command)> {
    let user = || prop::option::of(prop::sample::select(vec![SORTER, LEFT, 99]).prop_map(id));
    let usual = |metadata: fn(i64) -> Draft| {
        (0..3_i64, prop::sample::select(vec![None, Some(1), Some(2), Some(3)]))
            .prop_map(move |(number, pipeline)| Draft { pipeline_id: pipeline.map(id), ..metadata(number) })
    };
    let existing = (0..3_i64).prop_map(|number| with_existing_entities(call(number)));
    let any_call = prop_oneof![4 => usual(call), 1 => existing, 1 => arbitrary::draft()];
    let any_chat = prop_oneof![
        4 => usual(|number| chat(&number.to_string())),
        2 => usual(|number| mail(&number.to_string())),
        1 => arbitrary::draft(),
    ];
    let which = || 0..8_usize;
    let status = prop::option::of(prop::sample::select(vec![30, 142, UNSORTED, 99]).prop_map(id));
    let number = || prop::sample::select(vec![LIVE, 100, 1_100, 99]);
    let target = (number(), any::<bool>()).prop_map(|(number, is_lead)| {
        if is_lead { LinkTarget::Lead(id(number)) } else { LinkTarget::Customer(id(number)) }
    });
    let link = (target, prop::option::of(number().prop_map(id)), user())
        .prop_map(|(target, contact_id, user_id)| Link { target, contact_id, user_id });
    let command = prop_oneof![
        vec(any_call, 0..4).prop_map(Command::Add),
        any_chat.prop_map(|draft| Command::TakeIn(Box::new(draft))),
        (which(), (user(), status).prop_map(|(user_id, status_id)| Accept { user_id, status_id }))
            .prop_map(|(which, accept)| Command::Accept(which, accept)),
        (which(), user().prop_map(|user_id| Decline { user_id }))
            .prop_map(|(which, decline)| Command::Decline(which, decline)),
        (which(), link).prop_map(|(which, link)| Command::Link(which, link)),
    ];
    (prop::sample::select(vec![ADMINISTRATOR, ADMINISTRATOR, SORTER, VIEWER]), command)
}

impl Command {
    fn run(self, world: &mut World, user: u64) -> Result<(), (Refusal, Vec<Draft>)> {
        let uid = |world: &World, which: usize| {
            let uids: Vec<_> = world.history.keys().cloned().collect();
            uids.get(which).cloned().unwrap_or_else(|| Uid::compose(at(0), 0, [0; 20]))
        };
        match self {
            Command::Add(items) => match world.add(user, &Add::calls(items.clone())) {
                Ok(events) => {
                    assert_eq!(events.len(), items.len());
                    Ok(())
                }
                Err(refusal) => Err((refusal, items)),
            },
            Command::TakeIn(item) => {
                let item = TakeIn::new(*item).item;
                world.take_in(user, item.clone()).map(drop).map_err(|refusal| (refusal, vec![item]))
            }
            Command::Accept(which, accept) => {
                let uid = uid(world, which);
                world.accept(user, &uid, accept).map(drop).map_err(|refusal| (refusal, vec![]))
            }
            Command::Decline(which, decline) => {
                let uid = uid(world, which);
                world.decline(user, &uid, decline).map(drop).map_err(|refusal| (refusal, vec![]))
            }
            Command::Link(which, link) => {
                let uid = uid(world, which);
                world.link(user, &uid, link).map(drop).map_err(|refusal| (refusal, vec![]))
            }
        }
    }
}

/// Every fault tells something, and its path leads somewhere; to what is missing, all but its last step.
fn is_told_well(fault: &Fault, draft: Option<&Draft>) {
    assert!(!fault.detail.is_empty());
    let Some(draft) = draft else {
        let first = fault.path.to_string();
        assert!(
            ["", "user_id", "status_id", "target", "contact_id", "category"].contains(&first.as_str()),
            "{first}"
        );
        return;
    };
    let draft = serde_json::to_value(draft).unwrap();
    let segments = fault.path.segments();
    let there = if fault.code == FaultCode::FieldMissing { segments.len() - 1 } else { segments.len() };
    let mut places = vec![&draft];
    for segment in &segments[..there] {
        places = places.into_iter().flat_map(|place| step(place, segment)).collect();
        assert!(!places.is_empty(), "{} in {draft}", fault.path);
    }
}

/// Where a step of a path leads: also through the envelopes of the export format that paths do not name.
fn step<'a>(place: &'a Value, segment: &Segment) -> Vec<&'a Value> {
    match segment {
        Segment::Index(index) => place.get(*index).into_iter().collect(),
        Segment::Key(key) => {
            let envelopes =
                ["sip", "forms", "chats", "mail"].into_iter().filter_map(|category| place.get(category));
            let mut places: Vec<_> = envelopes.chain([place]).collect();
            places.extend(places.clone().into_iter().filter_map(|place| place.get("card")));
            places.extend(places.clone().into_iter().filter_map(|place| place.get("further")));
            places.into_iter().filter_map(|place| place.get(&**key)).collect()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// [`World`] applies each event and carries each change out, and fails when it cannot.
    #[test]
    fn what_is_decided_can_be_applied_and_what_is_refused_changes_nothing(
        commands in vec(command(), 1..12),
        tags in any::<bool>(),
    ) {
        let mut world = World::new();
        if tags {
            world.layout.policies.duplicates = DuplicatePolicy::Tag;
        }
        for (user, command) in commands {
            let before = world.clone();
            let Err((refusal, drafts)) = command.run(&mut world, user) else { continue };
            prop_assert_eq!(&world, &before);
            prop_assert!(!refusal.to_string().is_empty());
            match refusal {
                Refusal::Forbidden(_) | Refusal::NotFound(_) => {}
                Refusal::Invalid(faults) => {
                    prop_assert!(!faults.is_empty());
                    // A batch is refused as a whole only for its size.
                    let draft = drafts.first().filter(|_| !faults[0].path.is_empty());
                    faults.iter().for_each(|fault| is_told_well(fault, draft));
                }
                Refusal::Items(items) => {
                    prop_assert!(!items.is_empty());
                    for item in items {
                        prop_assert!(!item.faults.is_empty());
                        item.faults.iter().for_each(|fault| is_told_well(fault, Some(&drafts[item.index])));
                    }
                }
            }
        }
        // What waits by the changes waits by the events.
        for (uid, state) in &world.states {
            match state {
                State::Pending(item) => prop_assert_eq!(Some(&**item), world.stage.get(uid)),
                _ => prop_assert!(!world.stage.contains_key(uid)),
            }
        }
    }

    #[test]
    fn every_fault_of_any_draft_is_told_well(draft in arbitrary::draft()) {
        for refused in [World::new().bring(draft.clone()).err(), World::new().bring(Draft { metadata: call(1).metadata, ..draft.clone() }).err()] {
            refused.into_iter().flatten().for_each(|fault| is_told_well(&fault, Some(&draft)));
        }
    }
}

/// Where the counts of what waits at these moments lead.
fn descend(moments: &[Moment], direction: Direction, offset: u64) -> Option<Start> {
    let mut descent = Descent::new(direction, offset);
    loop {
        let run = descent.run();
        let mut counts: HashMap<u64, u64> = HashMap::new();
        for bucket in moments.iter().flat_map(|moment| guides_of(*moment)) {
            if bucket.level == run.level && (run.first..=run.last).contains(&bucket.index) {
                *counts.entry(bucket.index).or_default() += 1;
            }
        }
        match descent.step(counts)? {
            Step::Down(next) => descent = next,
            Step::Found(start) => return Some(start),
        }
    }
}

proptest! {
    #[test]
    fn a_descent_leads_to_the_item_before_which_so_many_come(
        mut moments in vec(
            prop_oneof![arbitrary::moment(), (0..10_000_i64).prop_map(at), Just(Moment::MAX)], 1..40),
        is_descending in any::<bool>(),
    ) {
        moments.sort();
        let direction = if is_descending { Direction::Descending } else { Direction::Ascending };
        if is_descending {
            moments.reverse();
        }
        for (offset, sought) in moments.iter().enumerate() {
            let Start { bound, skip } = descend(&moments, direction, offset as u64).unwrap();
            let before = |moment: &Moment| if is_descending { *moment > bound } else { *moment < bound };
            prop_assert_eq!(moments.iter().filter(|moment| before(moment)).count() as u64 + skip, offset as u64);
            let width = 64_i64.pow(u32::from(*GUIDE_LEVELS.start()));
            prop_assert!((bound.secs() - sought.secs()).abs() < width);
        }
        prop_assert_eq!(descend(&moments, direction, moments.len() as u64), None);
        prop_assert_eq!(descend(&moments, direction, u64::MAX), None);
    }

    #[test]
    fn a_tally_is_the_same_from_its_columns_and_from_sums_of_them(
        one in any_tally(), other in any_tally(),
    ) {
        let mut sums = one.to_columns();
        sums.iter_mut().zip(other.to_columns()).for_each(|(sum, more)| *sum += more);
        prop_assert_eq!(Tally::from_columns(one.to_columns()), Some(one));
        prop_assert_eq!(Tally::from_columns(sums), Some(one + other));
        prop_assert_eq!(Tally::from_columns([-1, 0, 0, 0, 0, 0, 0, 0, 0]), None);
    }
}

fn any_tally() -> impl Strategy<Value = Tally> {
    let count = 0..u64::from(u32::MAX);
    let counts = (prop::array::uniform4(count.clone()), count.clone(), count.clone(), count);
    (counts, 0..1_u128 << 90).prop_map(|((created, accepted, declined, linked), sort_secs)| Tally {
        created,
        accepted,
        declined,
        linked,
        sort_secs,
    })
}
