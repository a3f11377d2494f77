fn save(user: User) -> User {
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
        let __shape = (&&&&&&::fastness::__private::Probe::<User>::NEW).__shape();
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
            ::fastness::__private::policy(__shape, ::core::time::Duration::from_millis(300000u64)),
        )
    };
    ::fastness::__private::store_sync(__put, move || -> User { { user } })
}
