async fn rating(&self, id: u64, region: &str) -> Result<Rating, Error> {
    static __POLICY: ::fastness::__private::resilience::retry::Retry =
        ::fastness::__private::resilience::retry::Retry::new(
            ::core::concat!(::core::module_path!(), "::", "rating"),
            ::fastness::__private::resilience::retry::Settings::new(),
        );
    ::fastness::__private::register_policy!(Retry ::core::concat!(::core::module_path!(), "::", "rating"));
    let __policy = __POLICY.with_settings(
        ::fastness::__private::resilience::retry::Settings::new()
            .attempts(::fastness::__private::count_of(self.attempts))
            .first_wait(::core::time::Duration::from_millis(10u64))
            .constant_waits()
            .budget(::fastness::__private::percent_of(BUDGET)),
    );
    __policy
        .call(
            || {
                #[allow(unused_variables)]
                let id = ::core::clone::Clone::clone(&id);
                async move {
                    if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<Result<Rating, Error>>
                    {
                        return __value;
                    }
                    { self.ask(id, region).await }
                }
            },
            |_| true,
        )
        .await
}
