//! Functions that return a future under another name: each attribute on each way to name a future. Attributes recognise all of them by
//! type.

mod kinds;
mod limits;
mod traced;
mod writes;

use std::pin::Pin;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

use fastness::LoadTimeout;
use fastness::resilience::{Rejected, TimedOut};
use tokio::sync::Semaphore;

/// The boxed future of the `futures` crate.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
pub(crate) type LocalBoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
/// An alias that shows neither a future nor its output.
type Reply = BoxFuture<'static, Answer>;
type Both<T> = Pin<Box<dyn Future<Output = T> + Send + Sync>>;

type Answer = Result<u64, Trouble>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Trouble {
    Down,
    Rejected,
    TimedOut,
}

impl From<Rejected> for Trouble {
    fn from(_: Rejected) -> Self {
        Self::Rejected
    }
}

impl From<LoadTimeout> for Trouble {
    fn from(_: LoadTimeout) -> Self {
        Self::TimedOut
    }
}

impl From<TimedOut> for Trouble {
    fn from(_: TimedOut) -> Self {
        Self::TimedOut
    }
}

/// The work of a body, and the number of its runs.
struct Work {
    begun: AtomicU64,
    ended: AtomicU64,
    /// Runs that are still to fail.
    failing: AtomicU64,
    /// Permits, of which a run takes one before it ends.
    leave: Semaphore,
}

impl Work {
    /// Makes work that ends at once, and fails this often.
    fn failing(times: u64) -> &'static Self {
        let work = Self::held();
        work.failing.store(times, SeqCst);
        work.leave.add_permits(1_000);
        work
    }

    /// Makes work whose runs end when a permit is added.
    fn held() -> &'static Self {
        let (begun, ended, failing) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        Box::leak(Box::new(Self { begun, ended, failing, leave: Semaphore::new(0) }))
    }

    async fn run(&self, id: u64) -> Answer {
        self.begun.fetch_add(1, SeqCst);
        self.leave.acquire().await.expect("it is never closed").forget();
        self.ended.fetch_add(1, SeqCst);
        let fails = self.failing.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        if fails { Err(Trouble::Down) } else { Ok(id) }
    }

    /// The numbers of runs that began and ended.
    fn runs(&self) -> (u64, u64) {
        (self.begun.load(SeqCst), self.ended.load(SeqCst))
    }
}

/// One function for each way to name its future.
type Ways = [(&'static str, fn(&'static Work, u64) -> LocalBoxFuture<'static, Answer>); 7];

trait Call {
    type Future;
    fn call(&self, id: u64, work: &'static Work) -> Self::Future;
}

/// One attribute on a function of each way.
macro_rules! ways {
    ($module:ident($id:ident), #[$($free:tt)*], methods: #[$($method:tt)*]) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;

            #[$($free)*]
            fn alias($id: u64, work: &'static Work) -> BoxFuture<'static, Answer> {
                Box::pin(async move { work.run($id).await })
            }

            #[$($free)*]
            fn own_alias($id: u64, work: &'static Work) -> Reply {
                Box::pin(work.run($id))
            }

            #[$($free)*]
            fn local($id: u64, work: &'static Work) -> LocalBoxFuture<'static, Answer> {
                let not_send = std::rc::Rc::new($id);
                Box::pin(async move { work.run(*not_send).await })
            }

            #[$($free)*]
            fn both($id: u64, work: &'static Work) -> Both<Answer> {
                if $id == u64::MAX {
                    return Box::pin(async { Ok(0) });
                }
                Box::pin(work.run($id))
            }

            struct Service;

            static SERVICE: Service = Service;

            impl Service {
                #[$($method)*]
                fn borrowed<'a>(&'a self, $id: u64, work: &'a Work) -> BoxFuture<'a, Answer> {
                    Box::pin(async move {
                        let Self = self;
                        work.run($id).await
                    })
                }
            }

            struct Named;

            impl Call for Named {
                type Future = BoxFuture<'static, Answer>;

                #[$($method)*]
                fn call(&self, $id: u64, work: &'static Work) -> Self::Future {
                    Box::pin(work.run($id))
                }
            }

            #[$($free)*]
            fn qualified($id: u64, work: &'static Work) -> <Named as Call>::Future {
                Box::pin(work.run($id))
            }

            pub(super) const ALL: Ways = [
                ("alias", |work, id| alias(id, work)),
                ("own alias", |work, id| own_alias(id, work)),
                ("local", |work, id| local(id, work)),
                ("send and sync", |work, id| both(id, work)),
                ("borrowed", |work, id| SERVICE.borrowed(id, work)),
                ("associated type", |work, id| Named.call(id, work)),
                ("qualified", |work, id| qualified(id, work)),
            ];
        }
    };
    ($module:ident($id:ident), #[$($both:tt)*]) => {
        ways!($module($id), #[$($both)*], methods: #[$($both)*]);
    };
}
use ways;
