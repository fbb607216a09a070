//! Coverage of lines and regions by `cargo llvm-cov`.
//!
//! A region is a stretch of code that runs as a whole; the copies that a generic function is compiled to count as
//! one. Test modules inside sources do not count: what a failing assertion would run is not meant to run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{FOLDER, LlvmTools, PACKAGE, forget, installed};
use crate::{source, stamp, sys};

const VERSION: &str = "0.9.1";

/// Runs the tests, prints what they leave out and returns the figure; an earlier one, if no file changed since.
pub(super) fn run(folder: &Path, fresh: bool) -> Result<String> {
    let note = folder.join("coverage.txt");
    if fresh {
        forget(&note)?;
    }
    let stamp = stamp::of(&["Cargo.lock", FOLDER], |_| true)?;
    if let Some(earlier) = stamp::recall(&note, &stamp) {
        return Ok(format!("{earlier} (earlier, nothing changed since)"));
    }
    let figures = measure(folder)?;
    for place in &figures.missed {
        println!("not covered: {place}");
    }
    let said = format!("regions {}, lines {}", figures.regions, figures.lines);
    if !figures.are_full() {
        bail!("{said}");
    }
    stamp::note(&note, &stamp, &said)?;
    Ok(said)
}

fn measure(folder: &Path) -> Result<Figures> {
    let tools = LlvmTools::find()?;
    let program = installed("cargo-llvm-cov", VERSION)?;
    let (json, lcov) = (folder.join("coverage.json"), folder.join("coverage.lcov"));
    let llvm_cov = |arguments: &[&str], to: &Path| {
        let mut command = Command::new(&program);
        command.current_dir(sys::root()).envs(tools.environment()).env("INSTA_UPDATE", "no");
        sys::run(command.arg("llvm-cov").args(arguments).args(["-p", PACKAGE, "--output-path"]).arg(to))
    };
    llvm_cov(&["--json"], &json)?;
    llvm_cov(&["report", "--lcov"], &lcov)?;
    let json = fs::read_to_string(&json).context("failed to read the report")?;
    let json: Report = serde_json::from_str(&json).context("failed to understand the report")?;
    let lcov = fs::read_to_string(&lcov).context("failed to read the report")?;
    let mut sources = BTreeMap::new();
    for path in sys::files(&[FOLDER])?.into_iter().filter(|path| source::is_shipped(path)) {
        let text = fs::read_to_string(sys::root().join(&path))?;
        let lines = source::shipped_lines(&text).map(|(number, _)| number).collect();
        sources.insert(sys::root().join(&path).display().to_string(), Source { path, lines });
    }
    Ok(Figures::from(&json, &lcov, &sources))
}

/// A file of the crate and the lines of it that count; found by its full path.
struct Source {
    path: String,
    lines: BTreeSet<usize>,
}

/// The parts that we need of what `llvm-cov export` writes.
#[derive(Deserialize)]
struct Report {
    data: Vec<Data>,
}

#[derive(Deserialize)]
struct Data {
    functions: Vec<Function>,
}

#[derive(Deserialize)]
struct Function {
    filenames: Vec<String>,
    regions: Vec<Region>,
}

/// First line and column, last line and column, how often it ran, number of the file, number of an expanded file, kind.
#[derive(Deserialize)]
struct Region(usize, usize, usize, usize, u64, usize, IgnoredAny, u8);

/// The kind of a region that is code, not a gap or the call of a macro.
const CODE: u8 = 0;

#[derive(Debug, Default, PartialEq)]
struct Figures {
    regions: Share,
    lines: Share,
    /// Places in words, in the order of the files.
    missed: Vec<String>,
}

#[derive(Debug, Default, PartialEq)]
struct Share {
    covered: usize,
    of: usize,
}

impl Figures {
    fn from(json: &Report, lcov: &str, sources: &BTreeMap<String, Source>) -> Self {
        let mut regions: BTreeMap<(&str, [usize; 4]), bool> = BTreeMap::new();
        for function in json.data.iter().flat_map(|data| &data.functions) {
            for &Region(line, column, last, end, count, file, _, kind) in &function.regions {
                let Some(source) = function.filenames.get(file).and_then(|file| sources.get(file)) else {
                    continue;
                };
                if kind == CODE && source.lines.contains(&line) {
                    *regions.entry((&source.path, [line, column, last, end])).or_default() |= count > 0;
                }
            }
        }
        let mut lines: BTreeMap<(&str, usize), bool> = BTreeMap::new();
        let mut file = None;
        for entry in lcov.lines() {
            if let Some(path) = entry.strip_prefix("SF:") {
                file = sources.get(path);
            } else if let (Some(source), Some(data)) = (file, entry.strip_prefix("DA:")) {
                let mut numbers = data.split(',').map(str::parse::<usize>);
                let (Some(Ok(line)), Some(Ok(count))) = (numbers.next(), numbers.next()) else { continue };
                if source.lines.contains(&line) {
                    *lines.entry((&source.path, line)).or_default() |= count > 0;
                }
            }
        }
        let missed_regions: Vec<_> =
            regions.iter().filter(|(_, covered)| !**covered).map(|(place, _)| *place).collect();
        // Most missed lines are those of missed regions, and need not be told again.
        let is_told = |path: &str, line: usize| {
            missed_regions
                .iter()
                .any(|(of, [first, _, last, _])| *of == path && (*first..=*last).contains(&line))
        };
        let missed_lines = lines
            .iter()
            .filter(|((path, line), covered)| !**covered && !is_told(path, *line))
            .map(|((path, line), _)| format!("{path}:{line}, the line"));
        let told_regions = missed_regions
            .iter()
            .map(|(path, [line, column, last, end])| format!("{path}:{line}:{column} to {last}:{end}"));
        Self {
            missed: told_regions.chain(missed_lines).collect(),
            regions: Share::of(regions.values()),
            lines: Share::of(lines.values()),
        }
    }

    /// Whether there was anything to cover and all of it is.
    fn are_full(&self) -> bool {
        [&self.regions, &self.lines].iter().all(|share| share.of > 0 && share.covered == share.of)
    }
}

impl Share {
    fn of<'a>(covered: impl ExactSizeIterator<Item = &'a bool>) -> Self {
        Self { of: covered.len(), covered: covered.filter(|covered| **covered).count() }
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { covered, of } = self;
        // Cut off rather than rounded: 99.996 % is not 100 %.
        let hundredths = covered * 10_000 / (*of).max(1);
        write!(f, "{covered} of {of} ({}.{:02} %)", hundredths / 100, hundredths % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_a_generic_function_count_once_and_tests_do_not() {
        let json = r#"{"type": "llvm.coverage.json.export", "data": [{"functions": [
            {"filenames": ["/p/a.rs"], "regions": [[1, 1, 1, 9, 1, 0, 0, 0], [2, 1, 2, 9, 0, 0, 0, 0]]},
            {"filenames": ["/p/a.rs"], "regions": [[1, 1, 1, 9, 0, 0, 0, 0], [2, 1, 2, 9, 7, 0, 0, 0]]},
            {"filenames": ["/p/a.rs"], "regions": [[3, 5, 4, 2, 0, 0, 0, 0], [3, 1, 3, 5, 0, 0, 0, 3]]},
            {"filenames": ["/p/a.rs"], "regions": [[9, 1, 9, 2, 0, 0, 0, 0]]},
            {"filenames": ["/q/b.rs"], "regions": [[1, 1, 1, 2, 0, 0, 0, 0]]}
        ]}]}"#;
        let lcov =
            "SF:/p/a.rs\nDA:1,1\nDA:2,0\nDA:3,0\nDA:9,0\nend_of_record\nSF:/q/b.rs\nDA:1,0\nend_of_record\n";
        let figures = Figures::from(&serde_json::from_str(json).unwrap(), lcov, &sources());
        assert_eq!(figures.regions, Share { covered: 2, of: 3 });
        assert_eq!(figures.lines, Share { covered: 1, of: 3 });
        assert_eq!(figures.missed, ["a.rs:3:5 to 4:2", "a.rs:2, the line"]);
        assert!(!figures.are_full());
    }

    #[test]
    fn nothing_measured_is_not_full() {
        let empty = Figures::from(&Report { data: Vec::new() }, "", &sources());
        assert!(!empty.are_full());
    }

    #[test]
    fn a_share_is_never_rounded_up() {
        assert_eq!(Share { covered: 99_999, of: 100_000 }.to_string(), "99999 of 100000 (99.99 %)");
        assert_eq!(Share { covered: 3, of: 3 }.to_string(), "3 of 3 (100.00 %)");
    }

    fn sources() -> BTreeMap<String, Source> {
        let source = Source { path: "a.rs".to_owned(), lines: (1..=4).collect() };
        BTreeMap::from([("/p/a.rs".to_owned(), source)])
    }
}
