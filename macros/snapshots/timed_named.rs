fn call(&mut self, request: Request) -> Self::Future {
    let __kind = {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        (&__fastness_returns::<Self::Future>()).__kind()
    };
    let __labels = [::fastness::__private::Label::label(&self.cached)];
    let __slow: ::core::time::Duration = { LIMIT };
    __kind.finish(__kind.timed(
        move || {
            static __SITE: ::fastness::__private::TimedSite =
                ::fastness::__private::TimedSite::new(::fastness::__private::TimedMeta {
                    name: ::core::concat!(::core::module_path!(), "::", "call"),
                    function: "call",
                    module: ::core::module_path!(),
                    file: ::core::file!(),
                    line: ::core::line!(),
                    labels: &["cached"],
                });
            ::fastness::__private::inventory::submit! { :: fastness :: __private :: TimedEntry (& __SITE) }
            __SITE.start_with(&__labels).slow(__slow)
        },
        __kind.body(move || -> Self::Future { { self.inner.call(request) } }),
        |__value| {
            #[allow(unused_imports)]
            use ::fastness::__private::prelude::*;
            (&&::fastness::__private::Returned(__value)).__outcome()
        },
    ))
}
