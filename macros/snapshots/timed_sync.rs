fn parse<T: FromStr>(text: &str) -> Result<impl Iterator<Item = T>, Bad<'_>> {
    let __timer = {
        static __SITE: ::fastness::__private::TimedSite =
            ::fastness::__private::TimedSite::new(::fastness::__private::TimedMeta {
                name: ::core::concat!(::core::module_path!(), "::", "parse"),
                function: "parse",
                module: ::core::module_path!(),
                file: ::core::file!(),
                line: ::core::line!(),
                labels: &[],
            });
        ::fastness::__private::inventory::submit! { :: fastness :: __private :: TimedEntry (& __SITE) }
        __SITE.start().slow({ LIMIT })
    };
    let __value: Result<_, Bad<'_>> = ::fastness::__private::call(move || -> Result<_, Bad<'_>> { { read(text) } });
    __timer.finish({
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        (&&::fastness::__private::Returned(&__value)).__outcome()
    });
    __value
}
