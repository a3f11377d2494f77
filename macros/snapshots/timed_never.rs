async fn serve() -> ! {
    #[allow(unreachable_code)]
    {
        match {
            let __timer = {
                static __SITE: ::fastness::__private::TimedSite =
                    ::fastness::__private::TimedSite::new(::fastness::__private::TimedMeta {
                        name: ::core::concat!(::core::module_path!(), "::", "serve"),
                        function: "serve",
                        module: ::core::module_path!(),
                        file: ::core::file!(),
                        line: ::core::line!(),
                        labels: &[],
                    });
                ::fastness::__private::inventory::submit! { :: fastness :: __private :: TimedEntry (& __SITE) }
                __SITE.start()
            };
            let __value: ::core::convert::Infallible = (async move {
                if let ::core::option::Option::Some(__value) =
                    ::core::option::Option::None::<::core::convert::Infallible>
                {
                    return __value;
                }
                {
                    loop {
                        accept().await
                    }
                }
            })
            .await;
            __timer.finish({
                #[allow(unused_imports)]
                use ::fastness::__private::prelude::*;
                (&&::fastness::__private::Returned(&__value)).__outcome()
            });
            __value
        } {}
    }
}
