fn save(user: User) -> User {
    let __kind = {
        #[allow(unused_imports)]
        use ::fastness::__private::ladder::*;
        (&::fastness::__private::Probe::<User>::NEW).__kind()
    };
    let __put = {
        #[allow(unused_imports)]
        use ::fastness::__private::ladder::*;
        static __SITE: ::fastness::__private::Site = ::fastness::__private::Site::new(
            ::fastness::__private::SiteKind::Put,
            "save",
            ::core::module_path!(),
            ::core::file!(),
            ::core::line!(),
            "user:{user.id}",
            &[::fastness::__private::Piece::Lit("user:"), ::fastness::__private::Piece::Arg(0)],
        )
        .tags(&["users"]);
        :: fastness :: __private :: register ! (site __SITE);
        let __here = || ();
        let __here = ::fastness::__private::here(&__here);
        let __shape = (&&&&&__kind).__shape();
        let __key = (::fastness::__private::NoScope, (&::fastness::__private::Arg(&user.id)).__part());
        __SITE.put(
            ::core::option::Option::None,
            __shape,
            __here,
            &__key,
            &[::fastness::__private::tag(
                &[::fastness::__private::Piece::Lit("users")],
                &(::fastness::__private::NoScope,),
            )],
            ::fastness::__private::policy(__shape, ::core::time::Duration::from_millis(300000u64))
                .wire((&&::fastness::__private::Wired(__shape, __kind)).__wire()),
        )
    };
    __kind.finish(__kind.store(__put, __kind.body(move || -> User { { user } })))
}
