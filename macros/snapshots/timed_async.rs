async fn find(&self, user: User) -> Result<Order, Error> {
    let __timer = {
        static __SITE: ::fastness::__private::TimedSite =
            ::fastness::__private::TimedSite::new(::fastness::__private::TimedMeta {
                name: "orders.find",
                function: "find",
                module: ::core::module_path!(),
                file: ::core::file!(),
                line: ::core::line!(),
                labels: &["tier", "cached"],
            });
        ::fastness::__private::inventory::submit! { :: fastness :: __private :: TimedEntry (& __SITE) }
        __SITE
            .start_with(&[
                ::fastness::__private::Label::label(&user.tier),
                ::fastness::__private::Label::label(&self.cached),
            ])
            .slow(::core::time::Duration::from_millis(100u64))
    };
    let __value: Result<Order, Error> = (async move {
        if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<Result<Order, Error>> {
            return __value;
        }
        { self.load(user).await }
    })
    .await;
    __timer.finish(::fastness::__private::error_if(&__value, |r| r.is_err()));
    __value
}
