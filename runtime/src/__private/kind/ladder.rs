//! The rungs, highest first: each is a method of one name on one reference more.

use std::pin::Pin;

use super::marker::{Local, Sends, SendsAndSyncs};
use super::{Awaits, Blocks, Foreign, Kind};
use crate::shape::Probe;

macro_rules! boxed {
    ($($marker:ident: $($bound:path),*;)*) => {$(
        impl<'a, T> BoxedFuture for &&Probe<Pin<Box<dyn Future<Output = T> $(+ $bound)* + 'a>>> {
            type Kind = Kind<T, Awaits<'a, $marker>>;
            #[inline]
            fn __kind(&self) -> Self::Kind {
                Kind::NEW
            }
        }
    )*};
}

pub trait BoxedFuture {
    type Kind;
    fn __kind(&self) -> Self::Kind;
}

boxed! {
    Local: ;
    Sends: Send;
    SendsAndSyncs: Send, Sync;
}

pub trait OtherFuture {
    type Kind;
    fn __kind(&self) -> Self::Kind;
}

impl<F: Future> OtherFuture for &Probe<F> {
    type Kind = Kind<F, Foreign>;
    #[inline]
    fn __kind(&self) -> Self::Kind {
        Kind::NEW
    }
}

pub trait NoFuture {
    type Kind;
    fn __kind(&self) -> Self::Kind;
}

impl<R> NoFuture for Probe<R> {
    type Kind = Kind<R, Blocks>;
    #[inline]
    fn __kind(&self) -> Self::Kind {
        Kind::NEW
    }
}
