//! What the derive makes stays clean where everything is forbidden, for private types in public models too.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs)]
#![no_implicit_prelude]

extern crate std;

use ::fastness::Indexed;
use ::serde::Serialize;
use ::std::convert::From;
use ::std::string::String;
use ::std::vec::Vec;

/// A model.
#[derive(Serialize, Indexed)]
#[serde(rename_all = "camelCase")]
#[indexed(collection = "models", crate = ::fastness)]
#[index(keys(inner.r#type = 1, type = -1), partial(exists(inner.type)))]
pub struct Model<T = u8> {
    /// A field.
    #[index("2dsphere")]
    pub r#type: T,
    inner: Inner,
}

#[derive(Serialize, Indexed)]
struct Inner {
    r#type: Vec<Private>,
}

#[derive(Serialize)]
struct Private(String);

fn main() {
    let model = Model::<u8>::fields();
    ::std::assert_eq!(model.inner.r#type.name(), "inner.type");
    let _ = Model { r#type: 0_u8, inner: Inner { r#type: Vec::from([Private(String::new())]) } };
}
