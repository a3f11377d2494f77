//! Compile-error tests of fastness: see `ui/`, a folder per attribute, a file per topic, many cases per file.
