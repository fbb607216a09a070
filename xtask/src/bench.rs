//! `cargo xtask bench`: runs every bench of the workspace and prints what they measured as one table.
//!
//! A bench is any bench target of a package. Besides whatever else it prints, such as criterion's report, it prints one
//! line for each result that the table is to show:
//!
//! ```text
//! ratio: NAME = NUMBER (aim NUMBER)
//! ratio: NAME = NUMBER (aim <= NUMBER)
//! figure: NAME = NUMBER UNIT
//! ```
//!
//! A ratio compares two things of the same run, so it means the same on another machine; a figure does not. Either
//! may have an aim or not; an aim is a lower bound unless it says `<=`. A missed aim is shown and does not fail the
//! run: a machine that is busy with something else misses some.

use anyhow::{Result, bail};
use cargo_metadata::TargetKind;

use crate::sys;

/// Runs the benches of all packages, or of the one in this folder of `crates/`.
pub(crate) fn run(folder: Option<&str>) -> Result<()> {
    let benches = benches(folder)?;
    if benches.is_empty() {
        bail!("there are no benches{}", folder.map(|name| format!(" in crates/{name}")).unwrap_or_default());
    }
    let mut results = Vec::new();
    let mut failed = Vec::new();
    for Bench { package, target } in &benches {
        let mut cargo = sys::cargo(["bench", "--locked", "-p", package, "--bench", target]);
        if let Err(error) = sys::stream(&mut cargo, |line| results.extend(Measured::parse(line))) {
            failed.push(format!("{package} {target}: {error:#}"));
        }
    }
    if results.is_empty() {
        failed.push("no bench told a ratio or a figure".to_owned());
    }
    println!("\n{}", table(&results));
    if !failed.is_empty() {
        bail!("{}", failed.join("\n"));
    }
    Ok(())
}

struct Bench {
    package: String,
    target: String,
}

fn benches(folder: Option<&str>) -> Result<Vec<Bench>> {
    let mut benches = Vec::new();
    for package in sys::metadata()?.workspace_packages() {
        if folder.is_some_and(|folder| package.name != format!("incoming-leads-{folder}")) {
            continue;
        }
        let targets = package.targets.iter().filter(|target| target.is_kind(TargetKind::Bench));
        benches.extend(
            targets.map(|target| Bench { package: package.name.to_string(), target: target.name.clone() }),
        );
    }
    Ok(benches)
}

/// One line of a bench that the table repeats.
#[derive(Debug, PartialEq)]
struct Measured {
    is_ratio: bool,
    name: String,
    /// As printed; only an aim needs it as a number.
    value: String,
    unit: String,
    aim: Option<Aim>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Aim {
    AtLeast(f64),
    AtMost(f64),
}

impl Measured {
    /// Reads a line of the form in the head of this file; any other line is none.
    fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        let (is_ratio, rest) = match line.strip_prefix("ratio: ") {
            Some(rest) => (true, rest),
            None => (false, line.strip_prefix("figure: ")?),
        };
        let (name, rest) = rest.split_once(" = ")?;
        let (rest, aim) = match rest.rsplit_once("(aim ") {
            Some((rest, aim)) => (rest, Some(Aim::parse(aim.strip_suffix(')')?)?)),
            None => (rest, None),
        };
        let (value, unit) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
        number(value)?;
        Some(Self { is_ratio, name: name.to_owned(), value: value.to_owned(), unit: unit.to_owned(), aim })
    }

    fn misses(&self) -> bool {
        let value = number(&self.value).expect("it was read as a number");
        match self.aim {
            None => false,
            Some(Aim::AtLeast(aim)) => value < aim,
            Some(Aim::AtMost(aim)) => value > aim,
        }
    }
}

impl Aim {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        match text.strip_prefix("<=") {
            Some(most) => number(most.trim()).map(Self::AtMost),
            None => number(text.trim_start_matches(">=").trim()).map(Self::AtLeast),
        }
    }
}

/// Reads a number, also with underscores or commas between its thousands.
fn number(text: &str) -> Option<f64> {
    text.replace(['_', ','], "").parse().ok()
}

/// The results in columns, ratios first, each group in the order in which it was told.
fn table(results: &[Measured]) -> String {
    let mut table = String::new();
    for (head, is_ratio) in [("ratio", true), ("figure (of this machine)", false)] {
        let rows: Vec<_> = results.iter().filter(|result| result.is_ratio == is_ratio).collect();
        if rows.is_empty() {
            continue;
        }
        let width = rows.iter().map(|row| row.name.chars().count()).chain([head.len()]).max().unwrap_or(0);
        table += &format!("{head:<width$}  {:>12}  aim\n", "value");
        for row in rows {
            let aim = match row.aim {
                None => String::new(),
                Some(Aim::AtLeast(aim)) => format!(">= {aim}"),
                Some(Aim::AtMost(aim)) => format!("<= {aim}"),
            };
            let missed = if row.misses() { "  MISSED" } else { "" };
            let line = format!("{:<width$}  {:>12}  {:<6} {aim}{missed}", row.name, row.value, row.unit);
            table += line.trim_end();
            table += "\n";
        }
        table += "\n";
    }
    table.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_has_a_name_a_number_and_an_aim() {
        check(
            "ratio: decode / Value = 2.71 (aim 2.5)",
            true,
            "decode / Value",
            "2.71",
            "",
            Some(Aim::AtLeast(2.5)),
        );
        check(
            "ratio: deepest / first page = 1.2 (aim <= 2)",
            true,
            "deepest / first page",
            "1.2",
            "",
            Some(Aim::AtMost(2.0)),
        );
        check("ratio: list = 0.61", true, "list", "0.61", "", None);
    }

    #[test]
    fn a_figure_has_a_unit() {
        check("figure: add, 10^6 = 1_234 ns per lead", false, "add, 10^6", "1_234", "ns per lead", None);
        check("figure: bytes = 640 B (aim <= 700)", false, "bytes", "640", "B", Some(Aim::AtMost(700.0)));
    }

    #[test]
    fn other_lines_are_no_results() {
        for line in [
            "",
            "time: [1.2 ns 1.3 ns]",
            "ratio: a = b",
            "ratio: a",
            "figure: a = 1 (aim high)",
            "my ratio: a = 1",
        ] {
            assert_eq!(Measured::parse(line), None, "{line}");
        }
    }

    #[test]
    fn the_table_puts_ratios_first_and_shows_missed_aims() {
        let lines = [
            "figure: bytes per lead = 701 B (aim <= 700)",
            "ratio: decode = 2.6 (aim 2.5)",
            "ratio: list of 250 = 0.4 (aim 0.5)",
        ];
        let results: Vec<_> = lines.iter().filter_map(|line| Measured::parse(line)).collect();
        let expected = "\
ratio               value  aim
decode                2.6         >= 2.5
list of 250           0.4         >= 0.5  MISSED

figure (of this machine)         value  aim
bytes per lead                     701  B      <= 700  MISSED";
        assert_eq!(table(&results), expected);
    }

    fn check(line: &str, is_ratio: bool, name: &str, value: &str, unit: &str, aim: Option<Aim>) {
        let [name, value, unit] = [name, value, unit].map(str::to_owned);
        assert_eq!(Measured::parse(line), Some(Measured { is_ratio, name, value, unit, aim }));
    }
}
