async fn get(&self, name: &str) -> Result<u64, Error> {
    let __miss = {
        #[allow(unused_imports)]
        use ::fastness::__private::ladder::*;
        static __SITE: ::fastness::__private::Site = ::fastness::__private::Site::new(
            ::fastness::__private::SiteKind::Cacheable,
            "get",
            ::core::module_path!(),
            ::core::file!(),
            ::core::line!(),
            "get:<path>:{name}",
            &[
                ::fastness::__private::Piece::Lit("get:"),
                ::fastness::__private::Piece::Path,
                ::fastness::__private::Piece::Lit(":"),
                ::fastness::__private::Piece::Arg(0),
            ],
        )
        .receiver(::fastness::__private::Receiver::ByType);
        :: fastness :: __private :: register ! (site __SITE);
        let __here = || ();
        let __here = ::fastness::__private::here_in::<_, fn(*const Self)>(&__here);
        let __shape = (&&&&&::fastness::__private::Probe::<Result<u64, Error>>::NEW).__shape();
        let __key = ((&::fastness::__private::Arg(&*self)).__scope(), (&::fastness::__private::Arg(name)).__part());
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
                .load_timeout(::core::time::Duration::from_millis(50u64))
                .as_task()
                .wire((&&::fastness::__private::Wired(__shape, ())).__wire()),
        )
    };
    let name = <str as ::std::borrow::ToOwned>::to_owned(name);
    let __self = ::core::clone::Clone::clone(self);
    ::fastness::__private::load_task(__miss, async move {
        #[allow(unused_variables)]
        let name = ::core::borrow::Borrow::<str>::borrow(&name);
        let __self = &__self;
        if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<Result<u64, Error>> {
            return __value;
        }
        { __self.load(name).await }
    })
    .await
}
