async fn rating(&self, id: u64, region: &str) -> Result<Rating, Error> {
    static __BREAKERS: ::fastness::__private::KeyedBreakerSite = ::fastness::__private::KeyedBreakerSite::new(
        "host",
        || {
            (
                ::fastness::__private::resilience::breaker::Settings::new(),
                ::fastness::__private::KeyedBreakerSite::DEFAULT_CAP,
            )
        },
        ::core::panic::Location::caller(),
    );
    ::fastness::__private::inventory::submit! { :: fastness :: __private :: KeyedBreakerDeclared (& __BREAKERS) }
    let __breaker = __BREAKERS.get(&::std::format!("{region}"));
    let __copy_0 = ::core::clone::Clone::clone(&id);
    match __breaker
        .call_judged(
            async move {
                if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<Result<Rating, Error>> {
                    return __value;
                }
                { self.ask(id, region).await }
            },
            ::fastness::__private::resilience::breaker::Verdict::from_result,
        )
        .await
    {
        ::core::result::Result::Ok(__output) => __output,
        ::core::result::Result::Err(__rejected) => Self::last_known(self, __copy_0, region, __rejected).await,
    }
}
