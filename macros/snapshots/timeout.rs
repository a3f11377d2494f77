async fn rating(&self, id: u64, region: &str) -> Result<Rating, Error> {
    static __POLICY: ::fastness::__private::resilience::timeout::Timeout =
        ::fastness::__private::resilience::timeout::Timeout::new(
            ::core::concat!(::core::module_path!(), "::", "rating"),
            ::core::time::Duration::from_millis(2000u64),
        );
    ::fastness::__private::register_policy!(Timeout ::core::concat!(::core::module_path!(), "::", "rating"));
    match __POLICY
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
}
