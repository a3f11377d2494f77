async fn get_user(id: u64) -> Result<User, Error> {
    let __miss = {
        #[allow(unused_imports)]
        use ::fastness::__private::ladder::*;
        static __SITE: ::fastness::__private::Site = ::fastness::__private::Site::new(
            ::fastness::__private::SiteKind::Cacheable,
            "get_user",
            ::core::module_path!(),
            ::core::file!(),
            ::core::line!(),
            "user:<path>:{id}",
            &[
                ::fastness::__private::Piece::Lit("user:"),
                ::fastness::__private::Piece::Path,
                ::fastness::__private::Piece::Lit(":"),
                ::fastness::__private::Piece::Arg(0),
            ],
        );
        :: fastness :: __private :: register ! (site __SITE);
        let __here = || ();
        let __here = ::fastness::__private::here(&__here);
        let __shape = (&&&&&::fastness::__private::Probe::<Result<User, Error>>::NEW).__shape();
        let __key = (::fastness::__private::NoScope, (&::fastness::__private::Arg(&id)).__part());
        if let ::core::option::Option::Some(__hit) = __SITE.hit(::core::option::Option::None, __shape, __here, &__key) {
            return __hit;
        }
        __SITE.miss(
            ::core::option::Option::None,
            __shape,
            __here,
            &__key,
            &[],
            ::fastness::__private::policy(__shape, ::core::time::Duration::from_millis(300000u64))
                .wire((&&::fastness::__private::Wired(__shape, ())).__wire()),
        )
    };
    ::fastness::__private::load(__miss, async move {
        if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<Result<User, Error>> {
            return __value;
        }
        { load(id).await }
    })
    .await
}
