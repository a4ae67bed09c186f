//! The walls between the crates: the table in ARCHITECTURE.md, enforced.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const SERVICES: [&str; 3] = ["backdrop-read", "backdrop-write", "backdrop-worker"];

/// Which crates of the workspace each crate may depend on.
fn allowed() -> BTreeMap<&'static str, Vec<&'static str>> {
    let (core, frames, postgres, queue, service) =
        ("backdrop-core", "backdrop-frames", "backdrop-postgres", "backdrop-queue", "backdrop-service");
    let [read, write, worker] = SERVICES;
    BTreeMap::from([
        (core, vec![]),
        (frames, vec![core]),
        (postgres, vec![core]),
        (queue, vec![core]),
        (service, vec![core]),
        (read, vec![core, frames, postgres, service]),
        (write, vec![core, postgres, queue, service]),
        (worker, vec![core, postgres, queue, service]),
        ("backdrop-cli", vec![core, postgres, queue, service, read, write, worker]),
        ("backdrop-testing", vec![core, postgres, queue, service, read, write, worker, "backdrop-cli"]),
        ("backdrop-faults", vec!["backdrop-testing"]),
        ("backdrop-bench", vec!["backdrop-testing", core, "backdrop-frames"]),
    ])
}

/// Crates behind which there is a wall, and who may stand behind it.
const WALLS: [(&str, &[&str]); 6] = [
    ("sqlx", &["backdrop-postgres", "backdrop-testing", "backdrop-bench"]),
    ("redis", &["backdrop-queue", "backdrop-testing", "backdrop-bench"]),
    ("deadpool-redis", &["backdrop-queue"]),
    // Below `HttpServer` only what listens may look.
    ("actix-http", &["backdrop-service"]),
    ("actix-service", &["backdrop-service"]),
    (
        "actix-web",
        &["backdrop-service", "backdrop-read", "backdrop-write", "backdrop-worker", "backdrop-bench"],
    ),
];

/// Crates that do no I/O and know no clock.
const PURE_CRATES: [&str; 2] = ["backdrop-core", "backdrop-frames"];

/// What they may use: none of these does I/O, reads a clock or makes randomness. `uuid` only
/// derives ids here; `clippy.toml` of the core bans the functions that make random ones.
const PURE: [&str; 14] = [
    "base64",
    "chrono",
    "chrono-tz",
    "hashbrown",
    "jsonschema",
    "jsonschema-regex",
    "regex",
    "regex-automata",
    "serde",
    "serde_json",
    "sha2",
    "siphasher",
    "subtle",
    "thiserror",
];

fn metadata() -> Metadata {
    MetadataCommand::new().no_deps().exec().expect("cargo metadata")
}

/// What breaks the walls, in words.
fn breaches(metadata: &Metadata) -> Vec<String> {
    let allowed = allowed();
    let mut breaches = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let Some(may_use) = allowed.get(name) else {
            breaches.push(format!("{name} is not in the table of crates"));
            continue;
        };
        let normal =
            package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development);
        for dependency in normal {
            let used = dependency.name.as_str();
            let is_ours = allowed.contains_key(used);
            if is_ours && !may_use.contains(&used) {
                breaches.push(format!("{name} depends on {used}"));
            }
            if WALLS.iter().any(|(behind, inside)| *behind == used && !inside.contains(&name)) {
                breaches.push(format!("{name} depends on {used}, which only some crates may know"));
            }
            if PURE_CRATES.contains(&name) && !is_ours && used != "uuid" && !PURE.contains(&used) {
                breaches.push(format!("{name}, which is pure, depends on {used}"));
            }
        }
        let development =
            package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Development);
        for dependency in development {
            let used = dependency.name.as_str();
            if WALLS.iter().any(|(behind, inside)| *behind == used && !inside.contains(&name)) {
                breaches.push(format!("the tests of {name} depend on {used}"));
            }
        }
    }
    breaches
}

#[test]
fn no_crate_reaches_past_the_walls() {
    assert_eq!(breaches(&metadata()), Vec::<String>::new());
}

/// Whether the source file, or any below the folder, names the crate.
fn is_named(path: &Path, name: &str) -> bool {
    if path.is_dir() {
        let mut entries = fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").path());
        return entries.any(|path| is_named(&path, name));
    }
    let is_source = path.extension().is_some_and(|extension| extension == "rs");
    let is_word = |character: char| !character.is_alphanumeric() && character != '_';
    is_source && fs::read_to_string(path).expect("a source file").split(is_word).any(|word| word == name)
}

#[test]
fn every_dependency_is_used() {
    let mut unused = Vec::new();
    for package in &metadata().packages {
        let folder = package.manifest_path.parent().expect("a manifest lies in a folder");
        for dependency in &package.dependencies {
            let name = dependency.name.replace('-', "_");
            let folders = match dependency.kind {
                DependencyKind::Build => vec![folder.join("build.rs")],
                DependencyKind::Development => vec![folder.join("tests"), folder.join("src")],
                _ => vec![folder.join("src")],
            };
            let is_used =
                folders.iter().any(|folder| folder.exists() && is_named(folder.as_std_path(), &name));
            if !is_used {
                unused.push(format!("{} does not use {}", package.name, dependency.name));
            }
        }
    }
    assert_eq!(unused, Vec::<String>::new());
}

#[test]
fn all_crates_of_the_table_exist() {
    let metadata = metadata();
    let found: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(found, allowed().into_keys().collect());
}

#[test]
fn a_breach_would_be_noticed() {
    let mut metadata = metadata();
    let sqlx = metadata
        .packages
        .iter()
        .find(|package| package.name.as_str() == "backdrop-postgres")
        .and_then(|package| package.dependencies.iter().find(|dependency| dependency.name == "sqlx"))
        .expect("the store uses sqlx")
        .clone();
    for name in ["backdrop-read", "backdrop-core"] {
        let package = metadata.packages.iter_mut().find(|package| package.name.as_str() == name).expect(name);
        package.dependencies.push(sqlx.clone());
    }
    let found = breaches(&metadata);
    assert_eq!(found.len(), 3, "{found:?}");
}
