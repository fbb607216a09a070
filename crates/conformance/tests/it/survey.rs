//! Surveys: who decides as we do shows no drift, who does not is told the rule, and nothing else is touched.

use std::sync::Arc;

use incoming_leads_conformance::survey::{Depth, Report, Survey, Verdict, probes};
use incoming_leads_conformance::{Instance, Named, Rule, Subject};
use incoming_leads_model::{ListFilter, ListQuery, PageRequest, Uid};
use incoming_leads_port::Ports;

use crate::wrong::{Plant, WrongSubject};
use crate::{in_memory, runtime};

async fn surveyed(ports: &Ports, depth: Depth) -> Report {
    Survey::new(ports.clone()).with_depth(depth).run(|_| {}).await
}

fn drift(report: &Report) -> Vec<(&'static str, Rule)> {
    report.drift().map(|(probe, _)| (probe.id, probe.rule)).collect()
}

async fn waiting(on: &Instance) -> Vec<Uid> {
    let page = PageRequest::new(1, 500).unwrap();
    let query = ListQuery { filter: ListFilter::default(), page, ..ListQuery::default() };
    on.viewer.incoming.list(&query).await.unwrap().items.into_iter().map(|lead| lead.uid).collect()
}

#[test]
fn who_decides_as_we_do_shows_no_drift_and_keeps_what_waited() {
    runtime().block_on(async {
        for fixture in [Named::Standard, Named::Strict] {
            let on = in_memory(&fixture.fixture()).await;
            let before = waiting(&on).await;
            let report = surveyed(&on.administrator, Depth::Accept).await;
            assert_eq!(drift(&report), [], "{report:?}");
            assert_eq!(
                report.shared(),
                probes().count() - 1,
                "all but what needs a handle of nobody: {report:?}"
            );
            assert!(report.added > 30 && report.left.is_empty() && report.doubtful == 0);
            assert_eq!(waiting(&on).await, before);
        }
    });
}

#[test]
fn a_decision_that_is_not_shared_is_told_with_its_rule() {
    runtime().block_on(async {
        let on = in_memory(&Named::Lenient.fixture()).await;
        let report = surveyed(&on.administrator, Depth::Bin).await;
        let expected =
            ["identical_call_is_refused", "identical_form_is_refused", "batch_counts_against_itself"];
        assert_eq!(
            drift(&report),
            expected
                .map(|name| (["duplicates", name].join("::"), Rule::R6))
                .iter()
                .map(|(id, rule)| (id.as_str(), *rule))
                .collect::<Vec<_>>()
        );
        assert!(report.left.is_empty());
        for (plant, id) in [
            (Plant::DecidedStillRead, "once::accepted_is_gone"),
            (Plant::AcceptedTwice, "once::accepted_is_gone"),
            (Plant::UidOrderIgnored, "list::ties_by_uid"),
            (Plant::DirectionIgnored, "list::oldest_first_when_asked"),
            (Plant::LimitIgnored, "list::pages_cut_the_list"),
            (Plant::PageOffByOne, "list::pages_cut_the_list"),
            (Plant::CategoryFilterIgnored, "list::by_category"),
            (Plant::BatchNotAtomic, "add::one_bad_item_refuses_all"),
            (Plant::EmptyBatchTaken, "add::empty_batch_is_refused"),
            (Plant::ReceiptsReversed, "add::receipts_stand_in_order"),
            (Plant::SourceNotRequired, "add::sources_are_required"),
            (Plant::CreatedAtIgnored, "add::call_waits"),
            (Plant::DefaultStatusWrong, "accept::goes_to_the_first_status"),
            (Plant::SummaryForgetsDecided, "summary::counts_accepts"),
            (Plant::RefusalsOfUnknownOutcome, "once::unknown_uid_is_not_found"),
            (Plant::BinStaysEmpty, "decline::moves_to_the_bin"),
        ] {
            let on = WrongSubject(plant).fresh(&Named::Standard.fixture()).await.unwrap();
            let before = waiting(&on).await.len();
            let report = surveyed(&on.administrator, Depth::Accept).await;
            let ids: Vec<_> = drift(&report).iter().map(|(id, _)| *id).collect();
            assert!(ids.contains(&id), "{plant:?} is not caught by {id}: {ids:?}");
            assert_eq!(waiting(&on).await.len(), before, "{plant:?} leaves something behind");
        }
    });
}

#[test]
fn a_survey_goes_no_further_than_it_may() {
    runtime().block_on(async {
        let on = in_memory(&Named::Standard.fixture()).await;
        let came = on.administrator.history.as_ref().unwrap().events(None, 1000).await.unwrap().events.len();
        let report = surveyed(&on.administrator, Depth::Read).await;
        assert_eq!((drift(&report), report.added), (vec![], 0));
        let survey = Survey::new(on.administrator.clone()).with_depth(Depth::Accept);
        let report = survey.with_calls(10).run(|_| {}).await;
        assert_eq!((report.calls, report.added, drift(&report)), (10, 0, vec![]));
        assert!(report.findings.iter().any(|finding| finding.verdict
            == Verdict::NotAsked("list incoming leads: the calls of the survey are used up".to_owned())));
        let events = on.administrator.history.as_ref().unwrap().events(None, 1000).await.unwrap().events;
        assert_eq!(events.len(), came, "nothing has happened");
        // Who may not do it cannot ask: that is no drift.
        let report = surveyed(&on.viewer, Depth::Accept).await;
        assert_eq!((drift(&report), report.added), (vec![], 0), "{report:?}");
    });
}

#[test]
fn somebody_whom_nobody_knows_is_one_of_the_probes() {
    runtime().block_on(async {
        let on = in_memory(&Named::Standard.fixture()).await;
        // In memory a handle is somebody's, so this one is let in.
        let nobody = Arc::clone(&on.stranger.incoming);
        let report = Survey::new(on.administrator.clone()).with_nobody(nobody).run(|_| {}).await;
        assert_eq!(drift(&report), [("access::nobody_is_let_in", Rule::R11)]);
    });
}
