async fn get(&self, id: u64, name: &str) -> u64 {
    let __miss = {
        #[allow(unused_imports)]
        use ::fastness::__private::ladder::*;
        static __SITE: ::fastness::__private::Site = ::fastness::__private::Site::new(
            ::fastness::__private::SiteKind::Cacheable,
            "get",
            ::core::module_path!(),
            ::core::file!(),
            ::core::line!(),
            "get:<path>:{id}:{name}",
            &[
                ::fastness::__private::Piece::Lit("get:"),
                ::fastness::__private::Piece::Path,
                ::fastness::__private::Piece::Lit(":"),
                ::fastness::__private::Piece::Arg(0),
                ::fastness::__private::Piece::Lit(":"),
                ::fastness::__private::Piece::Arg(1),
            ],
        )
        .receiver(::fastness::__private::Receiver::ByType);
        :: fastness :: __private :: register ! (site __SITE);
        let __here = || ();
        let __here = ::fastness::__private::here_in::<_, fn(*const Self)>(&__here);
        let __shape = (&&&&&::fastness::__private::Probe::<u64>::NEW).__shape();
        let __key = (
            (&::fastness::__private::Arg(&*self)).__scope(),
            (&::fastness::__private::Arg(&id)).__part(),
            (&::fastness::__private::Arg(name)).__part(),
        );
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
                .stale(::core::time::Duration::from_millis(60000u64))
                .wire((&&::fastness::__private::Wired(__shape, ())).__wire()),
        )
    };
    let name = <str as ::std::borrow::ToOwned>::to_owned(name);
    let __self = ::core::clone::Clone::clone(self);
    ::fastness::__private::load_spawned(__miss, async move {
        #[allow(unused_variables)]
        let name = ::core::borrow::Borrow::<str>::borrow(&name);
        let __self = &__self;
        if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<u64> {
            return __value;
        }
        {
            log!(__self.id, name);
            __self.load(id).await
        }
    })
    .await
}
