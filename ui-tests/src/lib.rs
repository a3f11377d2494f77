//! Tests of compile errors. The cases are in `ui/`: a folder for each attribute, a file for each topic, many cases in a file.
