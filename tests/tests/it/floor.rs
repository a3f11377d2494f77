//! The oldest Rust version that the manifests promise, compared with the versions that dependencies require.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use super::markdown::root;

fn metadata() -> Value {
    let cargo = std::env::var_os("CARGO").expect("cargo runs the tests");
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version=1", "--locked", "--all-features"]).current_dir(root());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().unwrap_or_else(|| panic!("a list of {name}")).iter()
}

fn id(value: &Value) -> &str {
    value["id"].as_str().expect("an id")
}

/// `1.88` as `[1, 88, 0]`.
fn version(text: &str) -> [u64; 3] {
    let mut parts = text.split('.').map(|part| part.parse().unwrap());
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

/// The packages that each package depends on, with dev-dependencies for those of this workspace.
fn edges(metadata: &Value) -> BTreeMap<&str, Vec<&str>> {
    let ours: BTreeSet<_> = list(metadata, "workspace_members").map(|id| id.as_str().unwrap()).collect();
    let edges = list(&metadata["resolve"], "nodes").map(|node| {
        let counts = |dep: &&Value| ours.contains(id(node)) || list(dep, "dep_kinds").any(|kind| kind["kind"] != "dev");
        (id(node), list(node, "deps").filter(counts).map(|dep| dep["pkg"].as_str().unwrap()).collect())
    });
    edges.collect()
}

/// Lists the packages that require a newer Rust than the package of ours that depends on them promises.
fn above(metadata: &Value) -> Vec<String> {
    let packages: BTreeMap<_, _> = list(metadata, "packages").map(|package| (id(package), package)).collect();
    let floor = |id: &str| packages[id]["rust_version"].as_str();
    let edges = edges(metadata);
    let mut above = Vec::new();
    for own in list(metadata, "workspace_members").map(|id| id.as_str().unwrap()) {
        let promised = floor(own).expect("each of ours has a rust-version");
        let (mut seen, mut open) = (BTreeSet::new(), vec![own]);
        while let Some(package) = open.pop() {
            if !seen.insert(package) {
                continue;
            }
            open.extend(&edges[package]);
            if let Some(asked) = floor(package).filter(|asked| version(asked) > version(promised)) {
                let [name, dependency] = [own, package].map(|id| packages[id]["name"].as_str().unwrap());
                above.push(format!("{name} promises Rust {promised}, and {dependency} asks for {asked}"));
            }
        }
    }
    above
}

#[test]
fn no_dependency_asks_for_a_newer_rust_than_is_promised() {
    let metadata = metadata();
    let packages = list(&metadata, "packages").count();
    let silent = list(&metadata, "packages").filter(|package| package["rust_version"].is_null()).count();
    println!("{packages} packages, of which {silent} do not say");
    assert!(packages > 2 * silent, "{silent} of {packages} do not say");
    assert_eq!(above(&metadata), [""; 0]);
}

#[test]
fn a_dependency_with_a_newer_rust_is_named_at_any_depth() {
    let package = |id: &str, floor: Option<&str>| serde_json::json!({ "id": id, "name": id, "rust_version": floor });
    let dep = |pkg: &str, kind: Option<&str>| serde_json::json!({ "pkg": pkg, "dep_kinds": [{ "kind": kind }] });
    let node = |id: &str, deps: &[Value]| serde_json::json!({ "id": id, "deps": deps });
    let metadata = serde_json::json!({
        "workspace_members": ["ours"],
        "packages": [
            package("ours", Some("1.88")), package("a", None), package("b", Some("1.88.1")), package("c", Some("1.100")),
            package("d", Some("1.90")), package("e", Some("1.9")),
        ],
        "resolve": { "nodes": [
            node("ours", &[dep("a", None), dep("c", Some("dev")), dep("e", None)]), node("a", &[dep("b", Some("build")), dep("d", Some("dev"))]),
            node("b", &[dep("a", None)]), node("c", &[]), node("d", &[]), node("e", &[]),
        ] },
    });
    let mut found = above(&metadata);
    found.sort();
    let line = |name, asked| format!("ours promises Rust 1.88, and {name} asks for {asked}");
    assert_eq!(found, [line("b", "1.88.1"), line("c", "1.100")]);
}
