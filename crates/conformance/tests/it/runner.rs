//! What the runner makes of subjects that are absent, that deviate, or that fail.

use async_trait::async_trait;
use incoming_leads_conformance::script::{self, Settings};
use incoming_leads_conformance::{Fixture, Instance, Kit, Named, Outcome, Skip, Subject};

use crate::wrong::{Plant, WrongSubject};
use crate::{case, in_memory, runtime};

#[test]
fn absent_subject_is_neither_passed_nor_failed() {
    let absent = Outcome::Absent("no database at hand".to_owned());
    let kit = Kit::new(Absent);
    assert_eq!(runtime().block_on(kit.run(case("add::call_waits"))), absent);
    assert_eq!(script::run(&Absent, &runtime(), Settings::default()), absent);
}

#[test]
fn fixture_that_is_not_offered_makes_its_cases_inapplicable() {
    let kit = Kit::new(OnlyStandard);
    let runtime = runtime();
    let outcome = runtime.block_on(kit.run(case("duplicates::tagging_takes_both")));
    assert_eq!(outcome, Outcome::Inapplicable("policies cannot be set".to_owned()));
    assert_eq!(runtime.block_on(kit.run(case("add::call_waits"))), Outcome::Passed);
    assert_eq!(script::run(&OnlyStandard, &runtime, Settings::new(3, 1)), Outcome::Passed);
}

#[test]
fn instance_without_a_clock_leaves_out_what_needs_one() {
    let kit = Kit::new(Timeless);
    let runtime = runtime();
    let no_clock = Outcome::Inapplicable("the instance has no clock that can be set".to_owned());
    assert_eq!(runtime.block_on(kit.run(case("summary::mean_of_sort_time"))), no_clock);
    assert_eq!(runtime.block_on(kit.run(case("summary::counts_decisions"))), Outcome::Passed);
    assert_eq!(script::run(&Timeless, &runtime, Settings::default()), no_clock);
}

#[test]
fn known_deviation_is_ignored_with_its_reason_and_fails_when_it_passes() {
    let runtime = runtime();
    let id = "list::ties_by_uid";
    let deviating = Kit::new(WrongSubject(Plant::UidOrderIgnored)).deviates(id, "sorts by insertion");
    let ignored = Outcome::Inapplicable("known deviation: sorts by insertion".to_owned());
    assert_eq!(runtime.block_on(deviating.run(case(id))), ignored);
    let mended = Kit::new(WrongSubject(Plant::Nothing)).deviates(id, "sorts by insertion");
    let Outcome::Failed(report) = runtime.block_on(mended.run(case(id))) else { panic!() };
    assert!(report.contains("sorts by insertion"), "{report}");
}

#[test]
fn failed_case_tells_what_was_expected_and_which_rule_says_so() {
    let kit = Kit::new(WrongSubject(Plant::ViewerMayAccept));
    let Outcome::Failed(report) = runtime().block_on(kit.run(case("rights::viewer_may_not_sort"))) else {
        panic!()
    };
    for part in [
        "\n  expected  Forbidden\n  got       Receipt",
        "rights::viewer_may_not_sort",
        "Standard",
        "R11: Viewing",
        "source",
    ] {
        assert!(report.contains(part), "{part}: {report}");
    }
}

#[derive(Debug)]
struct Absent;

#[async_trait]
impl Subject for Absent {
    async fn fresh(&self, _: &Fixture) -> Result<Instance, Skip> {
        Err(Skip::Absent("no database at hand".to_owned()))
    }
}

#[derive(Debug)]
struct OnlyStandard;

#[async_trait]
impl Subject for OnlyStandard {
    async fn fresh(&self, fixture: &Fixture) -> Result<Instance, Skip> {
        match fixture.name {
            Named::Standard => Ok(in_memory(fixture).await),
            _ => Err(Skip::NotOffered("policies cannot be set".to_owned())),
        }
    }
}

#[derive(Debug)]
struct Timeless;

#[async_trait]
impl Subject for Timeless {
    async fn fresh(&self, fixture: &Fixture) -> Result<Instance, Skip> {
        let mut instance = in_memory(fixture).await;
        instance.clock = None;
        Ok(instance)
    }
}
