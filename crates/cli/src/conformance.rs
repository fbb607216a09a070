//! `incoming-leads conformance`: which of our decisions does a server share?

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use incoming_leads_conformance::survey::{Depth, Finding, Report, Survey, Verdict};
use incoming_leads_transport::tokens::Secret;
use serde::Serialize;

use crate::Failure;
use crate::connect::{To, Who};
use crate::tell::{Progress, Telling};

/// Ask a server which of our decisions it shares
///
/// It may be a live account: it is only read unless --depth says more, nothing is touched but what the survey has added
/// itself, and calls and time are bounded. What the server decides otherwise is drift: it is told with the rule, where
/// that comes from, what was expected and what came. The exit code is 5 when there is drift.
#[derive(Args)]
pub(crate) struct Conformance {
    /// How far to go
    #[arg(long, value_enum, default_value_t = Deep::Read)]
    depth: Deep,

    /// Calls at most, and a few more to decline what was added
    #[arg(long, value_name = "COUNT", default_value_t = 400)]
    calls: usize,

    /// Seconds after which no further call begins
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    time: u64,

    #[command(flatten)]
    telling: Telling,

    #[command(flatten)]
    to: To,
}

#[derive(Clone, Copy, ValueEnum)]
enum Deep {
    /// Only read
    Read,
    /// Add leads and decline them: all of it ends in the bin
    Bin,
    /// Also accept some: they stay in the pipeline
    Accept,
}

/// A line of JSON: a finding.
#[derive(Serialize)]
struct Told {
    probe: &'static str,
    rule: String,
    #[serde(flatten)]
    verdict: Word,
    expectation: &'static str,
    sentence: &'static str,
    sources: &'static [&'static str],
}

#[derive(Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
enum Word {
    Shared,
    Drifts { what: String, expected: String, got: String },
    NotAsked { why: String },
}

/// The last line of JSON.
#[derive(Serialize)]
struct Sum<'a> {
    shared: usize,
    drift: usize,
    not_asked: usize,
    calls: usize,
    added: usize,
    left: Vec<&'a str>,
    doubtful: usize,
}

impl Conformance {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let Self { depth, calls, time, telling, to } = self;
        let connection = to.connection()?;
        let nobody = Who::Bearer(Arc::new(Secret::new("nobody-has-this-token")));
        let nobody = connection.ports_of(nobody)?.incoming;
        let depth = match depth {
            Deep::Read => Depth::Read,
            Deep::Bin => Depth::Bin,
            Deep::Accept => Depth::Accept,
        };
        let survey = Survey::new(connection.ports()?).with_depth(depth).with_nobody(nobody);
        let survey = survey.with_calls(calls).with_time(Duration::from_secs(time));
        let progress = Progress::of(survey.size(), "asked");
        let mut unheard = Ok(true);
        let report = survey
            .run(|finding| {
                progress.more(1);
                let told = telling.tell(&progress, &[Told::of(finding)], || line(finding));
                if let Err(failure) = told {
                    unheard = Err(failure);
                }
            })
            .await;
        unheard?;
        telling.tell(&progress, &[Sum::of(&report)], || closing(&report))?;
        match report.drift().count() {
            0 => match unasked(&report) {
                Some(why) => Err(Failure::Failed(anyhow!("nothing could be asked: {why}"))),
                None => Ok(()),
            },
            count => Err(Failure::Drift(count)),
        }
    }
}

/// Why nothing could be asked as the user of the token; none where something could.
fn unasked(report: &Report) -> Option<&str> {
    let as_user = report.findings.iter().filter(|finding| finding.probe.id != "access::nobody_is_let_in");
    let whys = as_user.map(|finding| match &finding.verdict {
        Verdict::NotAsked(why) => Some(why.as_str()),
        Verdict::Shared | Verdict::Drifts(_) => None,
    });
    let whys: Option<Vec<_>> = whys.collect();
    whys?.first().copied()
}

impl Told {
    fn of(finding: &Finding) -> Self {
        let probe = finding.probe;
        let verdict = match finding.verdict.clone() {
            Verdict::Shared => Word::Shared,
            Verdict::Drifts(failure) => {
                Word::Drifts { what: failure.what, expected: failure.expected, got: failure.got }
            }
            Verdict::NotAsked(why) => Word::NotAsked { why },
        };
        Self {
            probe: probe.id,
            rule: probe.rule.to_string(),
            verdict,
            expectation: probe.sentence,
            sentence: probe.rule.sentence(),
            sources: probe.rule.sources(),
        }
    }
}

impl<'a> Sum<'a> {
    fn of(report: &'a Report) -> Self {
        let (shared, drift) = (report.shared(), report.drift().count());
        Self {
            shared,
            drift,
            not_asked: report.findings.len() - shared - drift,
            calls: report.calls,
            added: report.added,
            left: report.left.iter().map(|uid| uid.as_str()).collect(),
            doubtful: report.doubtful,
        }
    }
}

/// A finding, as it comes.
fn line(finding: &Finding) -> String {
    let word = match &finding.verdict {
        Verdict::Shared => "shared".to_owned(),
        Verdict::Drifts(_) => "DRIFT".to_owned(),
        Verdict::NotAsked(why) => format!("not asked: {why}"),
    };
    format!("{:<4}{:<44} {word}\n", finding.probe.rule.to_string(), finding.probe.id)
}

/// The drift report, and what the survey has cost.
fn closing(report: &Report) -> String {
    let mut text = String::new();
    for (probe, failure) in report.drift() {
        let rule = probe.rule;
        text += &format!(
            "\n{}: {}\n  {failure}\n  {rule}: {}\n  source    {}\n",
            probe.id,
            probe.sentence,
            rule.sentence(),
            rule.sources().join("; ")
        );
    }
    let Sum { shared, drift, not_asked, calls, added, left, doubtful } = Sum::of(report);
    text += &format!(
        "\n{shared} decisions are shared, {drift} are not, {not_asked} were not asked. {calls} calls; {added} leads were \
         added.\n"
    );
    if !left.is_empty() {
        text += &format!("These wait still, decline them: {}\n", left.join(" "));
    }
    if doubtful > 0 {
        text += &format!(
            "Of {doubtful} adds nobody knows the outcome; what they made has a source_uid that begins with conformance-\n"
        );
    }
    text
}
