//! Which package may depend on which: the allow-list, and what `cargo metadata` says against it.
//!
//! A crate of `crates/` that the list does not know is an error; a row whose crate is not there yet is none.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, Package, PackageId};

use crate::sys;

/// What the packages' names begin with.
const PREFIX: &str = "incoming-leads-";

/// Programs that run futures or do IO, so that no pure crate may reach one, by however many steps.
const RUNTIMES: &[&str] = &["async-std", "mio", "smol", "tokio"];

/// The libraries of the model, which the port may use too.
const MODEL: &[&str] = &["chrono", "serde", "serde_json", "thiserror"];
const PORT: &[&str] =
    &["async-trait", "chrono", "futures-core", "futures-util", "serde", "serde_json", "thiserror"];

/// The allow-list. Dependencies of tests come on top of the normal ones.
const LAYERS: &[Layer] = &[
    Layer {
        libraries: Only(MODEL),
        test_libraries: Only(&["insta", "proptest"]),
        reaches_runtimes: false,
        ..Layer::new("model", Only(&[]), Only(&[]))
    },
    Layer {
        libraries: Only(PORT),
        reaches_runtimes: false,
        ..Layer::new("port", Only(&["model"]), Only(&["memory"]))
    },
    Layer { reaches_runtimes: false, ..Layer::new("wire-v4", Only(&["model"]), Only(&[])) },
    Layer { reaches_runtimes: false, ..Layer::new("wire-v2", Only(&["model"]), Only(&[])) },
    Layer::new("transport", Only(&[]), Only(&[])),
    Layer::new("memory", Only(&["port", "model"]), Only(&["conformance"])),
    Layer::new("sqlite", Only(&["port", "model"]), Only(&["conformance", "memory"])),
    Layer::new("postgres", Only(&["port", "model"]), Only(&["conformance", "memory", "testbed"])),
    Layer::new("outbox", Only(&["port", "model"]), Only(&["conformance", "memory"])),
    Layer::new("conformance", Only(&["port", "model"]), Only(&["memory"])),
    Layer::new(
        "http-v4",
        Only(&["port", "model", "wire-v4", "transport"]),
        Only(&["conformance", "memory", "server"]),
    ),
    Layer::new(
        "http-v2",
        Only(&["port", "model", "wire-v2", "transport"]),
        Only(&["conformance", "memory", "server"]),
    ),
    Layer::new(
        "server",
        Only(&["port", "model", "wire-v4", "wire-v2"]),
        Only(&["conformance", "memory", "sqlite", "postgres", "http-v4", "http-v2"]),
    ),
    // Starts what tests need; nothing that is shipped depends on it.
    Layer::new("testbed", Only(&[]), Only(&[])),
    Layer::new("cli", Any, Any),
];

/// A row: a folder of `crates/` and what it may depend on.
#[derive(Clone, Copy)]
struct Layer {
    folder: &'static str,
    /// Crates of ours, by folder, as normal or build dependencies.
    ours: Allowed,
    /// Further crates of ours as dev-dependencies.
    ours_in_tests: Allowed,
    /// Everybody else's, as normal or build dependencies.
    libraries: Allowed,
    /// Further ones as dev-dependencies.
    test_libraries: Allowed,
    /// Whether normal dependencies may lead to one of `RUNTIMES`.
    reaches_runtimes: bool,
}

#[derive(Clone, Copy)]
enum Allowed {
    Any,
    Only(&'static [&'static str]),
}

use Allowed::{Any, Only};

impl Layer {
    /// A row that leaves the choice of libraries open.
    const fn new(folder: &'static str, ours: Allowed, ours_in_tests: Allowed) -> Self {
        Self { folder, ours, ours_in_tests, libraries: Any, test_libraries: Any, reaches_runtimes: true }
    }
}

impl Allowed {
    fn contains(self, name: &str) -> bool {
        match self {
            Any => true,
            Only(names) => names.contains(&name),
        }
    }
}

/// A package of the workspace, as far as the list has something to say about it.
#[derive(Clone, Debug)]
pub(super) struct Member {
    package: String,
    /// The manifest's folder, seen from the workspace's, such as `crates/model`.
    folder: String,
    dependencies: Vec<Dependency>,
    /// Names of all packages that its normal and build dependencies lead to.
    reaches: BTreeSet<String>,
    /// Whether a plain `cargo test` in the workspace's folder includes it.
    is_default: bool,
}

#[derive(Clone, Debug)]
struct Dependency {
    package: String,
    of_tests: bool,
}

/// The packages of the workspace as cargo tells them.
///
/// The direct dependencies are those of the manifests, for every platform and feature. What they lead to is
/// resolved for this platform and for the whole workspace at once.
pub(super) fn members() -> Result<Vec<Member>> {
    let metadata = sys::metadata()?;
    let defaults = metadata.workspace_default_packages();
    metadata
        .workspace_packages()
        .into_iter()
        .map(|package| {
            let folder = package.manifest_path.parent().context("a manifest lies in a folder")?;
            let folder = folder.strip_prefix(&metadata.workspace_root)?;
            Ok(Member {
                package: package.name.to_string(),
                folder: folder.components().map(|part| part.as_str()).collect::<Vec<_>>().join("/"),
                dependencies: dependencies(package),
                reaches: reaches(&metadata, &package.id)?,
                is_default: defaults.iter().any(|default| default.id == package.id),
            })
        })
        .collect()
}

fn dependencies(package: &Package) -> Vec<Dependency> {
    package
        .dependencies
        .iter()
        .map(|dependency| Dependency {
            package: dependency.name.clone(),
            of_tests: dependency.kind == DependencyKind::Development,
        })
        .collect()
}

/// Walks the resolved graph from `start` along normal and build dependencies.
fn reaches(metadata: &Metadata, start: &PackageId) -> Result<BTreeSet<String>> {
    let graph = metadata.resolve.as_ref().context("the metadata has no resolved graph")?;
    let mut seen = BTreeSet::new();
    let mut open = vec![start];
    while let Some(id) = open.pop() {
        let node = graph.nodes.iter().find(|node| node.id == *id).context("a package is not in the graph")?;
        for dependency in &node.deps {
            let only_tests = dependency.dep_kinds.iter().all(|kind| kind.kind == DependencyKind::Development);
            if !only_tests && seen.insert(&dependency.pkg) {
                open.push(&dependency.pkg);
            }
        }
    }
    Ok(seen.into_iter().map(|id| metadata[id].name.to_string()).collect())
}

/// Everything the list does not allow, in sentences.
pub(super) fn violations(members: &[Member]) -> Vec<String> {
    members.iter().flat_map(violations_of).collect()
}

fn violations_of(member: &Member) -> Vec<String> {
    let Member { package, folder, dependencies, reaches, is_default } = member;
    let mut found = Vec::new();
    if !is_default {
        found.push(format!("{folder}: is not among the default-members, so a plain `cargo test` misses it"));
    }
    if folder == "xtask" {
        return found;
    }
    let name = folder.strip_prefix("crates/").unwrap_or(folder);
    let Some(layer) = LAYERS.iter().find(|layer| layer.folder == name) else {
        found.push(format!("{folder}: is not in the allow-list of xtask/src/tidy/arrows.rs"));
        return found;
    };
    if *package != format!("{PREFIX}{name}") {
        found.push(format!("{folder}: holds package {package} instead of {PREFIX}{name}"));
    }
    for dependency in dependencies {
        if !allows(layer, dependency) {
            let kind = if dependency.of_tests { "in tests " } else { "" };
            found.push(format!("{folder}: may not depend {kind}on {}", dependency.package));
        }
    }
    if !layer.reaches_runtimes {
        let runtimes = RUNTIMES.iter().filter(|runtime| reaches.contains(**runtime));
        found.extend(runtimes.map(|runtime| format!("{folder}: its dependencies lead to {runtime}")));
    }
    found
}

fn allows(layer: &Layer, dependency: &Dependency) -> bool {
    let Dependency { package, of_tests } = dependency;
    let (name, normal, tests) = match package.strip_prefix(PREFIX) {
        Some(folder) => (folder, layer.ours, layer.ours_in_tests),
        None => (package.as_str(), layer.libraries, layer.test_libraries),
    };
    name != "xtask" && (normal.contains(name) || *of_tests && tests.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_follows_the_list() {
        assert_eq!(violations(&members().unwrap()), [""; 0]);
    }

    #[test]
    fn a_wrong_arrow_planted_into_the_workspace_is_found() {
        let mut members = members().unwrap();
        let port = members.iter_mut().find(|member| member.folder == "crates/port").unwrap();
        port.dependencies.push(normal("incoming-leads-memory"));
        assert_eq!(violations(&members), ["crates/port: may not depend on incoming-leads-memory"]);
    }

    #[test]
    fn the_graph_is_walked_to_its_end() {
        let members = members().unwrap();
        let reaches = |folder: &str, name: &str| {
            members.iter().any(|member| member.folder == folder && member.reaches.contains(name))
        };
        assert!(reaches("crates/cli", "mio"), "the program runs on tokio, which leads to mio");
        assert!(reaches("crates/model", "serde_core"), "by way of serde");
        assert!(!reaches("crates/model", "proptest"), "a library of the tests does not count");
    }

    #[test]
    fn no_adapter_knows_another() {
        check("memory", normal("incoming-leads-sqlite"), "may not depend on incoming-leads-sqlite");
        check(
            "memory",
            of_tests("incoming-leads-sqlite"),
            "may not depend in tests on incoming-leads-sqlite",
        );
    }

    #[test]
    fn a_wire_does_not_know_the_port() {
        check("wire-v4", normal("incoming-leads-port"), "may not depend on incoming-leads-port");
    }

    #[test]
    fn the_model_keeps_to_its_four_libraries() {
        check("model", normal("http"), "may not depend on http");
        check("model", of_tests("tokio"), "may not depend in tests on tokio");
        check("model", normal("proptest"), "may not depend on proptest");
    }

    #[test]
    fn only_the_program_chooses_adapters() {
        check("server", normal("incoming-leads-memory"), "may not depend on incoming-leads-memory");
        for dependency in [normal("incoming-leads-memory"), of_tests("incoming-leads-conformance")] {
            assert_eq!(violations(&[member("cli", dependency)]), [""; 0]);
        }
    }

    #[test]
    fn nobody_depends_on_the_chores() {
        check("cli", normal("xtask"), "may not depend on xtask");
    }

    #[test]
    fn what_the_list_allows_passes() {
        for (folder, dependency) in [
            ("model", normal("chrono")),
            ("model", of_tests("insta")),
            ("port", normal("async-trait")),
            ("server", normal("incoming-leads-wire-v4")),
            ("server", of_tests("incoming-leads-memory")),
            ("http-v4", normal("incoming-leads-transport")),
            ("wire-v4", normal("http")),
        ] {
            assert_eq!(violations(&[member(folder, dependency)]), [""; 0]);
        }
    }

    #[test]
    fn a_runtime_is_found_however_deep() {
        let mut wire = member("wire-v4", normal("http"));
        wire.reaches.insert("tokio".to_owned());
        assert_eq!(violations(&[wire.clone()]), ["crates/wire-v4: its dependencies lead to tokio"]);
        wire.folder = "crates/server".to_owned();
        wire.package = "incoming-leads-server".to_owned();
        assert_eq!(violations(&[wire]), [""; 0]);
    }

    #[test]
    fn unknown_crates_wrong_names_and_forgotten_members_are_found() {
        let unknown = member("utils", normal("chrono"));
        assert_eq!(
            violations(&[unknown]),
            ["crates/utils: is not in the allow-list of xtask/src/tidy/arrows.rs"]
        );
        let renamed = Member { package: "leads".to_owned(), ..member("model", normal("chrono")) };
        assert_eq!(
            violations(&[renamed]),
            ["crates/model: holds package leads instead of incoming-leads-model"]
        );
        let forgotten = Member { is_default: false, ..member("model", normal("chrono")) };
        assert_eq!(
            violations(&[forgotten]),
            ["crates/model: is not among the default-members, so a plain `cargo test` misses it"]
        );
    }

    #[track_caller]
    fn check(folder: &str, dependency: Dependency, expected: &str) {
        assert_eq!(violations(&[member(folder, dependency)]), [format!("crates/{folder}: {expected}")]);
    }

    fn member(folder: &str, dependency: Dependency) -> Member {
        Member {
            package: format!("{PREFIX}{folder}"),
            folder: format!("crates/{folder}"),
            dependencies: vec![dependency],
            reaches: BTreeSet::new(),
            is_default: true,
        }
    }

    fn normal(package: &str) -> Dependency {
        Dependency { package: package.to_owned(), of_tests: false }
    }

    fn of_tests(package: &str) -> Dependency {
        Dependency { package: package.to_owned(), of_tests: true }
    }
}
