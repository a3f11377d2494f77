fn sum(values: Vec<u64>) -> Result<u64, Error> {
    static __POLICY: ::fastness::__private::resilience::Retry = ::fastness::__private::resilience::Retry::new(
        ::core::concat!(::core::module_path!(), "::", "sum"),
        ::fastness::__private::resilience::RetrySettings::new(),
    );
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
