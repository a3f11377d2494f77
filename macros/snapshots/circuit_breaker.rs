async fn rating(&self, id: u64, region: &str) -> Result<Rating, Error> {
    static __BREAKER: ::fastness::__private::BreakerSite = ::fastness::__private::BreakerSite::new(
        "supplier",
        || {
            ::fastness::__private::resilience::breaker::Settings::new()
                .failure_rate(::fastness::__private::resilience::Percent::new(40u8))
                .window(::fastness::__private::resilience::breaker::Window::Count(::fastness::__private::at_least_one(100u32)))
                .open_for(::core::time::Duration::from_millis(2000u64))
        },
        ::core::panic::Location::caller(),
    );
    ::fastness::__private::inventory::submit! { :: fastness :: __private :: BreakerDeclared (& __BREAKER) }
    let __breaker = __BREAKER.breaker();
    static __TIMEOUT: ::fastness::__private::resilience::timeout::Timeout =
        ::fastness::__private::resilience::timeout::Timeout::new("supplier", ::core::time::Duration::from_millis(1000u64));
    ::fastness::__private::register_policy!(Timeout "supplier");
    match __breaker
        .call_judged(
            async move {
                match __TIMEOUT
                    .run(async move {
                        if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<Result<Rating, Error>> {
                            return __value;
                        }
                        { self.ask(id, region).await }
                    })
                    .await
                {
                    ::core::result::Result::Ok(__output) => __output,
                    ::core::result::Result::Err(__timed_out) => ::core::result::Result::Err(::fastness::__private::timed_out(__timed_out)),
                }
            },
            ::fastness::__private::ignore_if::<Result<Rating, Error>>(::fastness::__private::of_error::<Result<Rating, Error>, _, _>(
                |e| e.is_ours(),
            )),
        )
        .await
    {
        ::core::result::Result::Ok(__output) => __output,
        ::core::result::Result::Err(__rejected) => ::core::result::Result::Err(::fastness::__private::rejected(__rejected)),
    }
}
