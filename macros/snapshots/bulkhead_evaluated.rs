async fn rating(&self, id: u64, region: &str) -> Result<Rating, Error> {
    static __POLICY: ::std::sync::LazyLock<::fastness::__private::resilience::bulkhead::Bulkhead> =
        ::std::sync::LazyLock::new(|| {
            ::fastness::__private::resilience::bulkhead::Bulkhead::new(
                ::core::concat!(::core::module_path!(), "::", "rating"),
                ::fastness::__private::resilience::bulkhead::Settings::fixed(::fastness::__private::count_of(PLACES)),
            )
        });
    ::fastness::__private::register_policy!(Bulkhead ::core::concat!(::core::module_path!(), "::", "rating"));
    match ::fastness::__private::in_bulkhead(&__POLICY, ::core::option::Option::Some(self.timeout), async move {
        if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<Result<Rating, Error>> {
            return __value;
        }
        { self.ask(id, region).await }
    })
    .await
    {
        ::core::result::Result::Ok(__output) => __output,
        ::core::result::Result::Err(__rejected) => ::core::result::Result::Err(::fastness::__private::rejected(__rejected)),
    }
}
