async fn rating(&self, id: u64, region: &str) -> Result<Rating, Error> {
    static __POLICY: ::fastness::__private::resilience::rate_limit::KeyedRateLimit =
        ::fastness::__private::resilience::rate_limit::KeyedRateLimit::new(
            ::core::concat!(::core::module_path!(), "::", "rating"),
            ::fastness::__private::resilience::rate_limit::Settings::new(
                ::fastness::__private::at_least_one(10u32),
                ::core::time::Duration::from_millis(1000u64),
            ),
        )
        .with_max_keys(10000);
    ::fastness::__private::register_policy!(RateLimit ::core::concat!(::core::module_path!(), "::", "rating"));
    if let ::core::result::Result::Err(__rejected) = __POLICY.check(::core::convert::AsRef::<str>::as_ref(&(region))) {
        return ::core::result::Result::Err(::fastness::__private::rejected(__rejected));
    }
    { self.ask(id, region).await }
}
