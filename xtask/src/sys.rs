//! What every chore needs from outside: the project's folder, its metadata, other programs.

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};
use cargo_metadata::{Metadata, MetadataCommand};

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace")
}

/// What cargo knows of the workspace, with the graph resolved for this machine's platform, so that a machine
/// without network needs no package that only another platform builds.
pub(crate) fn metadata() -> Result<Metadata> {
    let options = ["--locked", "--filter-platform", &rustc("host")?].map(String::from);
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(options)
        .exec()
        .context("failed to ask cargo for the metadata of the workspace")
}

/// The files in `places` that git tracks, or would after `git add`, by their paths from the workspace's folder.
pub(crate) fn files(places: &[&str]) -> Result<Vec<String>> {
    let mut git = Command::new("git");
    git.current_dir(root()).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"]);
    let listed = output(git.args(places))?;
    // Left out: what is deleted but not yet committed, and links to folders.
    let files = listed.split_terminator('\0').filter(|path| root().join(path).is_file());
    Ok(files.map(str::to_owned).collect())
}

/// A line of `rustc -vV`, such as `host` or `LLVM version`.
pub(crate) fn rustc(field: &str) -> Result<String> {
    let about = output(rustc_command().arg("-vV"))?;
    let value = about.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(": "));
    Ok(value.with_context(|| format!("rustc -vV does not tell its {field}"))?.to_owned())
}

/// The folder of the toolchain.
pub(crate) fn sysroot() -> Result<PathBuf> {
    Ok(output(rustc_command().args(["--print", "sysroot"]))?.trim_end().into())
}

fn rustc_command() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

/// The cargo that runs us, in the workspace's folder.
pub(crate) fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.current_dir(root()).args(arguments);
    command
}

/// Runs a program to its end, its output going where ours goes.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = announce(command);
    let status = command.status().with_context(|| format!("failed to start {shown}"))?;
    succeed(&shown, status)
}

/// Runs a program to its end, hands each line of its standard output over and prints it as well.
pub(crate) fn stream(command: &mut Command, mut each: impl FnMut(&str)) -> Result<()> {
    let shown = announce(command);
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("failed to start {shown}"))?;
    let stdout = child.stdout.take().expect("it was just asked for");
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.with_context(|| format!("failed to read what {shown} prints"))?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        each(&line);
    }
    succeed(&shown, child.wait()?)
}

/// What a program prints on its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let shown = display(command);
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("failed to start {shown}"))?;
    succeed(&shown, output.status)?;
    String::from_utf8(output.stdout).with_context(|| format!("{shown} does not print UTF-8"))
}

/// Prints the command, as one would type it, and returns that text.
pub(crate) fn announce(command: &Command) -> String {
    let shown = display(command);
    println!("$ {shown}");
    shown
}

fn display(command: &Command) -> String {
    let set = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let set = set.map(|(name, value)| format!("{}={} ", name.display(), value.display()));
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let arguments = command.get_args().map(|argument| format!(" {}", argument.display()));
    set.chain([program.display().to_string()]).chain(arguments).collect()
}

fn succeed(shown: &str, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}
