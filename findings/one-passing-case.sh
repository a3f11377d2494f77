#!/usr/bin/env bash
# The crate trybuild 1.0.122
#
# A folder of cases that must not compile only checks the dependencies; one case that must compile, anywhere among them, has code
# generated for all of the dependencies, as if each case were to be run: here for one small crate, which then has an `.rlib` besides its `.rmeta`.
# For a crate with many dependencies that is minutes, and a second copy of all of them.
#
# Output:
#   only cases that fail: libitoa*.rmeta
#   with one that passes: libitoa*.rlib libitoa*.rmeta
set -euo pipefail
FOLDER=$(mktemp -d)
trap 'rm -rf "$FOLDER"' EXIT
mkdir -p "$FOLDER/src" "$FOLDER/tests/cases"
cat >"$FOLDER/Cargo.toml" <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2024"
[dependencies]
itoa = "=1.0.15"
[dev-dependencies]
trybuild = "=1.0.122"
TOML
touch "$FOLDER/src/lib.rs"
echo 'fn main() { let _: u8 = itoa::Buffer::new(); }' >"$FOLDER/tests/cases/fails.rs"
echo 'fn main() { let _ = itoa::Buffer::new(); }' >"$FOLDER/tests/cases/passes.rs"

# The built forms of the dependency after a run with these lines.
built() {
    printf '#[test]\nfn cases() {\n    let cases = trybuild::TestCases::new();\n%s\n}\n' "$1" >"$FOLDER/tests/ui.rs"
    rm -rf "$FOLDER/target/tests"
    TRYBUILD=overwrite cargo test --quiet --manifest-path "$FOLDER/Cargo.toml" --target-dir "$FOLDER/target" >"$FOLDER/log" 2>&1 || { cat "$FOLDER/log"; return 1; }
    find "$FOLDER/target/tests" -name 'libitoa*' | sed 's/.*libitoa-[0-9a-f]*/libitoa*/' | sort -u | paste -sd' '
}

{
    echo "only cases that fail: $(built '    cases.compile_fail("tests/cases/fails.rs");')"
    echo "with one that passes: $(built '    cases.compile_fail("tests/cases/fails.rs");
    cases.pass("tests/cases/passes.rs");')"
} >"$FOLDER/seen"
cat "$FOLDER/seen"
diff <(sed -n 's/^#   //p' "$0") "$FOLDER/seen"
