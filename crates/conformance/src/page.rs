//! The page `docs/conformance.md`, made from the table.

use std::fmt::Write as _;

use crate::case::{Case, Needs};
use crate::cases::cases;
use crate::fixture::Named;
use crate::rule::Rule;
use crate::script::{SEED, SEQUENCES, Settings};
use crate::survey::{Depth, Probe, probes};

/// The page: how an adapter goes through the kit, the rules, and all cases by area.
#[must_use]
pub fn markdown() -> String {
    let mut page = String::new();
    // Writing to a String cannot fail.
    let _ = write!(page, "{}", head());
    let _ = write!(page, "{}", rules());
    let _ = write!(page, "{}", table());
    let _ = write!(page, "{}", survey());
    page
}

fn head() -> String {
    let Settings { sequences, .. } = Settings::default();
    format!(
        "# Conformance\n\n\
         What every adapter of the port must do, as {count} cases and a state machine. This page is generated from \
         `crates/conformance` by `cargo xtask codegen`.\n\n\
         An adapter's author implements `Subject`, which hands out a fresh instance of a fixture, and writes a test \
         program of one line: `Kit::new(subject).main()`. Each case is a line of its output. A case that does not \
         apply to the adapter's capabilities, or needs a power that the instance does not have, is ignored, never \
         passed; where the adapter lacks a capability another case holds it to answer `Unsupported`. A subject that is \
         absent (no database, no server) is ignored, but fails where `CI` is set. A run in which nothing ran fails. \
         Refusals are compared by kind, code and path, their sentences are not; what a transport does not tell is \
         never compared.\n\n\
         The state machine (`script::agrees_with_the_oracle`) plays random scripts on fresh instances, and compares \
         every answer with a naive oracle: a plain list, linear scans and the rules in its own words. It needs a clock \
         that can be set. `{SEQUENCES}` says how many scripts (default {sequences}, unless the adapter's tests say otherwise), `{SEED}` the seed of the first. A \
         failure tells the shortest script in symbols, what was expected, what came, the rule, and the seed to run it \
         again.\n\n",
        count = cases().count()
    )
}

fn rules() -> String {
    let mut text = "## Rules\n\n| rule | what it says | sources | cases |\n|---|---|---|---|\n".to_owned();
    for rule in Rule::ALL {
        let sources = rule.sources().join("; ");
        let count = match cases().filter(|case| case.rule == rule).count() {
            0 => "none: no port tells it".to_owned(),
            count => count.to_string(),
        };
        let _ = writeln!(text, "| {rule} | {} | {sources} | {count} |", rule.sentence());
    }
    text.push('\n');
    text
}

fn table() -> String {
    let mut text = "## Cases\n".to_owned();
    let mut area = "";
    for case in cases() {
        if case.area() != area {
            area = case.area();
            let _ = write!(
                text,
                "\n### {area}\n\n| case | rule | what an adapter does | needs |\n|---|---|---|---|\n"
            );
        }
        let Case { id, rule, sentence, .. } = case;
        let _ = writeln!(text, "| `{id}` | {rule} | {sentence} | {} |", needs(case));
    }
    text
}

fn survey() -> String {
    let mut text = "\n## Survey\n\n\
         `incoming-leads conformance --url URL` asks any server which of these decisions it shares, also a live \
         account. It needs the token of one user, is bounded in calls and time, and touches only what it has added \
         itself. By default it only reads; `--depth bin` adds leads and declines them; `--depth accept` also accepts \
         some, which stay in the pipeline. What the other side decides otherwise is *drift*: it is told with the rule \
         and where that comes from.\n\n\
         | probe | rule | what is expected | depth |\n|---|---|---|---|\n"
        .to_owned();
    for Probe { id, rule, sentence, depth, .. } in probes() {
        let depth = match depth {
            Depth::Read => "read",
            Depth::Bin => "bin",
            Depth::Accept => "accept",
        };
        let _ = writeln!(text, "| `{id}` | {rule} | {sentence} | {depth} |");
    }
    text
}

fn needs(case: &Case) -> String {
    let Needs { clock, directory, intake, history, versioned, store, another } = case.needs;
    let named = [
        (clock, "clock"),
        (directory, "directory"),
        (intake, "intake"),
        (history, "history"),
        (versioned, "versions"),
        (store, "store"),
        (another, "another store"),
        (case.fixture == Named::Lenient, "fixture `Lenient`"),
        (case.fixture == Named::Strict, "fixture `Strict`"),
    ];
    named.into_iter().filter_map(|(is_needed, name)| is_needed.then_some(name)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_case_has_an_id_of_its_own_in_an_area_of_its_own() {
        let ids: BTreeSet<_> = cases().map(|case| case.id).collect();
        assert_eq!(ids.len(), cases().count());
        let mut areas: Vec<_> = cases().map(Case::area).collect();
        areas.dedup();
        assert_eq!(areas.len(), areas.iter().collect::<BTreeSet<_>>().len(), "an area stands in one place");
    }

    #[test]
    fn every_rule_that_a_port_can_show_has_cases() {
        let bare: Vec<_> =
            Rule::ALL.into_iter().filter(|rule| !cases().any(|case| case.rule == *rule)).collect();
        assert_eq!(bare, [Rule::R14], "no port tells a preview");
    }

    #[test]
    fn the_page_names_every_case_and_rule_once() {
        let page = markdown();
        for case in cases() {
            assert_eq!(
                page.matches(&format!("| `{}` | {} | {} |", case.id, case.rule, case.sentence)).count(),
                1
            );
        }
        for rule in Rule::ALL {
            assert_eq!(page.matches(&format!("\n| {rule} | ")).count(), 1, "{rule}");
        }
    }
}
