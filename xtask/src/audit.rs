//! `cargo xtask audit`: how good the tests of the model are. Every line and region is to be covered, and every mutant
//! that compiles is to be caught, or listed in `.cargo/mutants.toml` with the reason why no test can tell it.

mod coverage;
mod mutants;

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::{stamp, sys};

/// The package under audit and its folder.
const PACKAGE: &str = "incoming-leads-model";
const FOLDER: &str = "crates/model";

/// Half of an audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    Coverage,
    Mutants,
}

/// Runs both halves, or the named one, and prints their figures last.
pub(crate) fn run(part: Option<Part>, fresh: bool, minutes: u64) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(minutes * 60);
    let folder = stamp::folder("audit")?;
    let mut lines = Vec::new();
    let mut failed = false;
    for (each, name) in [(Part::Coverage, "coverage"), (Part::Mutants, "mutants")] {
        if part.is_some_and(|part| part != each) {
            continue;
        }
        let outcome = match each {
            Part::Coverage => coverage::run(&folder, fresh),
            Part::Mutants => mutants::run(&folder, fresh, deadline),
        };
        lines.push(match outcome {
            Ok(figure) => format!("{name:<8}  ok      {figure}"),
            Err(error) => {
                failed = true;
                format!("{name:<8}  FAILED  {error:#}")
            }
        });
    }
    println!("\naudit of {PACKAGE}:");
    for line in lines {
        println!("  {line}");
    }
    if failed {
        bail!("the audit failed");
    }
    Ok(())
}

/// The program of a cargo extension, installed below cargo's target folder if it is not there yet.
fn installed(name: &str, version: &str) -> Result<PathBuf> {
    let home = stamp::folder("tools")?.join(format!("{name}-{version}"));
    let program = home.join("bin").join(format!("{name}{}", env::consts::EXE_SUFFIX));
    if !program.exists() {
        let wanted = format!("{name}@{version}");
        let mut cargo = sys::cargo(["install", "--locked", "--quiet", &wanted, "--root"]);
        sys::run(cargo.arg(&home)).with_context(|| format!("failed to install {wanted}"))?;
    }
    Ok(program)
}

/// LLVM's two programs for coverage. They must be as new as the LLVM inside rustc, or they cannot read its files.
struct LlvmTools {
    cov: PathBuf,
    profdata: PathBuf,
}

impl LlvmTools {
    /// From the environment, else the toolchain's own, else the system's of the same major version.
    fn find() -> Result<Self> {
        if let (Some(cov), Some(profdata)) = (env::var_os("LLVM_COV"), env::var_os("LLVM_PROFDATA")) {
            return Ok(Self { cov: cov.into(), profdata: profdata.into() });
        }
        let rustlib = sys::sysroot()?.join("lib/rustlib");
        let own = rustlib.join(sys::rustc("host")?).join("bin");
        let version = sys::rustc("LLVM version")?;
        let major = version.split('.').next().unwrap_or(&version);
        let path = env::var_os("PATH").unwrap_or_default();
        let system = env::split_paths(&path).collect::<Vec<_>>();
        Self::among(&[own], "").or_else(|| Self::among(&system, &format!("-{major}"))).with_context(|| {
            format!(
                "llvm-cov and llvm-profdata of LLVM {major} are missing: run `rustup component add llvm-tools`, or \
                 install your system's llvm-{major}, or name both programs in LLVM_COV and LLVM_PROFDATA"
            )
        })
    }

    /// The first folder that holds both.
    fn among(folders: &[PathBuf], suffix: &str) -> Option<Self> {
        let program =
            |folder: &PathBuf, name: &str| folder.join(format!("{name}{suffix}{}", env::consts::EXE_SUFFIX));
        folders
            .iter()
            .map(|folder| Self {
                cov: program(folder, "llvm-cov"),
                profdata: program(folder, "llvm-profdata"),
            })
            .find(|tools| tools.cov.exists() && tools.profdata.exists())
    }

    fn environment(&self) -> [(&str, &OsStr); 2] {
        [("LLVM_COV", self.cov.as_os_str()), ("LLVM_PROFDATA", self.profdata.as_os_str())]
    }
}

/// Removes a file or folder if it is there.
fn forget(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("failed to remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn llvm_tools_are_found_only_where_both_are() {
        let folder = stamp::folder("tests").unwrap().join("llvm");
        forget(&folder).unwrap();
        fs::create_dir_all(&folder).unwrap();
        let folders = [folder.clone()];
        let file = |name: &str| folder.join(format!("{name}-22{}", env::consts::EXE_SUFFIX));
        fs::write(file("llvm-cov"), "").unwrap();
        assert!(LlvmTools::among(&folders, "-22").is_none());
        fs::write(file("llvm-profdata"), "").unwrap();
        assert!(LlvmTools::among(&folders, "-21").is_none());
        assert_eq!(LlvmTools::among(&folders, "-22").unwrap().cov, file("llvm-cov"));
        forget(&folder).unwrap();
    }
}
