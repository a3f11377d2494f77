async fn rating(&self, id: u64, region: &str) -> Result<Rating, Error> {
    static __POLICY: ::fastness::__private::resilience::hedge::Hedge =
        ::fastness::__private::resilience::hedge::Hedge::new(
            ::core::concat!(::core::module_path!(), "::", "rating"),
            ::fastness::__private::resilience::hedge::Settings::p95(::core::time::Duration::from_millis(20u64))
                .budget(::fastness::__private::resilience::Percent::new(50u8)),
        );
    ::fastness::__private::register_policy!(Hedge ::core::concat!(::core::module_path!(), "::", "rating"));
    __POLICY
        .call(|| {
            #[allow(unused_variables)]
            let id = ::core::clone::Clone::clone(&id);
            async move {
                if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<Result<Rating, Error>> {
                    return __value;
                }
                { self.ask(id, region).await }
            }
        })
        .await
}
