//! Each broken rule is caught by a case that names it, and nothing is caught where none is broken.

use incoming_leads_conformance::script::{self, Settings};
use incoming_leads_conformance::{Kit, Outcome, cases};

use crate::wrong::{Plant, WrongSubject};
use crate::{case, runtime};

const CAUGHT: &[(Plant, &str)] = &[
    (Plant::AcceptedTwice, "once::accepted_is_accepted_once"),
    (Plant::AcceptedTwice, "once::one_of_many_accepts_wins"),
    (Plant::DecidedStillRead, "once::decided_is_not_read"),
    (Plant::UidOrderIgnored, "list::ties_by_uid"),
    (Plant::DirectionIgnored, "list::oldest_first_when_asked"),
    (Plant::LimitIgnored, "list::page_has_its_size"),
    (Plant::PageOffByOne, "list::pages_cut_the_list"),
    (Plant::MoreIsAlwaysYes, "list::says_whether_a_page_follows"),
    (Plant::CategoryFilterIgnored, "list::by_category"),
    (Plant::BatchNotAtomic, "add::one_bad_item_refuses_all"),
    (Plant::EmptyBatchTaken, "add::empty_batch_is_refused"),
    (Plant::ReceiptsReversed, "add::receipts_stand_in_order"),
    (Plant::DuplicatesTaken, "duplicates::identical_call_is_refused"),
    (Plant::DuplicatesTaken, "duplicates::one_of_many_adds_wins"),
    (Plant::ArchivedPipelineTaken, "add::archived_pipeline_is_refused"),
    (Plant::SourceNotRequired, "add::sources_are_required"),
    (Plant::CreatedAtIgnored, "add::created_at_may_be_past"),
    (Plant::ViewerMayAccept, "rights::viewer_may_not_sort"),
    (Plant::SorterMayLink, "link::only_administrators"),
    (Plant::StrangerSees, "rights::stranger_finds_nothing_of_ours"),
    (Plant::DefaultStatusWrong, "accept::default_status"),
    (Plant::NamedUserIgnored, "accept::named_user_becomes_the_creator"),
    (Plant::UnknownUserTaken, "accept::other_users_are_refused"),
    (Plant::WindowOpenAtItsEnd, "summary::window_is_closed"),
    (Plant::MeanIncludesLinks, "summary::links_do_not_enter_the_mean"),
    (Plant::SummaryForgetsDecided, "summary::by_uid"),
    (Plant::RefusalsOfUnknownOutcome, "once::unknown_uid_is_not_found"),
    (Plant::BinStaysEmpty, "decline::moves_to_the_bin"),
    (Plant::ContactsListedEarly, "add::hidden_until_accepted"),
    (Plant::WaitingChatDoubled, "intake::waiting_chat_is_updated"),
    (Plant::HistoryForgetsDeclines, "history::events_stand_in_order"),
    (Plant::VersionStandsStill, "versions::grow_with_updates"),
];

/// What scripts cannot see: they ask neither for versions nor for contacts.
const UNSEEN_BY_SCRIPTS: &[Plant] =
    &[Plant::VersionStandsStill, Plant::ContactsListedEarly, Plant::ReceiptsReversed];

#[test]
fn each_broken_rule_is_caught_by_the_case_that_names_it() {
    let runtime = runtime();
    for (plant, id) in CAUGHT {
        let outcome = runtime.block_on(Kit::new(WrongSubject(*plant)).run(case(id)));
        assert!(matches!(outcome, Outcome::Failed(_)), "{plant:?} is not caught by {id}: {outcome:?}");
    }
}

#[test]
fn nothing_is_caught_where_no_rule_is_broken() {
    let runtime = runtime();
    let kit = Kit::new(WrongSubject(Plant::Nothing));
    for case in cases() {
        let outcome = runtime.block_on(kit.run(case));
        assert!(matches!(outcome, Outcome::Passed | Outcome::Inapplicable(_)), "{}: {outcome:?}", case.id);
    }
    assert_eq!(script::run(&WrongSubject(Plant::Nothing), &runtime, Settings::new(30, 1)), Outcome::Passed);
}

#[test]
fn scripts_catch_what_they_can_see() {
    let runtime = runtime();
    for (plant, _) in CAUGHT.iter().filter(|(plant, _)| !UNSEEN_BY_SCRIPTS.contains(plant)) {
        let outcome = script::run(&WrongSubject(*plant), &runtime, Settings::new(300, 1));
        assert!(matches!(outcome, Outcome::Failed(_)), "{plant:?} is not caught by 300 scripts: {outcome:?}");
    }
}

#[test]
fn script_is_told_in_symbols_with_the_rule_and_a_seed() {
    let runtime = runtime();
    let Outcome::Failed(report) =
        script::run(&WrongSubject(Plant::AcceptedTwice), &runtime, Settings::new(300, 1))
    else {
        panic!("a second accept is not caught");
    };
    let (script, rest) = report.split_once("the answer to this step\n").expect(&report);
    let steps: Vec<_> = script.lines().skip(1).collect();
    assert_eq!(steps.len(), 2, "the script is as short as it gets: {report}");
    let accepted =
        steps[0].strip_prefix("    1  ").and_then(|step| step.strip_suffix(" -> done")).expect(&report);
    let symbol = accepted.rsplit_once(" accepts ").expect(&report).1;
    assert!(symbol.starts_with('L'), "{report}");
    assert!(steps[1].starts_with(">   2  ") && steps[1].ends_with(&format!(" accepts {symbol}")), "{report}");
    let expected = format!(
        "  expected  refused: NotFound\n  got       {symbol} was decided\n  R7: From pending exactly one"
    );
    assert!(rest.starts_with(&expected), "{report}");
    let seed = rest.split_once("INCOMING_LEADS_SEED=").expect(&report).1;
    let seed = seed.split_once(' ').expect(&report).0.parse().unwrap();
    let again = script::run(&WrongSubject(Plant::AcceptedTwice), &runtime, Settings::new(1, seed));
    assert_eq!(again, Outcome::Failed(report));
}
