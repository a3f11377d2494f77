async fn rating(&self, id: u64, region: &str) -> Result<Rating, Error> {
    static __POLICY: ::std::sync::LazyLock<::fastness::__private::resilience::rate_limit::KeyedRateLimit> =
        ::std::sync::LazyLock::new(|| {
            ::fastness::__private::resilience::rate_limit::KeyedRateLimit::new(
                ::core::concat!(::core::module_path!(), "::", "rating"),
                ::fastness::__private::resilience::rate_limit::Settings::new(
                    ::fastness::__private::at_least_one(1_u32),
                    ::core::time::Duration::from_secs(1_u64),
                ),
            )
            .with_max_keys(KEYS)
        });
    ::fastness::__private::register_policy!(RateLimit ::core::concat!(::core::module_path!(), "::", "rating"));
    let __policy = __POLICY.with_settings(::fastness::__private::resilience::rate_limit::Settings::new(
        ::fastness::__private::count_of(self.calls),
        ::core::time::Duration::from_millis(1000u64),
    ));
    if let ::core::result::Result::Err(__rejected) = __policy.check(::core::convert::AsRef::<str>::as_ref(&(region))) {
        return ::core::result::Result::Err(::fastness::__private::rejected(__rejected));
    }
    { self.ask(id, region).await }
}
