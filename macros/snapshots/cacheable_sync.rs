#[doc = " Docs."]
#[inline]
fn square(x: u64) -> u64 {
    let __load = {
        #[allow(unused_imports)]
        use ::fastness::__private::ladder::*;
        static __SITE: ::fastness::__private::Site = ::fastness::__private::Site::new(
            ::fastness::__private::SiteKind::Cacheable,
            "square",
            ::core::module_path!(),
            ::core::file!(),
            ::core::line!(),
            "squares:<path>:{x}",
            &[
                ::fastness::__private::Piece::Lit("squares:"),
                ::fastness::__private::Piece::Path,
                ::fastness::__private::Piece::Lit(":"),
                ::fastness::__private::Piece::Arg(0),
            ],
        );
        :: fastness :: __private :: register ! (site __SITE);
        let __here = || ();
        let __here = ::fastness::__private::here(&__here);
        let __shape = (&&&&&::fastness::__private::Probe::<u64>::NEW).__shape();
        let __key = (::fastness::__private::NoScope, (&::fastness::__private::Arg(&x)).__part());
        __SITE.serve_sync(::core::option::Option::None, __shape, __here, &__key, 300000u64)
    };
    let __load = match __load {
        ::core::result::Result::Ok(__out) => return __out,
        ::core::result::Result::Err(__load) => __load,
    };
    let __out: u64 = { x * x };
    #[allow(unreachable_code)]
    let __out = ::fastness::__private::end_sync(__load, __out);
    __out
}
