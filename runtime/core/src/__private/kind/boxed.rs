//! The boxed futures that an expansion can make, by their auto traits.

use std::future::ready;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use super::{Awaits, Makeable, Returns};
use crate::codec::wire::Wire;
use crate::handle::Fastness;
use crate::key::OwnedKey;
use crate::key::args::Args;
use crate::load::{Miss, load};
use crate::shape::{CacheValue, Shape};
use crate::site::{Call, Site};

/// Markers of the boxed futures.
pub(crate) mod marker {
    #[derive(Debug)]
    pub struct NotSend;
    #[derive(Debug)]
    pub struct Sends;
    #[derive(Debug)]
    pub struct SendsAndSyncs;
}

/// Implements each marker by the auto traits of the future, the auto traits of its contents, those of an error, and the function that makes
/// it.
macro_rules! boxed {
    ($($marker:ident: [$($auto:path),*], [$($inside:path),*], [$($error:tt)*], $make:path;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<'a, T> Makeable for Pin<Box<dyn Future<Output = T> $(+ $auto)* + 'a>> {
            type Kind = Returns<T, Awaits<'a, marker::$marker>>;
            const KIND: Self::Kind = Returns::NEW;
        }

        impl<'a, T> Returns<T, Awaits<'a, marker::$marker>> {
            /// The function's own future.
            pub fn finish<F>(self, call: F) -> Pin<Box<dyn Future<Output = T> $(+ $auto)* + 'a>>
            where
                F: Future<Output = T> $(+ $inside)* + 'a,
            {
                $make(call)
            }

            /// The future of a value that is known already.
            pub fn early(self, value: T) -> Pin<Box<dyn Future<Output = T> $(+ $auto)* + 'a>>
            where
                T: $($inside +)* 'a,
            {
                self.finish(ready(value))
            }

            /// A call whose policy is a ttl in milliseconds and nothing else.
            pub fn serve<A, S>(
                self,
                site: &'static Site,
                on: Option<&Fastness>,
                call: Call<'_, A, S>,
                plain: (u64, Option<Wire<S::Item>>),
            ) -> Result<Pin<Box<dyn Future<Output = T> $(+ $auto)* + 'a>>, Miss<A::Owned, S>>
            where
                A: Args,
                S: Shape<Item: CacheValue, Out = T> + 'static,
                T: $($inside +)* 'a,
            {
                match site.hit(on, call) {
                    Some(hit) => Ok(self.early(hit)),
                    None => Err(self.miss(site, on, call, plain)),
                }
            }

            /// The future of a call that was not a hit.
            pub fn end<K, S, F>(self, miss: Miss<K, S>, body: F) -> Pin<Box<dyn Future<Output = T> $(+ $auto)* + 'a>>
            where
                K: OwnedKey,
                S: Shape<Item: CacheValue, Out = T $($error)*> $(+ $inside)* + 'static,
                F: Future<Output = T> $(+ $inside)* + 'a,
                T: $($inside +)* 'a,
            {
                self.finish(load(miss, body))
            }
        }
    )*};
}

boxed! {
    NotSend: [], [], [], Box::pin;
    Sends: [Send], [Send], [, Error: Send], Box::pin;
    SendsAndSyncs: [Send, Sync], [Send], [, Error: Send], Exclusive::pin;
}

/// A future that is `Sync` because a shared reference to it allows no operation. Its lock is never taken.
struct Exclusive<F>(Mutex<Pin<Box<F>>>);

impl<F> Exclusive<F> {
    fn pin(call: F) -> Pin<Box<Self>> {
        Box::pin(Self(Mutex::new(Box::pin(call))))
    }
}

impl<F: Future> Future for Exclusive<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).as_mut().poll(cx)
    }
}
