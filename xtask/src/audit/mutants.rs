//! Mutants by `cargo mutants`: does some test fail when a piece of the code is wrong?
//!
//! A run goes on from where the last one ended, and asks again only for those that were missed. What was caught stays
//! caught as long as only tests change; a change of the code, or of the list of equivalents, starts anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{FOLDER, PACKAGE, forget, installed};
use crate::{source, stamp, sys};

const VERSION: &str = "27.1.0";
/// The list of equivalents, with a reason each.
const LIST: &str = ".cargo/mutants.toml";

/// What became of mutants, and the file in which `cargo mutants` lists those.
const OUTCOMES: [&str; 3] = ["caught", "timeout", "unviable"];

/// Runs until all mutants are settled or the deadline is there, and returns the figure.
pub(super) fn run(folder: &Path, fresh: bool, deadline: Instant) -> Result<String> {
    let program = installed("cargo-mutants", VERSION)?;
    let note = folder.join("mutants.txt");
    let output = folder.join("mutants.out");
    let stamp = stamp::of(&[LIST, FOLDER], |path| path == LIST || source::is_shipped(path))?;
    let ledger = if fresh { None } else { stamp::recall(&note, &stamp) };
    if ledger.is_none() {
        forget(&output)?;
    }
    let all = list(&program)?;
    let mut ledger = Ledger::read(&ledger.unwrap_or_default());
    // An earlier run that was killed had no time to do this.
    ledger.collect(&output)?;
    let finished = if ledger.open(&all).is_empty() {
        true
    } else {
        let finished = test(&program, folder, deadline)?;
        ledger.collect(&output)?;
        finished
    };
    stamp::note(&note, &stamp, &ledger.write())?;
    verdict(&all, &ledger, finished)
}

/// All mutants but those of the list of equivalents.
fn list(program: &Path) -> Result<BTreeSet<String>> {
    let mut command = Command::new(program);
    command.current_dir(sys::root()).args(["mutants", "--list", "-p", PACKAGE]);
    let all: BTreeSet<_> = sys::output(&mut command)?.lines().map(str::to_owned).collect();
    if all.is_empty() {
        bail!("there are no mutants");
    }
    Ok(all)
}

/// Whether it ran to its end.
fn test(program: &Path, folder: &Path, deadline: Instant) -> Result<bool> {
    let jobs = thread::available_parallelism().map_or(1, |cores| cores.get().min(4)).to_string();
    let mut command = Command::new(program);
    command
        .current_dir(sys::root())
        .args(["mutants", "--iterate", "-p", PACKAGE, "--jobs", &jobs, "--output"])
        .arg(folder)
        // Doc tests show how things are used; they are slow and no mutant should need them.
        .args(["--", "--tests"])
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("INSTA_UPDATE", "no")
        // The same inputs for every mutant, and no time spent on a handsome counterexample.
        .env("PROPTEST_RNG_SEED", "1")
        .env("PROPTEST_MAX_SHRINK_ITERS", "0")
        .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1")
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null());
    let shown = sys::announce(&command);
    let mut child = command.spawn().with_context(|| format!("failed to start {shown}"))?;
    loop {
        if let Some(status) = child.try_wait()? {
            // 2: some were missed; 3: some ran out of time. Anything else above 0 is trouble of its own.
            return match status.code() {
                Some(0 | 2 | 3) => Ok(true),
                _ => bail!("`{shown}` failed ({status})"),
            };
        }
        if Instant::now() >= deadline {
            println!("the time is up");
            // As Ctrl-C does, so that it takes the programs that it has started along.
            sys::run(Command::new("kill").args(["-INT", &child.id().to_string()]))?;
            child.wait()?;
            return Ok(false);
        }
        thread::sleep(Duration::from_secs(1));
    }
}

/// What is settled: each mutant that need not run again, and its outcome.
#[derive(Debug, Default, PartialEq)]
struct Ledger(BTreeMap<String, String>);

impl Ledger {
    fn read(text: &str) -> Self {
        let rows = text.lines().filter_map(|line| line.split_once('\t'));
        Self(rows.map(|(outcome, mutant)| (mutant.to_owned(), outcome.to_owned())).collect())
    }

    fn write(&self) -> String {
        self.0.iter().map(|(mutant, outcome)| format!("{outcome}\t{mutant}\n")).collect()
    }

    /// Takes in what the lists in `cargo mutants`' folder say.
    fn collect(&mut self, folder: &Path) -> Result<()> {
        for outcome in OUTCOMES {
            let file = folder.join(format!("{outcome}.txt"));
            if !file.exists() {
                continue;
            }
            let listed =
                fs::read_to_string(&file).with_context(|| format!("failed to read {}", file.display()))?;
            self.0.extend(listed.lines().map(|mutant| (mutant.to_owned(), outcome.to_owned())));
        }
        Ok(())
    }

    /// Those that are not settled.
    fn open<'a>(&self, all: &'a BTreeSet<String>) -> Vec<&'a str> {
        all.iter().filter(|mutant| !self.0.contains_key(*mutant)).map(String::as_str).collect()
    }

    fn count(&self, all: &BTreeSet<String>, outcome: &str) -> usize {
        all.iter().filter(|mutant| self.0.get(*mutant).is_some_and(|is| is == outcome)).count()
    }
}

/// The figure; an error if a mutant is not settled.
fn verdict(all: &BTreeSet<String>, ledger: &Ledger, finished: bool) -> Result<String> {
    let [caught, timeout, unviable] = OUTCOMES.map(|outcome| ledger.count(all, outcome));
    let mut said = format!(
        "{} mutants: {caught} caught, {timeout} ran out of time, {unviable} do not compile",
        all.len()
    );
    let open = ledger.open(all);
    if open.is_empty() {
        return Ok(said + ", 0 missed");
    }
    if !finished {
        bail!("{said}, {} missed or not tried yet: run it again, it goes on from here", open.len());
    }
    said += &format!(", {} missed:", open.len());
    open.iter().for_each(|mutant| said += &format!("\n    {mutant}"));
    bail!("{said}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_survives_being_written() {
        let ledger = ledger(&[("a.rs:1:2: replace > with >=", "caught"), ("b", "unviable")]);
        assert_eq!(Ledger::read(&ledger.write()), ledger);
    }

    #[test]
    fn lists_of_a_run_are_collected_and_missing_ones_are_empty() {
        let folder = stamp::folder("tests").unwrap().join("mutants");
        forget(&folder).unwrap();
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("caught.txt"), "a\nb\n").unwrap();
        fs::write(folder.join("missed.txt"), "c\n").unwrap();
        let mut collected = ledger(&[("d", "timeout")]);
        collected.collect(&folder).unwrap();
        forget(&folder).unwrap();
        assert_eq!(collected, ledger(&[("a", "caught"), ("b", "caught"), ("d", "timeout")]));
    }

    #[test]
    fn the_verdict_is_good_when_every_mutant_is_settled() {
        let settled = ledger(&[("a", "caught"), ("b", "timeout"), ("c", "unviable"), ("gone", "caught")]);
        assert_eq!(
            verdict(&all(), &settled, true).unwrap(),
            "3 mutants: 1 caught, 1 ran out of time, 1 do not compile, 0 missed"
        );
    }

    #[test]
    fn a_missed_mutant_is_named_and_an_unfinished_run_is_no_success() {
        let settled = ledger(&[("a", "caught"), ("b", "caught")]);
        let missed = verdict(&all(), &settled, true).unwrap_err().to_string();
        assert!(missed.ends_with("1 missed:\n    c"), "{missed}");
        let unfinished = verdict(&all(), &settled, false).unwrap_err().to_string();
        assert!(unfinished.ends_with("it goes on from here"), "{unfinished}");
    }

    fn all() -> BTreeSet<String> {
        ["a", "b", "c"].map(str::to_owned).into()
    }

    fn ledger(rows: &[(&str, &str)]) -> Ledger {
        Ledger(rows.iter().map(|(mutant, outcome)| ((*mutant).to_owned(), (*outcome).to_owned())).collect())
    }
}
