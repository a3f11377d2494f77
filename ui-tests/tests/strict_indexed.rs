//! The expansion of `Indexed` compiles under the strictest lints, with private types in public models too.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs)]
#![no_implicit_prelude]

extern crate std;

use ::fastness::Indexed;
use ::serde::Serialize;
use ::std::convert::From;
use ::std::fmt::Debug;
use ::std::prelude::v1::test;
use ::std::string::String;
use ::std::vec::Vec;

/// A model.
#[derive(Debug, Serialize, Indexed)]
#[serde(rename_all = "camelCase")]
#[indexed(collection = "models", crate = ::fastness)]
#[index(keys(inner.r#type = 1, type = -1), partial(exists(inner.type)))]
pub struct Model<T = u8> {
    /// A field.
    #[index("2dsphere")]
    pub r#type: T,
    inner: Inner,
}

#[derive(Debug, Serialize, Indexed)]
struct Inner {
    r#type: Vec<Private>,
}

#[derive(Debug, Serialize)]
struct Private(String);

#[test]
fn a_private_type_in_a_public_model_has_fields() {
    let model = Model::<u8>::fields();
    ::std::assert_eq!(model.inner.r#type.name(), "inner.type");
    let _ = Model { r#type: 0_u8, inner: Inner { r#type: Vec::from([Private(String::new())]) } };
}
