async fn save(&mut self, id: u64, user: User) -> Result<User, Error> {
    let __put = {
        #[allow(unused_imports)]
        use ::fastness::__private::ladder::*;
        static __SITE: ::fastness::__private::Site = ::fastness::__private::Site::new(
            ::fastness::__private::SiteKind::Put,
            "save",
            ::core::module_path!(),
            ::core::file!(),
            ::core::line!(),
            "user:{id}",
            &[::fastness::__private::Piece::Lit("user:"), ::fastness::__private::Piece::Arg(0)],
        )
        .receiver(::fastness::__private::Receiver::InKey);
        :: fastness :: __private :: register ! (site __SITE);
        let __here = || ();
        let __here = ::fastness::__private::here_in::<_, fn(*const Self)>(&__here);
        let __shape = (&&&&&::fastness::__private::Probe::<Result<User, Error>>::NEW).__shape();
        let __key = ((&::fastness::__private::Arg(&*self)).__own_scope(), (&::fastness::__private::Arg(&id)).__part());
        __SITE.put(
            ::core::option::Option::None,
            __shape,
            __here,
            &__key,
            &[],
            ::fastness::__private::policy(__shape, ::core::time::Duration::from_millis(300000u64))
                .wire((&&::fastness::__private::Wired(__shape, ())).__wire()),
        )
    };
    let __put = __put.when(id != 0);
    ::fastness::__private::store(__put, async move {
        if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<Result<User, Error>> {
            return __value;
        }
        { self.write(user).await }
    })
    .await
}
