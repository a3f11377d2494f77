fn get(id: u64) -> BoxFuture<'static, Option<User>> {
    let __kind = {
        #[allow(unused_imports)]
        use ::fastness::__private::ladder::*;
        (&::fastness::__private::Probe::<BoxFuture<'static, Option<User>>>::NEW).__kind()
    };
    let __load = {
        #[allow(unused_imports)]
        use ::fastness::__private::ladder::*;
        static __SITE: ::fastness::__private::Site = ::fastness::__private::Site::new(
            ::fastness::__private::SiteKind::Cacheable,
            "get",
            ::core::module_path!(),
            ::core::file!(),
            ::core::line!(),
            "get:<path>:{id}",
            &[
                ::fastness::__private::Piece::Lit("get:"),
                ::fastness::__private::Piece::Path,
                ::fastness::__private::Piece::Lit(":"),
                ::fastness::__private::Piece::Arg(0),
            ],
        );
        :: fastness :: __private :: register ! (site __SITE);
        let __here = || ();
        let __here = ::fastness::__private::here(&__here);
        let __shape = (&&&&&__kind).__shape();
        let __key = (::fastness::__private::NoScope, (&::fastness::__private::Arg(&id)).__part());
        __kind.serve(
            &__SITE,
            ::core::option::Option::None,
            __shape,
            __here,
            &__key,
            (300000u64, (&&::fastness::__private::Wired(__shape, __kind)).__wire()),
        )
    };
    let __load = match __load {
        ::core::result::Result::Ok(__out) => return __out,
        ::core::result::Result::Err(__load) => __load,
    };
    let __out: BoxFuture<'static, Option<User>> = { Box::pin(async move { None }) };
    #[allow(unreachable_code)]
    let __out = __kind.end(__load, __out);
    __out
}
