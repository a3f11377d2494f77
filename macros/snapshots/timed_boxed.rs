fn get(&self) -> Pin<Box<dyn Future<Output = u8> + Send + '_>> {
    ::std::boxed::Box::pin(async move {
        let __timer = {
            static __SITE: my::fast::__private::TimedSite =
                my::fast::__private::TimedSite::new(my::fast::__private::TimedMeta {
                    name: ::core::concat!(::core::module_path!(), "::", "get"),
                    function: "get",
                    module: ::core::module_path!(),
                    file: ::core::file!(),
                    line: ::core::line!(),
                    labels: &[],
                });
            my::fast::__private::inventory::submit! { my :: fast :: __private :: TimedEntry (& __SITE) }
            __SITE.start()
        };
        let __value: u8 = (async move {
            if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<u8> {
                return __value;
            }
            ({ Box::pin(async { 1 }) }).await
        })
        .await;
        __timer.finish({
            #[allow(unused_imports)]
            use my::fast::__private::prelude::*;
            (&&my::fast::__private::Returned(&__value)).__outcome()
        });
        __value
    })
}
