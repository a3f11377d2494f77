async fn rating(&self, id: u64, region: &str) -> Result<Rating, Error> {
    static __POLICY: ::fastness::__private::resilience::retry::Retry =
        ::fastness::__private::resilience::retry::Retry::new(
            ::core::concat!(::core::module_path!(), "::", "rating"),
            ::fastness::__private::resilience::retry::Settings::new()
                .attempts(::fastness::__private::at_least_one(5u32))
                .first_wait(::core::time::Duration::from_millis(10u64)),
        );
    ::fastness::__private::register_policy!(Retry ::core::concat!(::core::module_path!(), "::", "rating"));
    __POLICY
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
            ::fastness::__private::of_error::<Result<Rating, Error>, _, _>(|e| e.is_busy()),
        )
        .await
}
