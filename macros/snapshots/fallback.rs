async fn rating(&self, id: u64, region: &str) -> Result<Rating, Error> {
    static __POLICY: ::fastness::__private::resilience::fallback::Fallback =
        ::fastness::__private::resilience::fallback::Fallback::new(::core::concat!(::core::module_path!(), "::", "rating"));
    let __copy_0 = ::core::clone::Clone::clone(&id);
    __POLICY
        .call(
            async move {
                if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<Result<Rating, Error>> {
                    return __value;
                }
                { self.ask(id, region).await }
            },
            move |__error| Self::last_known(self, __copy_0, region, __error),
        )
        .await
}
