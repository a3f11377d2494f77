fn sum(values: Vec<u64>) -> Result<u64, Error> {
    static __POLICY: ::fastness::__private::resilience::retry::Retry =
        ::fastness::__private::resilience::retry::Retry::new(
            ::core::concat!(::core::module_path!(), "::", "sum"),
            ::fastness::__private::resilience::retry::Settings::new(),
        );
    ::fastness::__private::register_policy!(Retry ::core::concat!(::core::module_path!(), "::", "sum"));
    __POLICY.call_sync(
        || -> Result<u64, Error> {
            #[allow(unused_variables)]
            let mut values = ::core::clone::Clone::clone(&values);
            {
                values.sort();
                total(values)
            }
        },
        |_| true,
    )
}
